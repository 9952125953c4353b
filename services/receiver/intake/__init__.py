"""A province takes the files of its stations: spool, ledger, topic raw-file."""
