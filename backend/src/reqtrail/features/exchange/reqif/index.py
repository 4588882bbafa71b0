"""The first pass over a file: is it well-formed ReqIF at all, and what does it define?

Everything that the second pass resolves references against is known afterwards, in whatever order a file defines it.
"""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import RawIOBase
from typing import IO, Any, Final
from xml.parsers import expat

from lxml import etree

from reqtrail.features.exchange.errors import BadArchive, HostileXml, NotReqif, NotXml
from reqtrail.features.exchange.reqif.names import BASES, OLD_NAMESPACES, REQIF, TYPE_CATEGORIES
from reqtrail.features.exchange.reqif.strict import local

RECORDS = (
    *(f"DATATYPE-DEFINITION-{base}" for base in BASES),
    *TYPE_CATEGORIES,
    "SPEC-OBJECT",
    "SPEC-RELATION",
    "SPECIFICATION",
    "SPEC-HIERARCHY",
    "RELATION-GROUP",
)

HEAD_BYTES: Final = 65_536
"""Within these the root must open, so that nothing else of a file is looked at before it is known to be ReqIF."""
_HARDENED: Final[dict[str, Any]] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_blank_text": False,
}


@dataclass(frozen=True)
class Definition:
    """An attribute definition: the type that has it, its base, the identifier of its datatype."""

    type_id: str
    base: str
    datatype_id: str | None


@dataclass
class Index:
    """What a file defines, by identifier.

    Attributes:
        specifications: Their identifiers in the order of the file.
        header: The texts of the header's parts, and its identifier as ``IDENTIFIER``.
        last_change: The latest LAST-CHANGE of an object, by its text.
    """

    datatypes: dict[str, str] = field(default_factory=dict)
    enum_values: dict[str, str] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Definition] = field(default_factory=dict)
    objects: set[str] = field(default_factory=set)
    relations: set[str] = field(default_factory=set)
    specifications: dict[str, None] = field(default_factory=dict)
    header: dict[str, str] = field(default_factory=dict)
    last_change: str = ""
    counts: Counter[str] = field(default_factory=Counter)


def events(stream: IO[bytes], names: tuple[str, ...]) -> Iterator[tuple[str, etree._Element]]:
    """Yield ``(start or end, element)`` of the elements called *names* in any name space, the root always.

    Raises:
        NotXml: If the file is not well-formed; ``line`` says where.
        HostileXml: If it declares a document type.
        NotReqif: If its root is not REQ-IF.
    """
    tags = ("{*}REQ-IF", *(f"{{*}}{name}" for name in names))
    try:
        head = stream.read(HEAD_BYTES)
        _look_at(head)
        whole = _Whole(head, stream)
        seen = False
        for event, element in etree.iterparse(
            whole, events=("start", "end"), tag=tags, **_HARDENED
        ):
            if not seen:
                _check_root(str(element.tag))
                seen = True
            yield event, element
        if not seen:
            raise NotReqif("The file has no element REQ-IF.")
    except etree.XMLSyntaxError as error:
        line = error.lineno or 1
        raise NotXml(
            f"Line {line}: {error.msg or 'the file is not well-formed'}.", line=line
        ) from None
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise BadArchive(f"The archive is damaged: {error}.") from None
    except (UnicodeDecodeError, LookupError) as error:
        raise NotXml(f"The file's text cannot be decoded: {error}.") from None


class _Whole(RawIOBase):
    """A stream whose beginning was read already."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        if not self._head:
            return self._rest.read(size)
        size = len(self._head) if size < 0 else size
        taken, self._head = self._head[:size], self._head[size:]
        return taken


class _RootSeen(Exception):
    """Ends the look at the beginning of a file."""


def _look_at(head: bytes) -> None:
    """Refuse a file by its beginning: by a document type declaration, or by a root that is not that of ReqIF.

    Expat tells of both as they come, before it reads on; what it cannot read the real parser complains about.

    Raises:
        HostileXml, NotReqif: If the file is to be refused.
    """
    parser = expat.ParserCreate(namespace_separator="}")

    def declared(*_: object) -> None:
        raise HostileXml(
            "The file has a document type declaration, which ReqIF does not need and attacks use."
            " Remove it and try again."
        )

    def opened(name: str, _: object) -> None:
        _check_root(f"{{{name}" if "}" in name else name)
        raise _RootSeen

    parser.StartDoctypeDeclHandler = declared
    parser.StartElementHandler = opened
    try:
        parser.Parse(head, False)
    except (_RootSeen, expat.ExpatError, LookupError, ValueError):
        return
    if len(head) == HEAD_BYTES:
        raise NotReqif(f"The first {HEAD_BYTES:,} bytes of the file open no element.")


def _check_root(tag: str) -> None:
    namespace, _, name = tag.rpartition("}")
    if name != "REQ-IF":
        raise NotReqif(f"The file's root is “{name[:80]}”, not REQ-IF.")
    if namespace.removeprefix("{") not in {REQIF, *OLD_NAMESPACES}:
        raise NotReqif(
            f"The file is of the name space “{namespace[1:200]}”, which is not that of ReqIF."
        )


def build_index(stream: IO[bytes]) -> Index:
    """Read a file once and return what it defines.

    Raises:
        NotXml, HostileXml, NotReqif: If it is no ReqIF file.
    """
    index = Index()
    for event, element in events(stream, (*RECORDS, "REQ-IF-HEADER")):
        if event == "start" or local(element) == "REQ-IF":
            continue
        if local(element) == "REQ-IF-HEADER":
            index.header = {local(part): part.text or "" for part in element if local(part)}
            index.header["IDENTIFIER"] = element.get("IDENTIFIER") or ""
        else:
            _note(index, element)
            forget(element)
    return index


def _note(index: Index, element: etree._Element) -> None:
    name, identifier = local(element), element.get("IDENTIFIER") or ""
    index.counts[name] += 1
    if name.startswith("DATATYPE-DEFINITION-"):
        index.datatypes.setdefault(identifier, name.rpartition("-")[2])
        for value in element.iterfind("{*}SPECIFIED-VALUES/{*}ENUM-VALUE"):
            index.enum_values.setdefault(value.get("IDENTIFIER") or "", identifier)
    elif name in TYPE_CATEGORIES:
        index.types.setdefault(identifier, TYPE_CATEGORIES[name])
        _note_attributes(index, element, identifier)
    elif name == "SPEC-OBJECT":
        index.objects.add(identifier)
        index.last_change = max(index.last_change, element.get("LAST-CHANGE") or "")
    elif name == "SPEC-RELATION":
        index.relations.add(identifier)
    elif name == "SPECIFICATION":
        index.specifications[identifier] = None


def _note_attributes(index: Index, element: etree._Element, type_id: str) -> None:
    for definition in element.iterfind("{*}SPEC-ATTRIBUTES/*"):
        base = local(definition).rpartition("-")[2]
        if base in BASES and local(definition).startswith("ATTRIBUTE-DEFINITION-"):
            reference = definition.find("{*}TYPE/*")
            datatype = (reference.text or "").strip() if reference is not None else None
            index.attributes.setdefault(
                definition.get("IDENTIFIER") or "", Definition(type_id, base, datatype)
            )


def forget(element: etree._Element) -> None:
    """Give the memory of what was read back; the element itself stays, since the parser stands on it."""
    tail = element.tail
    element.clear()
    element.tail = tail
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
