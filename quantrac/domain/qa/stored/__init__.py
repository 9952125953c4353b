"""Judging stored readings again, in the order of their time."""
