"""Judging readings as they arrive, from what is remembered of each series."""
