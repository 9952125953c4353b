"""The roles ``parse`` and ``backlog``: raw files become readings on the topic parsed-reading."""
