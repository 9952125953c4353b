"""``/digests``: counts and digests of what is stored, to compare another tier with."""
