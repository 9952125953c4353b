"""The role ``deliveries``: the ministry takes flagged sets of provinces to its topic qa-flagged."""
