"""``/lineage``: the way of one reading from its bytes to its receipt; joins what other resources answer."""
