"""Telling others what happens in a project."""
