"""The role ``notify``: people and programs are told of alerts."""
