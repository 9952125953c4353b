"""The role ``files``: a second target, for systems that know only files.

Flagged readings become station files of the circular's form, or the station's own bytes are passed on; they
wait in an outbox on the disk and go out by FTP, FTPS or SFTP.
"""
