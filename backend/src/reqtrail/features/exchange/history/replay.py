"""Replaying a history: what each of its commits changes, as entities of the model. The same file gives the same.

Nothing of it comes from the project. So an import that was interrupted, or of a file that has grown, replays what is
there already without writing it, and goes on from there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from reqtrail.features.exchange.errors import BrokenLine
from reqtrail.features.exchange.history.content import ROLE_RANKS, ROLES, Names
from reqtrail.features.exchange.history.lines import ADD, DELETE, Change, Line
from reqtrail.features.exchange.history.renames import find_renames
from reqtrail.features.versioning.public import Content
from reqtrail.kit.rank import between

KINDS: Final = ("datatype", "type", "attribute", "document", "item", "placement", "link")
"""In the order in which they are written: what something refers to comes before it."""


@dataclass(frozen=True)
class Want:
    """What an entity was before a commit of the history and what it is after it; None: it is not there.

    Attributes:
        shared: A part of the schema: only made if it is missing, since somebody may have changed it.
    """

    kind: str
    entity_id: UUID
    before: Content | None
    after: Content | None
    shared: bool = False


@dataclass(frozen=True)
class Step:
    """One commit of the history.

    Attributes:
        renamed: New to old UID of what it renames.
        dangling: The relations of what it writes that name nothing.
    """

    line: Line
    wants: tuple[Want, ...]
    renamed: dict[str, str]
    dangling: tuple[str, ...]


@dataclass(frozen=True)
class _Held:
    """An item as the history has it now."""

    item_id: UUID
    rank: str
    state: Change


@dataclass
class Replay:
    """The state of a history, line by line."""

    names: Names
    _live: dict[str, _Held] = field(default_factory=dict)
    _dead: dict[str, UUID] = field(default_factory=dict)
    _minted: Counter[str] = field(default_factory=Counter)
    _commits: set[str] = field(default_factory=set)
    _last_commit: str | None = None
    _documents: dict[str, str] = field(default_factory=dict)
    _placed: Counter[str] = field(default_factory=Counter)
    _last_ranks: dict[str | tuple[str, str], str] = field(default_factory=dict)
    _schema: set[tuple[str, ...]] = field(default_factory=set)
    _links: dict[UUID, dict[UUID, Content]] = field(default_factory=dict)
    _referrers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @property
    def counts(self) -> dict[str, int]:
        """How much there is now."""
        return {
            "documents": sum(count > 0 for count in self._placed.values()),
            "items": len(self._live),
            "placements": len(self._live),
            "links": sum(len(links) for links in self._links.values()),
        }

    def apply(self, line: Line) -> Step:
        """Take the next line; return what it changes.

        Raises:
            BrokenLine: If it does not follow from the lines before it.
        """
        self._check(line)
        before = {uid: held for uid in _uids(line) if (held := self._live.get(uid)) is not None}
        renamed = find_renames(line, {uid: held.state for uid, held in before.items()})
        wants = list(self._schema_wants(line))
        placed = self._placed.copy()
        self._delete(line, set(renamed.values()))
        for change in line.changes:
            if change.op != DELETE:
                self._put(change, before.get(renamed.get(change.uid, change.uid)))
        wants.extend(self._document_wants(placed))
        wants.extend(self._item_wants(line, before, renamed))
        links, dangling = self._link_wants(line, before)
        wants.extend(links)
        return Step(line, tuple(wants), renamed, tuple(dangling))

    def _check(self, line: Line) -> None:
        if line.commit in self._commits:
            raise _broken(line, f"is commit {line.commit}, which came before")
        if self._last_commit is not None and self._last_commit not in line.parents:
            raise _broken(
                line,
                f"does not have the commit of the line before, {self._last_commit}, as a parent:"
                " a history is one line of commits",
            )
        for change in line.changes:
            known = change.uid in self._live
            if (change.op == ADD) == known:
                word = "there already" if known else "not there"
                raise _broken(line, f"has “{change.op}” of “{change.uid}”, which is {word}")
        self._commits.add(line.commit)
        self._last_commit = line.commit

    def _schema_wants(self, line: Line) -> Iterator[Want]:
        """Yield the parts of the schema that the line is the first to need."""
        names = self.names
        for change in line.changes:
            if change.op == DELETE:
                continue
            node = change.node
            for rich, entity_id in names.datatypes.items():
                if self._is_new("datatype", str(rich)):
                    yield Want("datatype", entity_id, None, names.datatype(rich=rich), True)
            if self._is_new("type", node):
                yield Want("type", names.type_id(node), None, names.item_type(node), True)
            for name in (*ROLES, *change.fields):
                if self._is_new("attribute", node, name):
                    rank = ROLE_RANKS.get(name) or self._next_rank(("attributes", node))
                    self._last_ranks["attributes", node] = rank
                    content = names.attribute(node, name, rank)
                    yield Want("attribute", names.attribute_id(node, name), None, content, True)
            for kind, _ in change.relations:
                if self._is_new("link type", kind):
                    yield Want("type", names.link_type_id(kind), None, names.link_type(kind), True)

    def _is_new(self, *part: str) -> bool:
        new = part not in self._schema
        self._schema.add(part)
        return new

    def _next_rank(self, series: str | tuple[str, str]) -> str:
        rank = self._last_ranks[series] = between(self._last_ranks.get(series), None)
        return rank

    def _delete(self, line: Line, renamed: set[str]) -> None:
        for change in line.changes:
            if change.op == DELETE:
                held = self._live.pop(change.uid)
                self._forget(change.uid, held)
                if change.uid not in renamed:
                    self._dead[change.uid] = held.item_id

    def _put(self, change: Change, old: _Held | None) -> None:
        uid = change.uid
        if uid in self._live:
            self._forget(uid, self._live[uid])
        if old is not None:
            item_id = old.item_id
        else:
            item_id = self._dead.pop(uid) if uid in self._dead else self._mint(uid)
        stays = old is not None and old.state.doc == change.doc
        if change.doc not in self._documents:
            self._documents[change.doc] = self._next_rank(("documents", ""))
        rank = (
            old.rank if old is not None and stays else self._next_rank(("placements", change.doc))
        )
        self._live[uid] = _Held(item_id, rank, change)
        self._placed[change.doc] += 1
        for _, target in change.relations:
            self._referrers[target].add(uid)

    def _mint(self, uid: str) -> UUID:
        """Return the id of a new item. Who got another UID keeps its id, so that of the UID may be taken."""
        number = self._minted[uid]
        self._minted[uid] += 1
        return self.names.own("item", str(number), uid)

    def _forget(self, uid: str, held: _Held) -> None:
        self._placed[held.state.doc] -= 1
        for _, target in held.state.relations:
            self._referrers[target].discard(uid)

    def _document_wants(self, placed: Counter[str]) -> Iterator[Want]:
        """Yield the documents that begin to hold something, and those that hold nothing any more."""
        for path, rank in self._documents.items():
            was, now = placed[path] > 0, self._placed[path] > 0
            if was != now:
                content = self.names.document(path, rank)
                yield Want(
                    "document",
                    self.names.own("document", path),
                    content if was else None,
                    content if now else None,
                )

    def _item_wants(
        self, line: Line, before: dict[str, _Held], renamed: dict[str, str]
    ) -> Iterator[Want]:
        old_uids = set(renamed.values())
        for change in line.changes:
            if change.uid in old_uids:
                continue
            old = before.get(renamed.get(change.uid, change.uid))
            new = self._live.get(change.uid)
            held = new or old
            assert held is not None, "only what is there can be deleted"
            item_id = held.item_id
            yield Want("item", item_id, self._item(old), self._item(new))
            places = self._placement(old), self._placement(new)
            if places[0] != places[1]:
                yield Want("placement", self.names.own("placement", str(item_id)), *places)

    def _item(self, held: _Held | None) -> Content | None:
        return None if held is None else self.names.item(held.state.node, dict(held.state.fields))

    def _placement(self, held: _Held | None) -> Content | None:
        if held is None:
            return None
        return {
            "document_id": self.names.own("document", held.state.doc),
            "parent_id": None,
            "item_id": held.item_id,
            "rank": held.rank,
            "extra": None,
        }

    def _link_wants(self, line: Line, before: dict[str, _Held]) -> tuple[list[Want], list[str]]:
        """Return the links that come and go with the line, and which relations of it name nothing."""
        changed = set(_uids(line))
        switched = {uid for uid in changed if (uid in before) != (uid in self._live)}
        # Relations that name what has come or gone become links, or cease to be.
        touched = changed.union(*(self._referrers.get(uid, ()) for uid in switched))
        coming: dict[UUID, dict[UUID, Content]] = {
            held.item_id: {} for uid, held in before.items() if uid in touched
        }
        dangling = []
        for uid in sorted(touched & self._live.keys()):
            links = coming.setdefault(self._live[uid].item_id, {})
            for kind, target in self._live[uid].state.relations:
                if target in self._live:
                    links.update([self._link(uid, kind, target)])
                elif uid in changed or target in switched:
                    dangling.append(f"{uid} {kind} {target}")
        wants = []
        for item_id, links in coming.items():
            known = self._links.pop(item_id, {})
            wants += [Want("link", key, known[key], None) for key in known if key not in links]
            wants += [Want("link", key, None, links[key]) for key in links if key not in known]
            if links:
                self._links[item_id] = links
        return wants, dangling

    def _link(self, uid: str, kind: str, target: str) -> tuple[UUID, Content]:
        source_id, target_id = self._live[uid].item_id, self._live[target].item_id
        return self.names.own("link", kind, str(source_id), str(target_id)), {
            "type_id": self.names.link_type_id(kind),
            "source_id": source_id,
            "target_id": target_id,
            "attributes": {},
            "extra": None,
        }


def _uids(line: Line) -> list[str]:
    return [change.uid for change in line.changes]


def _broken(line: Line, what: str) -> BrokenLine:
    return BrokenLine(f"Line {line.number} {what}.", line=line.number)
