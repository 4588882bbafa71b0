"""Jobs: what takes longer than a request may, with their truth in PostgreSQL and a bell in Redis."""
