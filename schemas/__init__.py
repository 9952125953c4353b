"""The contracts: topics, messages, registry files, quality rules and ClickHouse tables."""
