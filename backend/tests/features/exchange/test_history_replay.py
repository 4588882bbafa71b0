"""Replaying as a pure function: random histories against the plain telling of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from reqtrail.features.exchange.history.content import Names
from reqtrail.features.exchange.history.lines import parse_line
from reqtrail.features.exchange.history.replay import Replay, Want
from tests.features.exchange.told import change, line, packed, plain, replayed
from tests.features.exchange.trade import Json

NAMES = Names(UUID(int=7), "c1")
UIDS = ("a", "b", "c", "d")
TEXTS = st.sampled_from(["", "x", "y", "x\n\ny", "1 < 2 & \x0b3"])
State = dict[str, dict[UUID, dict[str, Any]]]


@st.composite
def histories(draw: st.DrawFn) -> list[Json]:
    """Return the lines of a history that follow from each other."""
    there: set[str] = set()
    lines = []
    for number in range(1, draw(st.integers(1, 8)) + 1):
        changes = []
        for uid in sorted(draw(st.sets(st.sampled_from(UIDS)))):
            op = draw(st.sampled_from(["modify", "move", "delete"])) if uid in there else "add"
            parents = draw(st.lists(st.sampled_from(UIDS), max_size=3))
            doc = draw(st.sampled_from(["one.sdoc", "two.sdoc"]))
            fields = {"STATEMENT": draw(TEXTS), "TITLE": draw(TEXTS)}
            changes.append(change(op, uid, *parents, doc=doc, **fields))
            there = there - {uid} if op == "delete" else there | {uid}
        lines.append(line(number, *changes))
    return lines


def _take(state: State, want: Want) -> None:
    """Apply a want to *state*, which must be what it says that it was."""
    kept = state.setdefault(want.kind, {})
    assert kept.get(want.entity_id) == want.before, want
    if want.after is None:
        del kept[want.entity_id]
    else:
        kept[want.entity_id] = want.after


def _told(state: State) -> Any:
    """Return *state* as the lines told it, and that nothing stands alone or twice."""
    attributes = {str(key): value["name"] for key, value in state.get("attribute", {}).items()}
    documents = {key: value["title"] for key, value in state.get("document", {}).items()}
    items: dict[UUID, dict[str, str]] = {}
    for key, item in state.get("item", {}).items():
        items[key] = {attributes[name]: value for name, value in item["attributes"].items()}
        items[key]["STATEMENT"] = plain(items[key]["STATEMENT"])
    placements = list(state.get("placement", {}).values())
    places = {one["item_id"]: documents[one["document_id"]] for one in placements}
    assert len(places) == len(placements) == len(items)
    assert set(places.values()) == set(documents.values())
    relations: dict[UUID, set[tuple[str, str]]] = {key: set() for key in items}
    for link in state.get("link", {}).values():
        name = state["type"][link["type_id"]]["name"]
        relations[link["source_id"]].add((name, items[link["target_id"]]["UID"]))
    return {
        fields["UID"]: (places[key], fields, frozenset(relations[key]))
        for key, fields in items.items()
    }


def _expected(lines: list[Json]) -> Any:
    told = replayed(lines)
    return {
        uid: (
            doc,
            {**fields, "STATEMENT": fields["STATEMENT"].replace("\x0b", "")},
            frozenset(one for one in relations if one[1] in told),
        )
        for uid, (doc, fields, relations) in told.items()
    }


def _replay(lines: list[Json]) -> list[tuple[Any, State]]:
    replay, state, told = Replay(NAMES), State(), []
    for number, text in enumerate(packed(lines).splitlines(), 1):
        for want in replay.apply(parse_line(number, text)).wants:
            _take(state, want)
        told.append((_told(state), {kind: dict(kept) for kind, kept in state.items()}))
        assert replay.counts["items"] == len(state.get("item", {}))
        assert replay.counts["links"] == len(state.get("link", {}))
        assert replay.counts["documents"] == len(state.get("document", {}))
    return told


@given(histories())
@settings(max_examples=300, deadline=None)
def test_every_state_is_what_the_lines_tell(lines: list[Json]) -> None:
    """Of any history, after each line; what is wanted begins where the line before ended."""
    for index, (told, _) in enumerate(_replay(lines)):
        assert told == _expected(lines[: index + 1])


@given(histories())
@settings(max_examples=100, deadline=None)
def test_the_same_lines_make_the_same_entities(lines: list[Json]) -> None:
    """So a longer file goes on where a shorter one ended."""
    whole = _replay(lines)
    for length in range(1, len(lines)):
        assert _replay(lines[:length])[-1] == whole[length - 1]


@given(histories())
@settings(max_examples=200, deadline=None)
def test_no_uid_wanders_without_a_deletion(lines: list[Json]) -> None:
    """An item that a line does not add keeps its id; an id has one UID at a time."""
    before: dict[str, UUID] = {}
    for entry, (_, state) in zip(lines, _replay(lines), strict=True):
        uid_attribute = str(NAMES.attribute_id("REQUIREMENT", "UID"))
        now = {
            item["attributes"][uid_attribute]: key for key, item in state.get("item", {}).items()
        }
        added = {one["uid"] for one in entry["changes"] if one["op"] == "add"}
        assert {uid for uid in before.keys() & now.keys() if before[uid] != now[uid]} <= added
        before = now
