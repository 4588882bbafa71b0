"""The front door of traceability."""

from __future__ import annotations

from reqtrail.features.traceability.kinds import KINDS

__all__ = ["KINDS"]
