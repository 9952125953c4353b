"""``/registry/requests``: stations that provinces ask the ministry to take."""
