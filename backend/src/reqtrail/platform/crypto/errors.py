"""What can be wrong with keys and secrets."""

from __future__ import annotations

from reqtrail.kit.errors import ReqtrailError


class KeysUnusable(Exception):
    """The master keys do not fit the database; the text says which one is missing and what to do."""


class SecretUnreadable(ReqtrailError):
    """What is stored was not sealed for this row, or was changed."""

    code = "secret_unreadable"
    title = "A stored secret cannot be read"
