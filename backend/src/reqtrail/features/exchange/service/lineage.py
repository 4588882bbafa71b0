"""Which entity an identifier of a file means: the same one whenever the file, or a later state of it, is read.

A file continues what an earlier import brought when it has one of the specifications that are there already. Ids follow
from identifiers (UUIDv5 of the scope, the kind and the identifier), so that nothing needs to be looked up. Files that
Reqtrail wrote name what was made in the product by its own id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.repository import model
from reqtrail.features.exchange.reqif.index import Index
from reqtrail.features.exchange.reqif.writer import identifier_of
from reqtrail.features.versioning.public import Snapshot

TOOL: Final = "Reqtrail"
RENAMED_KINDS: Final = (
    *("datatype", "type", "attribute", "document", "item", "placement", "link", "link_group"),
)
_REFERRED_OFTEN = frozenset({"attribute", "type", "datatype", "value", "document"})
"""The objects of a file are named once or twice; these by each of them."""
_OWN = re.compile(r"_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_WRITTEN = re.compile(r"project ([0-9a-f-]{36}) version (\d+)")


def tool_id(project_id: UUID, seq: int) -> str:
    """Return REQ-IF-TOOL-ID of an export: it tells a later import of the file what the file was made from."""
    return f"{TOOL}, project {project_id} version {seq}"


@dataclass(frozen=True)
class Lineage:
    """How the identifiers of one file map to entities.

    Attributes:
        package_id: The package that stands for the file.
        scope: Tells files apart that use the same identifiers for different things: those of one archive.
        templates: Those that the package has already.
        known: What exports call otherwise than the imported file did: (kind, identifier) to entity id.
        own_ids: In a file that Reqtrail wrote: what it may name by id.
        exported_seq: In a file that this project was exported to: the version that it was made from.
        documents: The documents of the file that are there already.
    """

    project_id: UUID
    package_id: UUID
    scope: str
    is_new: bool
    templates: Sequence[str] = ()
    known: Mapping[tuple[str, str], str] = field(default_factory=dict)
    own_ids: frozenset[UUID] = frozenset()
    exported_seq: int | None = None
    documents: frozenset[UUID] = frozenset()
    _often: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)

    def entity(self, kind: str, identifier: str) -> str:
        """Return the id of the entity of *kind*, or of an enumeration value, that the file calls *identifier*."""
        if kind not in _REFERRED_OFTEN:
            return self._entity(kind, identifier)
        found = self._often.get((kind, identifier))
        if found is None:
            found = self._often[kind, identifier] = self._entity(kind, identifier)
        return found

    def _entity(self, kind: str, identifier: str) -> str:
        own = _OWN.fullmatch(identifier) if self.own_ids else None
        if own and UUID(own[1]) in self.own_ids:
            return own[1]
        known = self.known.get((kind, identifier))
        return known or str(uuid5(self.project_id, f"{self.scope}/{kind}/{identifier}"))


async def resolve_lineage(
    session: AsyncSession, head: Snapshot, index: Index, scope: str, path: str
) -> Lineage:
    """Return how a file's identifiers map.

    Args:
        scope: What tells the file from others of its upload, if it is new.
        path: Where the file lies in its archive.
    """
    packages = await model.load_packages(session, head)
    tool = index.header.get("REQ-IF-TOOL-ID") or ""
    own = tool.startswith(TOOL)
    documents = await _documents(session, head, index) if packages or own else {}
    continued = next((entry["p"] for entry in documents.values() if entry.get("p")), None)
    package = next(
        (
            row
            for row in packages
            if (str(row.entity_id) == continued if continued else _matches(row, index, path))
        ),
        None,
    )
    if package is not None:
        scope = package.extra["scope"]
    first = next(iter(index.specifications), index.header.get("IDENTIFIER") or path)
    package_id = (
        package.entity_id
        if package is not None
        else uuid5(head.project_id, f"{scope}/package/{first}")
    )
    written = _WRITTEN.search(tool)
    return Lineage(
        project_id=head.project_id,
        package_id=package_id,
        scope=scope,
        is_new=package is None,
        templates=package.extra["templates"] if package is not None else (),
        known=await _known(session, head) if package is not None else {},
        own_ids=await _own_ids(session, head) if own else frozenset(),
        exported_seq=(
            int(written[2])
            if written and written[1] == str(head.project_id) and int(written[2]) <= head.seq
            else None
        ),
        documents=frozenset(documents),
    )


def _matches(package: Any, index: Index, path: str) -> bool:
    """A file without specifications continues the package of the same name with the same title."""
    return (
        not index.specifications
        and package.path == path
        and package.header.get("identifier") == index.header.get("IDENTIFIER")
    )


async def _documents(
    session: AsyncSession, head: Snapshot, index: Index
) -> dict[UUID, Mapping[str, Any]]:
    """Return those documents of the project that the file holds, with their ``extra``."""
    found: dict[UUID, Mapping[str, Any]] = {}
    for entity_id, extra in await model.known_names(session, head, "document"):
        kept = extra or {}
        names = {identifier_of(kept, str(entity_id)), kept.get("id")}
        if any(name in index.specifications for name in names):
            found[entity_id] = kept
    return found


async def _known(session: AsyncSession, head: Snapshot) -> dict[tuple[str, str], str]:
    known = {}
    for kind in RENAMED_KINDS:
        for name, entity_id in (await model.renamed(session, head, kind)).items():
            known[kind, name] = str(entity_id)
    for row in await model.enum_values(session, head):
        for value in row:
            kept = value.get("extra") or {}
            if "as" in kept:
                known["value", kept["as"]] = str(value["id"])
    return known


async def _own_ids(session: AsyncSession, head: Snapshot) -> frozenset[UUID]:
    values = {
        UUID(str(value["id"])) for row in await model.enum_values(session, head) for value in row
    }
    return frozenset(values | await model.entity_ids(session, head.project_id))
