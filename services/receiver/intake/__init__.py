"""The role ``intake``: accepted files go through the spool to the topic raw-file."""
