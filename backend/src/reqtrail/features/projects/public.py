"""The front door of projects."""

from __future__ import annotations

from reqtrail.features.projects.repository import get_project_key

__all__ = ["get_project_key"]
