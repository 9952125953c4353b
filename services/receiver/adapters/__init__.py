"""The receiver's doors: FTP, SFTP, HTTP and a watched folder.

Each hands what it gets to the intake and answers with its verdict.
"""
