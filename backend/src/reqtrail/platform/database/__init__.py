"""PostgreSQL: the engine, sessions, migrations and partitions."""
