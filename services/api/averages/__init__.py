"""``/averages``: averages of an hour to a year."""
