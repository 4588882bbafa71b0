"""What a process does with its database before it serves: keys, and what they encrypt."""

from __future__ import annotations

from reqtrail.features.files.public import encrypt_attachments
from reqtrail.platform.crypto import open_vault
from reqtrail.platform.database.engine import Database
from reqtrail.platform.settings import Settings


async def prepare_secrets(database: Database, settings: Settings) -> None:
    """Give *database* the keys of *settings*.

    Raises:
        KeysUnusable: If secrets are encrypted with a master key that is not there.
    """
    await open_vault(database, settings)
    if settings.encrypt_attachments:
        encrypt_attachments(database)
