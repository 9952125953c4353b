"""What the past of a series says: statistics of its blocks of time, and bounds for later readings."""
