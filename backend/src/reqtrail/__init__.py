"""Reqtrail: the scalable requirements tracker."""

__version__ = "0.1.0"
