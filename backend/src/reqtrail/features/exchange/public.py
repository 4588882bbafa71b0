"""The front door of exchange."""

from __future__ import annotations

from reqtrail.features.exchange.kinds import KINDS

__all__ = ["KINDS"]
