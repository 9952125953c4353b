"""Validator: gives every reading a flag, the outcome of each test and the version of the rules.

Reads: parsed-reading, station-registry, baseline; on assignment the tail of its own output, qa-flagged. To
rejudge: rejudge, and ClickHouse (readings, files, baseline_blocks).
Writes: qa-flagged, one message for each one read, and revisions of readings that came out otherwise;
baseline, rejudge and ClickHouse (baseline_blocks).
Key: station code; all topics have the same partitions, so a partition's output is its memory's changelog.
Guarantee: at least once; the flags are a function of the stored readings, the rules, the registry and what
people decided, whatever the order of arrival.
Replay: resetting the group of validate judges again and writes the same readings; resetting the group of
rejudge finds nothing to change.
"""
