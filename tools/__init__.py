"""What `make check` runs of our own."""
