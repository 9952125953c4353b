"""Receiver: takes station files in and reads them; at the ministry, takes provinces' deliveries in.

Reads: intake — FTP, SFTP, HTTP, folder, station-registry;
       parse, backlog — raw-file, raw-file-backlog, station-registry, open-question;
       deliveries (the ministry) — the provinces' deliveries and entries over HTTP, station-registry,
       registry-request, unapproved-set.
Writes: intake — raw-file, raw-file-backlog; parse, backlog — parsed-reading, open-question;
        deliveries — qa-flagged, unapproved-set, delivery-receipt, registry-request, station-registry.
Key: station code; the account name while no station could be assigned.
Guarantee: what was acknowledged (FTP 226, SFTP OK, HTTP 2xx) is on disk or in Kafka; then at least once.
Replay: resetting the parse group reads every file again and gives the same ids and versions.
"""
