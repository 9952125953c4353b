"""The quality checks, one a file, and the table that lists them."""
