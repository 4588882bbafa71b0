"""The use cases of identity, one module a concern."""
