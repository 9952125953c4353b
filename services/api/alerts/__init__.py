"""``/alerts``: what a duty officer should know."""
