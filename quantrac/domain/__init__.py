"""The pure core: parsing, quality tests, averages, identities, time.

Imports the standard library and numpy only, and opens nothing. Everything here can be called from a test
with literal values.
"""
