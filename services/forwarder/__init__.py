"""Forwarder: a province's flagged readings to the ministry, with proof, and to systems that know only files.

Reads: qa-flagged, station-registry, registry-request; raw-file and raw-file-backlog where a station's own
       bytes are sent.
Writes: deliveries to the ministry over HTTPS, stations' entries ahead of them; delivery-receipt,
        registry-request; station files by FTP, FTPS or SFTP.
Key: station code.
Guarantee: at least once; an offset is committed only after the ministry's receipt, or once the file is in the
outbox on the disk, so that a ministry or a server that is down for a day costs nothing but lag.
Replay: resetting the group delivers again; the ministry knows a delivery by its id and a row by its key.
"""
