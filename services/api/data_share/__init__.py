"""``/data-share``: what was expected of stations, what came, and what the ministry has of it."""
