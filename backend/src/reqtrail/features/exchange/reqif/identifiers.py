"""Identifiers: what a file calls a thing, and what a valid export calls it."""

from __future__ import annotations

import hashlib
import re

from reqtrail.features.exchange.types import Losses

_NAME = re.compile(r"[^\W\d][\w.\-·]*")
_BAD = re.compile(r"[^\w.\-]")


class Identifiers:
    """Keeps the identifiers of one file unique and valid (XML names without a colon).

    References in ReqIF name a kind of thing, so the same identifier on things of two kinds is understood when it is
    read; a valid file has it once.
    """

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._taken: set[bytes] = set()

    def valid(self, identifier: str) -> str:
        """Return *identifier*, or what an export calls the thing instead."""
        name = identifier
        if not _NAME.fullmatch(name):
            name = "_" + _BAD.sub("_", identifier)
            self._losses.add(
                "identifier_renamed",
                "Identifiers that are no XML names, or occur twice, get another name in exports.",
                identifier,
            )
        number = 1
        unique = name
        while not self._take(unique):
            number += 1
            unique = f"{name}_{number}"
        if unique != name:
            self._losses.add(
                "identifier_renamed",
                "Identifiers that are no XML names, or occur twice, get another name in exports.",
                identifier,
            )
        return unique

    def _take(self, name: str) -> bool:
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        if digest in self._taken:
            return False
        self._taken.add(digest)
        return True
