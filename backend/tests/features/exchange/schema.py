"""The OMG schema of ReqIF, read from the shared data without any network."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

import xmlschema


@lru_cache
def _schema(folder: Path) -> xmlschema.XMLSchema:
    def local(uri: str) -> str:
        return str(folder / uri.replace("://", "/", 1)) if uri.startswith("http") else uri

    return xmlschema.XMLSchema(str(folder / "reqif.xsd"), uri_mapper=local, allow="local")


def problems(data: bytes, folder: Path) -> list[str]:
    """Return what makes *data* invalid ReqIF; nothing if it is valid."""
    errors = _schema(folder).iter_errors(io.BytesIO(data))
    return [
        f"{error.path}: {error.reason}"[:300] for error, _ in zip(errors, range(5), strict=False)
    ]
