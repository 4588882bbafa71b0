"""The use cases of the version engine, one module a verb."""
