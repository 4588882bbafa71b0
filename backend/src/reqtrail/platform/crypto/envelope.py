"""The form of sealed bytes: ``version (1) | id of the data key (16) | nonce (12) | ciphertext | tag (16)``.

AES-256-GCM with a random nonce (NIST SP 800-38D, 8.2.2). Version, key id and place are authenticated.
"""

from __future__ import annotations

import os
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from reqtrail.platform.crypto.errors import SecretUnreadable

VERSION: Final = b"\x01"
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
HEADER_BYTES: Final = 1 + 16
KEY_ID_AT: Final = 2
"""Where the id of the data key begins, counted from 1 as SQL does."""


def encrypt(data_key: bytes, key_id: UUID, place: bytes, secret: bytes) -> bytes:
    """Return *secret*, sealed for *place*."""
    header, nonce = VERSION + key_id.bytes, os.urandom(NONCE_BYTES)
    return header + nonce + AESGCM(data_key).encrypt(nonce, secret, header + place)


def key_of(sealed: bytes) -> UUID:
    """Return the id of the data key that sealed it.

    Raises:
        SecretUnreadable: If the bytes have another form.
    """
    if len(sealed) < HEADER_BYTES + NONCE_BYTES + 16 or not sealed.startswith(VERSION):
        raise SecretUnreadable("A stored secret has a form that this version does not know.")
    return UUID(bytes=sealed[1:HEADER_BYTES])


def decrypt(data_key: bytes, place: bytes, sealed: bytes) -> bytes:
    """Return what was sealed for *place*.

    Raises:
        SecretUnreadable: If it was sealed for another place, or changed.
    """
    header, rest = sealed[:HEADER_BYTES], sealed[HEADER_BYTES:]
    try:
        return AESGCM(data_key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], header + place)
    except InvalidTag:
        raise SecretUnreadable(
            "A stored secret belongs to another row or was changed. Set it anew."
        ) from None
