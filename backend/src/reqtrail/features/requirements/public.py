"""The front door of requirements."""

from __future__ import annotations

from reqtrail.features.requirements.kinds import KINDS, attribute_value_kind
from reqtrail.features.requirements.service.defaults import default_schema

__all__ = ["KINDS", "attribute_value_kind", "default_schema"]
