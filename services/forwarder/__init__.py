"""Forwarder: a province's flagged readings to the ministry, with proof.

Reads: qa-flagged.
Writes: deliveries to the ministry over HTTPS; delivery-receipt.
Key: station code.
Guarantee: at least once; an offset is committed only after the ministry's receipt, so that a ministry that is
down for a day costs nothing but lag.
Replay: resetting the group delivers again; the ministry knows a delivery by its id and a row by its key.
"""
