"""Reading a history: one JSON object a line, each a commit of some other tool.

``{"commit", "parents", "time", "author", "subject", "changes": [{"op", "uid", "node", "doc", "fields", "relations"}]}``

``op`` is add, modify, move or delete; a deletion needs a ``uid`` alone, everything else says the whole state after the
commit. ``time`` is a number of seconds since 1970 or an ISO 8601 date.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final, cast

import orjson

from reqtrail.features.exchange.errors import ArchiveTooLarge, BadArchive, BrokenLine
from reqtrail.kit.canonical_json import contains_nul

ADD, MODIFY, MOVE, DELETE = "add", "modify", "move", "delete"
OPERATIONS: Final = (ADD, MODIFY, MOVE, DELETE)
MAX_LINE: Final = 64_000_000
MAX_UNPACKED: Final = 4_000_000_000
MAX_NAME: Final = 500
"""Of identifiers, names of fields, authors and documents."""
_GZIP: Final = b"\x1f\x8b"


@dataclass(frozen=True)
class Change:
    """What a commit says of one item: its whole state after it, or that it is deleted.

    Attributes:
        doc: The path of the document that it stands in.
        relations: ``(type, UID)`` of each relation, in order.
    """

    op: str
    uid: str
    node: str = ""
    doc: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    relations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Line:
    """One commit of a history.

    Attributes:
        number: Which line of the file it is, from 1.
    """

    number: int
    commit: str
    parents: tuple[str, ...]
    time: datetime
    author: str
    subject: str
    changes: tuple[Change, ...]


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines of a file, which may be packed by gzip.

    Raises:
        BrokenLine: If one is not what a line must be; ``line`` says which.
        BadArchive, ArchiveTooLarge: If it cannot be unpacked.
    """
    with path.open("rb") as raw:
        packed = raw.read(len(_GZIP)) == _GZIP
    with gzip.open(path) if packed else path.open("rb") as stream:
        found = False
        for number, text in _texts(cast(IO[bytes], stream)):
            found = True
            yield parse_line(number, text)
        if not found:
            raise BrokenLine("The file holds no line.", line=1)


def _texts(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    number = total = 0
    while True:
        try:
            text = stream.readline(MAX_LINE + 1)
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise BadArchive(f"The file cannot be unpacked: {error}.") from None
        if not text:
            return
        number += 1
        total += len(text)
        if len(text) > MAX_LINE:
            raise BrokenLine(f"Line {number} is longer than {MAX_LINE:,} bytes.", line=number)
        if total > MAX_UNPACKED:
            raise ArchiveTooLarge(f"The file unpacks to more than {MAX_UNPACKED:,} bytes.")
        if text.strip():
            yield number, text


def parse_line(number: int, text: bytes) -> Line:
    """Return one line as values.

    Raises:
        BrokenLine: If it is not what a line must be.
    """
    try:
        found = orjson.loads(text)
        holds_nul = contains_nul(found)
    except ValueError as error:
        raise BrokenLine(f"Line {number} is no JSON: {error}.", line=number) from None
    except RecursionError:
        raise BrokenLine(f"Line {number} is nested too deeply.", line=number) from None
    if holds_nul:
        raise BrokenLine(f"Line {number} holds a NUL character, which is no text.", line=number)
    return _Reader(number).line(found)


class _Reader:
    """Reads the values of one line, and says what is wrong with them."""

    def __init__(self, number: int) -> None:
        self._number = number

    def line(self, value: Any) -> Line:
        """Return the line."""
        found = self._object(value, "The line")
        parents = self._list(found, "parents")
        changes = [self._change(item) for item in self._list(found, "changes")]
        seen: set[str] = set()
        for change in changes:
            if change.uid in seen:
                raise self._wrong(f"changes “{change.uid}” twice")
            seen.add(change.uid)
        return Line(
            number=self._number,
            commit=self._name(found, "commit"),
            parents=tuple(self._name({"parent": item}, "parent") for item in parents),
            time=self._time(found.get("time")),
            author=self._name(found, "author"),
            subject=self._text(found, "subject"),
            changes=tuple(changes),
        )

    def _change(self, value: Any) -> Change:
        found = self._object(value, "A change")
        op, uid = self._text(found, "op"), self._name(found, "uid")
        if op not in OPERATIONS:
            raise self._wrong(f"has the operation “{op[:50]}”; known are {', '.join(OPERATIONS)}")
        if op == DELETE:
            return Change(op, uid)
        fields = self._object(found.get("fields"), f"“fields” of {uid}")
        relations = []
        for item in self._list(found, "relations"):
            relation = self._object(item, f"A relation of {uid}")
            relations.append((self._name(relation, "type"), self._name(relation, "value")))
        return Change(
            op,
            uid,
            node=self._name(found, "node"),
            doc=self._name(found, "doc"),
            fields={
                self._name({"field": name}, "field"): self._text(fields, name) for name in fields
            },
            relations=tuple(relations),
        )

    def _object(self, value: Any, what: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(f"is broken: {what} is no JSON object")
        return value

    def _list(self, found: Mapping[str, Any], name: str) -> list[Any]:
        value = found.get(name)
        if not isinstance(value, list):
            raise self._wrong(f"has no list “{name}”")
        return value

    def _text(self, found: Mapping[str, Any], name: str) -> str:
        value = found.get(name)
        if not isinstance(value, str):
            raise self._wrong(f"has no text as “{name[:MAX_NAME]}”")
        return value

    def _name(self, found: Mapping[str, Any], name: str) -> str:
        value = self._text(found, name)
        if not value.strip() or len(value) > MAX_NAME:
            raise self._wrong(f"needs a text of 1 to {MAX_NAME} characters as “{name}”")
        return value

    def _time(self, value: Any) -> datetime:
        try:
            if isinstance(value, str):
                moment = datetime.fromisoformat(value)
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError):
            pass
        raise self._wrong("has no “time”: neither seconds since 1970 nor an ISO 8601 date")

    def _wrong(self, what: str) -> BrokenLine:
        return BrokenLine(f"Line {self._number} {what}.", line=self._number)
