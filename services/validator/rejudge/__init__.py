"""Stored readings are judged again: topic rejudge to revisions on qa-flagged."""
