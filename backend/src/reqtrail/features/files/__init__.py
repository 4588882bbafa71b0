"""Attachments: bytes by their SHA-256."""
