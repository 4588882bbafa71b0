"""The front door of projects."""

from __future__ import annotations

from reqtrail.features.projects.repository import get_project_key, name_of
from reqtrail.features.projects.service import create_project, register_initialiser

__all__ = ["create_project", "get_project_key", "name_of", "register_initialiser"]
