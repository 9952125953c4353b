"""Forwarder: a province's flagged readings to the ministry, with proof, and to systems that know only files.

Reads: qa-flagged, late-range; raw-file and raw-file-backlog where a station's own bytes are sent.
Writes: deliveries to the ministry over HTTPS; delivery-receipt; late-range; station files by FTP, FTPS or SFTP.
Key: delivery id; of late-range the partition of qa-flagged.
Guarantee: at least once; an offset is committed only after the ministry's receipt, after a range that names
it for later, or once the file is in the outbox on the disk. So a ministry or a server that is down for a
week costs nothing but lag. What is fresh goes first.
Replay: resetting the group delivers again; the ministry knows a delivery by its id and a row by its key.
"""
