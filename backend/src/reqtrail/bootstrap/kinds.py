"""Every versioned kind, registered with the engine."""

from __future__ import annotations

from reqtrail.features.exchange.public import KINDS as EXCHANGE_KINDS
from reqtrail.features.requirements.public import KINDS as REQUIREMENTS_KINDS
from reqtrail.features.traceability.public import KINDS as TRACEABILITY_KINDS
from reqtrail.features.versioning.public import register_kind


def register_kinds() -> None:
    """Make all kinds known; calling it again changes nothing."""
    for kind in (*REQUIREMENTS_KINDS, *TRACEABILITY_KINDS, *EXCHANGE_KINDS):
        register_kind(kind)
