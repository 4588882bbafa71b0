"""Adapters to the world that know no feature."""
