"""Judging readings as they arrive, from what is remembered of each series.

``judge`` takes the steps: ``batch`` (sets in columns) → ``memory`` (what was known before each reading) → the
tests → ``outcomes`` (flags) → ``causes`` (which flags may still change, and why).

The memory keeps ``rings`` of readings, one a series (``series``: which). ``arrivals`` names what goes in and
comes out; ``waves`` take readings in side by side, ``long_files`` those of a series together. ``other_files``
and ``provisional`` serve the causes.
"""
