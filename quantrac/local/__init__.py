"""The one-machine stack: a real broker, a ClickHouse server and the services under one supervisor."""
