"""Quantrac: station files in, checked readings, averages and proof of delivery out."""

__version__ = "0.1.0"
