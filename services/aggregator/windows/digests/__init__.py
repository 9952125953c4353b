"""Counts and digests of readings, kept by station and hour."""
