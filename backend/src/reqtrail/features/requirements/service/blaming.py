"""Who wrote which word of an item's text."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.public import display_names
from reqtrail.features.requirements.errors import (
    AttributeNotFound,
    AttributeNotText,
    ItemNotFound,
)
from reqtrail.features.requirements.richtext import plain_text
from reqtrail.features.requirements.service.schema import load_schema
from reqtrail.features.requirements.types import Attribute, Schema
from reqtrail.features.versioning.public import (
    CommitRecord,
    Content,
    Snapshot,
    State,
    ancestry,
    get_kind,
    states_at,
)
from reqtrail.kit.blame import Span, blame

_NOT_TEXT = {"enumeration", "boolean"}


@dataclass(frozen=True)
class Blame:
    """The text of an attribute in pieces.

    Attributes:
        spans: The pieces in order, each with the sequence of the commit that wrote it.
        commits: Those commits by sequence.
        names: The display names of their authors.
        after_redaction: Those of the commits whose words may be older: what they were made from was redacted.
    """

    key: str | None
    attribute: Attribute
    spans: list[Span[int]]
    commits: dict[int, CommitRecord]
    names: dict[UUID, str]
    after_redaction: set[int]


async def blame_item(
    session: AsyncSession, snapshot: Snapshot, item_id: UUID, attribute: str
) -> Blame:
    """Tell for each word of an attribute, named by id or by name, which commit wrote it.

    Rich text counts by the words that are read.

    Raises:
        ItemNotFound: If the item is not there at *snapshot*.
        AttributeNotFound: If it has no such attribute.
        AttributeNotText: If its values are no texts.
    """
    found = await states_at(session, get_kind("item"), snapshot, [item_id])
    state = found.get(item_id)
    if state is None or state.deleted:
        raise ItemNotFound("There is no such item at this version.")
    schema = await load_schema(session, snapshot)
    wanted = _attribute(schema, state, attribute)
    name, rich = str(wanted.id), wanted.base == "xhtml"

    @cache  # most versions of an item change something else
    def readable(value: str) -> str:
        return plain_text(value) if rich else value

    def text_of(content: Content) -> str:
        value: Any = content["attributes"].get(name)
        return readable(value) if isinstance(value, str) else ""

    history = await ancestry(session, snapshot, item_id)
    # A text with a thousand versions takes a while, and nobody else should wait for it.
    spans = await asyncio.to_thread(lambda: blame(history.versions(text_of)))
    used = {span.origin for span in spans}
    commits = {commit.seq: commit for commit in history.commits if commit.seq in used}
    names = await display_names(session, {commit.author_id for commit in commits.values()})
    return Blame(state.key, wanted, spans, commits, names, used & history.after_redaction())


def _attribute(schema: Schema, state: State, name: str) -> Attribute:
    kind = schema.types.get(state.content["type_id"])
    own = kind.attributes if kind else ()
    wanted = name.strip().casefold()
    found = next((item for item in own if item.name.casefold() == wanted), None)
    if found is None and name in state.content["attributes"]:
        found = schema.attributes.get(name)
    found = found or next((item for item in own if str(item.id) == wanted), None)
    if found is None:
        known = ", ".join(item.name for item in own if item.base not in _NOT_TEXT)
        raise AttributeNotFound(f"The item has no attribute “{name}”; it has {known or 'none'}.")
    if found.base in _NOT_TEXT:
        raise AttributeNotText(f"“{found.name}” is no text: its history tells who chose what.")
    return found
