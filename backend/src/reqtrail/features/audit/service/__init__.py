"""Sealing, verifying, searching and exporting the record."""
