"""Measurements of Reqtrail beside bare SQL (raw) and a bare HTTP server (floor), in the same run on the same data."""
