"""Ways to the ministry."""
