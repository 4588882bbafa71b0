"""Every column that holds secrets: what a rotation of keys encrypts anew."""

from __future__ import annotations

from typing import Final

from reqtrail.features.files.public import ATTACHMENT_BYTES
from reqtrail.features.identity.public import SIGNING_KEY, TOTP_SEED
from reqtrail.features.notifications.public import WEBHOOK_SECRET, WEBHOOK_URL
from reqtrail.platform.crypto import SealedColumn
from reqtrail.platform.mail.tables import MAIL_TEXT

SEALED_COLUMNS: Final[tuple[SealedColumn, ...]] = (
    ATTACHMENT_BYTES,
    MAIL_TEXT,
    SIGNING_KEY,
    TOTP_SEED,
    WEBHOOK_SECRET,
    WEBHOOK_URL,
)
