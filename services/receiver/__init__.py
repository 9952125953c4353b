"""Receiver: takes station files in, and reads them.

Reads: intake — FTP, HTTP (the ministry: deliveries), station-registry; parse — raw-file, station-registry.
Writes: intake — raw-file (the ministry: qa-flagged); parse — parsed-reading.
Key: station code; the account name while no station could be assigned.
Guarantee: what was acknowledged (FTP 226, HTTP 2xx) is on disk or in Kafka; at least once from there.
Replay: resetting the parse group reads every file again and gives the same ids and versions.
"""
