"""Forwarder: a province's flagged readings to the ministry, with proof, and to systems that know only files.

Reads: qa-flagged, late-range, station-registry, registry-request; raw-file and raw-file-backlog where a
       station's own bytes are sent.
Writes: deliveries to the ministry over HTTPS, stations' entries ahead of them; delivery-receipt, late-range,
        registry-request; station files by FTP, FTPS or SFTP.
Key: delivery id; of late-range the partition of qa-flagged; of registry-request the station.
Guarantee: at least once; an offset is committed only after the ministry's receipt, after a range that names
it for later, or once the file is in the outbox on the disk. So a ministry or a server that is down for a
week costs nothing but lag. What is fresh goes first.
Replay: resetting the group delivers again; the ministry knows a delivery by its id and a row by its key.
"""
