"""What of exchange the version engine keeps."""

from __future__ import annotations

from typing import Final

from reqtrail.features.exchange import tables
from reqtrail.features.versioning.public import Field, Kind

PACKAGE = Kind(
    "package",
    tables.packages,
    (Field("path"), Field("header"), Field("extra")),
    erased=("path", "header", "extra"),
)

KINDS: Final = (PACKAGE,)
