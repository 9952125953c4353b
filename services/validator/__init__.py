"""Validator: gives every reading a flag, the outcome of each test and the version of the rules.

Reads: parsed-reading, station-registry; on assignment the tail of its own output, qa-flagged.
Writes: qa-flagged, one message for each one read.
Key: station code; both topics have the same partitions, so a partition's output is its memory's changelog.
Guarantee: at least once; the same messages after the same history get the same flags.
Replay: resetting the group judges again and writes the same readings with the flags of today's rules.
"""
