"""The receiver's doors: FTP, SFTP, HTTP and a watched folder.

Each one lets clients in by the gate, hands their files to the uploads or the intake, and answers as they say.
"""
