"""The front door of collaboration."""

from __future__ import annotations

from reqtrail.features.collaboration.service.live import Live

__all__ = ["Live"]
