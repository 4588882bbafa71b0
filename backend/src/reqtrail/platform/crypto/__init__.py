"""Secrets at rest: envelope encryption with AES-256-GCM.

A *master key* (a setting or a file, never in the database) wraps *data keys*, one for each project and one for the
instance; a data key encrypts secrets. A feature says where it keeps one and then seals and unseals it::

    SEED = SealedColumn("identity.totp", totp_factors, "seed", ("factor_id", "user_id"))

    sealed = await seal(session, SEED, (factor_id, user_id), secret)        # bytes for the column
    secret = await unseal(session, SEED, (factor_id, user_id), sealed)

What is sealed for one row opens in that row only: the column's name and the row's ids are associated data. A column of
project data has ``in_project=True`` and ``project_id`` as the first of its ids. Each column stands in
``bootstrap.sealed_columns``, by which ``reqtrail keys rotate`` finds what to encrypt anew.

A process calls :func:`open_vault` when it starts.
"""

from __future__ import annotations

from reqtrail.platform.crypto.columns import SealedColumn
from reqtrail.platform.crypto.errors import KeysUnusable, SecretUnreadable
from reqtrail.platform.crypto.vault import open_vault, seal, unseal

__all__ = ["KeysUnusable", "SealedColumn", "SecretUnreadable", "open_vault", "seal", "unseal"]
