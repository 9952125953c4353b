"""The door of SFTP."""
