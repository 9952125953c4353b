"""The province's side of the registry: its stations' entries go to the ministry ahead of their readings."""
