"""``/limits``: what the averages of a station are judged by."""
