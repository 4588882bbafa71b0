"""Searching the record, a page at a time, and writing it out."""

from __future__ import annotations

import base64
import csv
import io
import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.audit import repository
from reqtrail.features.audit.errors import CursorInvalid
from reqtrail.features.audit.types import Place, Row, Search
from reqtrail.features.identity.public import display_names
from reqtrail.kit.clock import isoformat
from reqtrail.platform.database.engine import Database
from reqtrail.platform.encoding import json_bytes

Format = Literal["csv", "jsonl"]
MEDIA_TYPES: Final[dict[Format, str]] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
}
COLUMNS: Final = (
    *("occurred_at", "action", "outcome", "actor_id", "actor_name", "proof", "proof_id"),
    *("address", "user_agent", "request_id", "project_id", "subject_kind", "subject_id"),
    *("old", "new", "details", "event_id"),
)
_FORMULA: Final = re.compile(r"'*\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|[\t\r\n]")
"""What a spreadsheet may take for a formula: also after blanks, and in the full width of East Asian keyboards. With
apostrophes in front too, so that taking away one of ours gives the text back."""


@dataclass(frozen=True)
class Page:
    """Some events with the names of their actors, and where the next page begins."""

    events: list[Row]
    names: dict[UUID, str]
    next: str | None


async def search_events(
    session: AsyncSession, asked: Search, cursor: str | None, limit: int
) -> Page:
    """Return the newest events that are asked for, from *cursor* on.

    Events that arrive meanwhile change no page that comes after a cursor.

    Raises:
        CursorInvalid: If the cursor is none.
    """
    after = _place(cursor) if cursor else None
    events = await repository.search(session, asked, after, limit + 1)
    following = _cursor(events[limit - 1]) if len(events) > limit else None
    events = events[:limit]
    return Page(events, await _names(session, events), following)


async def _names(session: AsyncSession, events: Iterable[Row]) -> dict[UUID, str]:
    actors = {event["actor_id"] for event in events} - {None}
    return await display_names(session, actors)


def _cursor(event: Row) -> str:
    text = f"{isoformat(event['occurred_at'])} {event['event_id']}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _place(cursor: str) -> Place:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        moment, _, event_id = text.partition(" ")
        return Place(datetime.fromisoformat(moment), UUID(event_id))
    except ValueError:
        raise CursorInvalid("Begin at the first page again.") from None


async def export_events(database: Database, asked: Search, form: Format) -> AsyncGenerator[bytes]:
    """Yield the events that are asked for as a file, the oldest first, in a transaction of its own."""
    async with (
        database.read_session() as session,
        aclosing(repository.stream_events(session, asked)) as pieces,
    ):
        if form == "csv":
            yield _csv([COLUMNS])
        names: dict[UUID, str] = {}
        async for events in pieces:
            unknown = [event for event in events if event["actor_id"] not in names]
            names |= await _names(session, unknown)
            written = [_written(event, names) for event in events]
            if form == "csv":
                yield _csv([_cell(row[name]) for name in COLUMNS] for row in written)
            else:
                yield b"".join(json_bytes(row) + b"\n" for row in written)


def _written(event: Row, names: dict[UUID, str]) -> Row:
    row = {**event, "actor_name": names.get(event["actor_id"])}
    row["occurred_at"] = isoformat(event["occurred_at"])
    return {name: row[name] for name in COLUMNS}


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\r\n").writerows(rows)
    return sink.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    text = orjson.dumps(value).decode() if isinstance(value, dict) else str(value)
    return f"'{text}" if _FORMULA.match(text) else text
