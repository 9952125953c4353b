"""``/stations``: the stations of the registry, and what each measures."""
