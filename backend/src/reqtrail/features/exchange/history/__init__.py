"""Histories as replay lines: read, checked and replayed, without any database."""
