"""The receiver's doors: FTP and HTTP. Each hands what it gets to the intake and answers with its verdict."""
