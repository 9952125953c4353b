"""Aggregator: what analysts and the API read is written here, and nowhere else.

Reads: sink — qa-flagged, raw-file, delivery-receipt, alert; windows — window-dirty, and the rows in
ClickHouse; watch — qa-flagged, aggregated; notify — the alerts in ClickHouse.
Writes: sink — ClickHouse, window-dirty; windows — ClickHouse averages and indices, aggregated; watch — alert;
notify — webhooks, e-mail and its ledger in ClickHouse.
Key: station code.
Guarantee: at least once; a repeated row collapses by its key, a repeated average is not written again.
Replay: resetting the sink's group writes the same rows with the same versions; resetting the windows' group
recomputes the averages and writes only those that differ. An alert published again has the same id and
version.
"""
