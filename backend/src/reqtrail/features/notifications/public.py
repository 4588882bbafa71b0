"""The front door of notifications."""

from __future__ import annotations

from reqtrail.features.notifications.service.delivering import (
    deliver_next,
    outbound_of,
    queued_webhooks,
    webhooks_behind,
)
from reqtrail.features.notifications.tables import WEBHOOK_SECRET, WEBHOOK_URL

__all__ = [
    "WEBHOOK_SECRET",
    "WEBHOOK_URL",
    "deliver_next",
    "outbound_of",
    "queued_webhooks",
    "webhooks_behind",
]
