"""Receiver: takes station files in, and reads them.

Reads: intake — FTP, SFTP, HTTP, folder (the ministry: deliveries), station-registry;
       parse, backlog — raw-file, raw-file-backlog, station-registry, open-question.
Writes: intake — raw-file (the ministry: qa-flagged); parse, backlog — parsed-reading, open-question.
Key: station code; the account name while no station could be assigned.
Guarantee: what was acknowledged (FTP 226, SFTP OK, HTTP 2xx) is on disk or in Kafka; then at least once.
Replay: resetting the parse group reads every file again and gives the same ids and versions.
"""
