"""Readings are judged as they arrive: topic parsed-reading to qa-flagged."""
