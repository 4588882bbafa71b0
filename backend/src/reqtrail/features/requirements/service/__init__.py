"""The use cases of requirements, one module a concern."""
