"""Averages of the touched hours, days, months and years."""
