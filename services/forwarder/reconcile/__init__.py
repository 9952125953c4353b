"""The role ``reconcile``: compares with the ministry every night, and delivers once more what it lacks."""
