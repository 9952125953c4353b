"""A ClickHouse HTTP server over the embedded engine, for one machine.

Every other process talks to it with a ClickHouse client exactly as it would to a real server, so nothing in
the services knows which of the two it is. One process owns the data folder; a query has an engine handle of
its own, so that no setting, default database or temporary table outlives it.
"""
