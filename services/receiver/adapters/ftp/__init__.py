"""The door of FTP and FTPS."""
