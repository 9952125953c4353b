"""Episodes in which an average exceeds a limit."""
