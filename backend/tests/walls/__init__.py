"""The second wall around every project: what PostgreSQL itself refuses, whatever the application asks."""
