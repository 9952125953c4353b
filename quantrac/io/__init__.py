"""Thin wrappers around the outside world: one foreign library a file or folder, no project types.

What moves here is bytes, rows and settings; what they mean is decided in ``quantrac.domain`` and ``schemas``.
"""
