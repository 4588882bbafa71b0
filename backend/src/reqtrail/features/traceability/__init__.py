"""Traceability: links between items."""
