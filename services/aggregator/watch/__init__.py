"""The role ``watch``: what is missing, stuck or beyond a limit becomes an alert."""
