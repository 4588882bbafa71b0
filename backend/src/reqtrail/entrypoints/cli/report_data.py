"""What a report of changes tells: a comparison in the words of people, by document, ready to be written as a page."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from reqtrail.entrypoints.cli.output import word_diff

Json = Mapping[str, Any]
Read = Callable[..., Any]
"""Reads a path below the project with query parameters, and returns its JSON."""

Marks = list[tuple[str, str]]
"""``("=", text)``, ``("-", text)`` and ``("+", text)`` in order."""

MAX_PRODUCT = 100_000_000
"""Beyond this product of their lengths, two texts are shown one after the other: by word it would take too long."""

_BLOCKS = frozenset("p div li tr table ul ol h1 h2 h3 h4 h5 h6 blockquote pre dt dd".split())
_DEFINITIONS = ("type", "attribute", "datatype", "file", "link_group")
_INNER = {"rank", "datatype_id", "package_id", "sha256", "presentation"}
"""Fields of definitions that a person does not read."""


@dataclass(frozen=True)
class Field:
    """One attribute or field that differs."""

    name: str
    marks: Marks
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """One thing that differs: ``words`` say how (added, removed, changed, moved, placed, taken out)."""

    words: tuple[str, ...]
    name: str
    title: str = ""
    place: str = ""
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class Section:
    """A document, or what stands in none, with what differs in it, in reading order."""

    title: str
    word: str = ""
    fields: tuple[Field, ...] = ()
    entries: tuple[Entry, ...] = ()
    gone: tuple[Entry, ...] = ()


@dataclass(frozen=True)
class Side:
    """One of the two versions; ``baselines`` are name, state of the seal and its root."""

    given: str
    branch: str
    seq: int
    commit: str
    recorded_at: str
    baselines: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Report:
    """A whole report; ``counts`` is by kind, then by what happened."""

    project: str
    name: str
    older: Side
    newer: Side
    counts: Mapping[str, Mapping[str, int]]
    sections: tuple[Section, ...]
    links: tuple[Entry, ...]
    definitions: tuple[Entry, ...]


@dataclass
class _Row:
    """Where something stands in a document at one version."""

    document: str
    parent: str
    item: str | None
    number: str
    title: str


@dataclass
class _Version:
    """What names things at one version."""

    documents: dict[str, str] = field(default_factory=dict)
    rows: dict[str, _Row] = field(default_factory=dict)
    items: dict[str, tuple[str, str]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, tuple[str, str]] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)


def gather(read: Read, project: str, a: str, b: str) -> Report:
    """Return what differs from version *a* to version *b*."""
    compared = read("/compare", **{"from": a, "to": b})
    baselines = read("/baselines")["baselines"]
    builder = _Builder(compared["changes"], _version(read, a), _version(read, b))
    return Report(
        project=project,
        name=str(read("")["name"]),
        older=_side(a, compared["from_ref"], baselines),
        newer=_side(b, compared["to_ref"], baselines),
        counts=builder.counts(),
        sections=tuple(builder.sections()),
        links=tuple(builder.links()),
        definitions=tuple(builder.definitions()),
    )


def _side(given: str, ref: Json, baselines: Iterable[Json]) -> Side:
    named = []
    for item in baselines:
        if (item["branch"], item["seq"]) == (ref["branch"], ref["seq"]):
            seal = item["seal"] or {"state": "not sealed", "root": None}
            named.append((str(item["name"]), str(seal["state"]), str(seal["root"] or "")))
    return Side(given, ref["branch"], ref["seq"], ref["commit"], ref["recorded_at"], tuple(named))


def _version(read: Read, at: str) -> _Version:
    found = _Version()
    schema = read("/schema", at=at)
    for kind in schema["types"]:
        found.types[kind["id"]] = kind["name"]
        for attribute in kind["attributes"]:
            found.attributes[attribute["id"]] = (attribute["name"], attribute["base"])
    for datatype in schema["datatypes"]:
        found.values.update({value["id"]: value["name"] for value in datatype["enum_values"]})
    for document in read("/documents", at=at)["documents"]:
        document_id = document["id"]
        found.documents[document_id] = document["title"]
        rows = read(f"/documents/{document_id}/outline", at=at)["rows"]
        for placement, above, _, item, key, _, title, number, _ in rows:
            parent = f"{rows[above][7]} {rows[above][6]}" if above >= 0 else document["title"]
            found.rows[placement] = _Row(document_id, parent, item, number, title)
            if item:
                found.items[item] = (key or "", title)
    return found


class _Builder:
    def __init__(self, changes: Sequence[Json], older: _Version, newer: _Version) -> None:
        self._older, self._newer = older, newer
        self._by_kind: dict[str, dict[str, Json]] = defaultdict(dict)
        for change in changes:
            self._by_kind[change["kind"]][change["id"]] = change
        self._told: set[str] = set()

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many of each kind were added, removed, changed; a changed placement is a move."""
        return {
            kind: dict(Counter(_word(change) for change in changes.values()))
            for kind, changes in self._by_kind.items()
        }

    def sections(self) -> Iterator[Section]:
        """Yield what differs in each document, in the order of the newer version, then outside of documents."""
        order = dict.fromkeys((*self._newer.documents, *self._older.documents))
        for document_id in order:
            section = self._section(document_id)
            if section.word or section.fields or section.entries or section.gone:
                yield section
        rest = [
            self._entry(item_id, ())
            for item_id in self._by_kind["item"]
            if item_id not in self._told
        ]
        if rest:
            yield Section("Items in no document", entries=tuple(rest))

    def _section(self, document_id: str) -> Section:
        change = self._by_kind["document"].get(document_id)
        title = self._newer.documents.get(document_id) or self._older.documents[document_id]
        entries = [
            entry
            for placement, row in self._newer.rows.items()
            if row.document == document_id and (entry := self._placed(placement, row)) is not None
        ]
        gone = [
            entry
            for placement, row in self._older.rows.items()
            if row.document == document_id and (entry := self._gone(placement, row)) is not None
        ]
        word = str(change["change"]) if change else ""
        fields = tuple(self._fields(change)) if change and word == "changed" else ()
        return Section(title, word, fields, tuple(entries), tuple(gone))

    def _placed(self, placement: str, row: _Row) -> Entry | None:
        """Return what happened to something that stands in the newer version, if anything did."""
        moved = self._by_kind["placement"].get(placement)
        item = self._by_kind["item"].get(row.item or "")
        if moved is None and item is None:
            return None
        if moved is None or (item is not None and item["change"] == "added"):
            return self._entry(row.item, (), f"{row.number} in {row.parent}")
        before = self._older.rows.get(placement)
        if before is None:
            return self._entry(row.item, ("placed",), f"at {row.number} in {row.parent}")
        place = f"from {before.number} in {before.parent} to {row.number} in {row.parent}"
        if (before.number, before.parent) == (row.number, row.parent):
            place = f"among its neighbours; it is still {row.number} in {row.parent}"
        return self._entry(row.item, ("moved",), place, row.title)

    def _gone(self, placement: str, row: _Row) -> Entry | None:
        """Return what was taken out of a document, if it was."""
        change = self._by_kind["placement"].get(placement)
        now = self._newer.rows.get(placement)
        if change is None or (now is not None and now.document == row.document):
            return None
        item = self._by_kind["item"].get(row.item or "")
        removed = item is not None and item["change"] == "removed"
        words = () if removed else ("taken out",)
        if now is not None:
            return Entry(("moved",), *self._named(row.item), f"to {now.number} in {now.parent}")
        place = f"was {row.number} in {row.parent}"
        if removed:
            return self._entry(row.item, words, place)
        return Entry(words, *self._named(row.item), place)

    def _entry(
        self, item_id: str | None, words: tuple[str, ...], place: str = "", title: str = ""
    ) -> Entry:
        """Return an item with what differs of itself, besides what happened to where it stands."""
        name, known = self._named(item_id)
        change = self._by_kind["item"].get(item_id or "")
        if change is None or item_id is None:
            return Entry(words, name, known or title, place)
        self._told.add(item_id)
        return Entry(
            (*words, change["change"]),
            change["key"] or name,
            known or title,
            place,
            tuple(self._fields(change)),
        )

    def _named(self, item_id: str | None) -> tuple[str, str]:
        key, title = (
            self._newer.items.get(item_id or "") or self._older.items.get(item_id or "") or ("", "")
        )
        change = self._by_kind["item"].get(item_id or "")
        return key or (change and change["key"]) or item_id or "an entry", title

    def links(self) -> Iterator[Entry]:
        """Yield the links that differ: from which item to which, by which type."""
        for change in self._by_kind["link"].values():
            side = change["after"] or change["before"]
            source, target = (
                " ".join(filter(None, self._named(side[name])))
                for name in ("source_id", "target_id")
            )
            kind = self._value(side["type_id"]) if side["type_id"] else "link"
            fields = tuple(self._fields(change)) if change["change"] == "changed" else ()
            yield Entry((change["change"],), kind, f"{source} → {target}", fields=fields)

    def definitions(self) -> Iterator[Entry]:
        """Yield the types, attributes, datatypes, files and groups of links that differ."""
        for kind in _DEFINITIONS:
            for change in self._by_kind[kind].values():
                side = change["after"] or change["before"]
                name = str(side.get("name") or side.get("path") or change["id"])
                fields = self._fields(change) if change["change"] == "changed" else ()
                yield Entry((change["change"],), kind.replace("_", " "), name, "", tuple(fields))

    def _fields(self, change: Json) -> Iterator[Field]:
        for side in ("before", "after"):
            redaction = change[f"redacted_{side}"]
            if redaction is not None:
                said = f"by {redaction['author']['display_name']}: {redaction['reason']}"
                yield Field(f"{side}: redacted", _marks(said, said), "")
        for item in change["fields"]:
            if item["field"] in _INNER:
                continue
            key, said = item["key"], item["field"].removesuffix("_id").replace("_", " ")
            name, base = self._attribute(key) if key else (said, "")
            old, new = (self._readable(item[side], base) for side in ("before", "after"))
            note = ""
            if old == new:
                if base != "xhtml":
                    continue
                note = "Formatting, links or pictures changed; the words are the same."
            if old or new:
                yield Field(name, _marks(old, new), note)

    def _attribute(self, key: str) -> tuple[str, str]:
        return self._newer.attributes.get(key) or self._older.attributes.get(key) or (key, "")

    def _readable(self, value: Any, base: str) -> str:
        if value is None:
            return ""
        if base == "xhtml" and isinstance(value, str):
            return text_of_html(value)
        if isinstance(value, list):
            return ", ".join(self._value(entry) for entry in value)
        if isinstance(value, bool):
            return "yes" if value else "no"
        return self._value(value)

    def _value(self, value: Any) -> str:
        """Return the name of an enumeration value, a type or a datatype, or the value as a text."""
        if isinstance(value, Mapping):
            return str(value.get("name") or dict(value))
        for version in (self._newer, self._older):
            for names in (version.values, version.types):
                if value in names:
                    return names[value]
        return str(value)


def _word(change: Json) -> str:
    moved = (change["kind"], change["change"]) == ("placement", "changed")
    return "moved" if moved else str(change["change"])


def _marks(old: str, new: str) -> Marks:
    if len(old) * len(new) > MAX_PRODUCT:
        return [("-", old), ("+", new)]
    return list(word_diff(old, new))


def text_of_html(markup: str) -> str:
    """Return the words of sanitised HTML, a line for each block, pictures by their names."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return "\n".join(line for line in lines if line)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS or tag == "br":
            self.parts.append("\n")
        elif tag in {"td", "th"}:
            self.parts.append(" | ")
        elif tag == "img":
            self.parts.append(f"[picture {dict(attrs).get('alt') or ''}".rstrip() + "]")

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        self.parts.append(data.replace("\n", " "))
