"""``/files`` and ``/rejects``: received files, their bytes, and the lines that gave no reading."""
