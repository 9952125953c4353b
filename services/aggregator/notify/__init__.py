"""The role ``notify``: alerts are sent to people and programs."""
