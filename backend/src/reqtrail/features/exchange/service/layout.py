"""What lies where in an exported archive."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from sqlalchemy import Row


@dataclass(frozen=True)
class Layout:
    """The names of an archive.

    Attributes:
        documents: The name of the ReqIF file of each package; None stands for a project that imported none.
        attachments: The name of each attachment with the SHA-256 of its bytes.
    """

    documents: Mapping[UUID | None, str]
    attachments: Sequence[tuple[str, bytes]]


def lay_out(packages: Sequence[Row[Any]], files: Sequence[Row[Any]], key: str) -> Layout:
    """Give everything the name that it was imported under.

    Where two imported files use the same name for different things, each gets a folder of its own; the names inside,
    by which rich text refers to attachments, stay. What was attached in the product lies beside each ReqIF file.
    """
    ids: list[UUID | None] = [row.entity_id for row in packages] or [None]
    paths = {row.entity_id: row.path or f"{key}.reqif" for row in packages} or {
        None: f"{key}.reqif"
    }
    brought = [row for row in files if row.package_id in paths]
    shared = _shared(paths, brought)
    folders = {item: f"{number}/" if shared else "" for number, item in enumerate(ids, 1)}
    documents = {item: folders[item] + paths[item] for item in ids}
    attachments = {folders[row.package_id] + _name(row): bytes(row.sha256) for row in brought}
    for row in files:
        if row.package_id not in paths or row.package_id is None:
            for document in documents.values():
                beside = PurePosixPath(document).parent / row.path
                attachments.setdefault(str(beside), bytes(row.sha256))
    taken = set(documents.values())
    return Layout(
        documents, [(name, sha256) for name, sha256 in attachments.items() if name not in taken]
    )


def _name(row: Row[Any]) -> str:
    return str((row.extra or {}).get("path") or row.path)


def _shared(paths: Mapping[UUID | None, str], brought: Sequence[Row[Any]]) -> bool:
    """Tell whether a name means different things in different packages."""
    seen: dict[str, object] = {}

    def everything() -> Iterator[tuple[str, object]]:
        yield from ((path, item) for item, path in paths.items())
        yield from ((_name(row), bytes(row.sha256)) for row in brought)

    return any(seen.setdefault(name, meaning) != meaning for name, meaning in everything())
