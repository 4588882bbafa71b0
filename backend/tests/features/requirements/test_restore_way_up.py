"""Which placements above a restored one come back, and where it stands where its parent cannot be: pure, by example."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqtrail.features.requirements.service.restore_plan import below, path_up, way_up

Parents = dict[UUID, UUID | None]
A, B, C, D, E = (UUID(int=number) for number in range(1, 6))
CHAIN: Parents = {A: None, B: A, C: B, D: C}
"""A above B above C above D, as it was."""


@pytest.mark.parametrize(
    ("root", "at_head", "gone", "members", "back", "parted"),
    [
        (D, CHAIN, set(), {D}, [], {}),
        (A, CHAIN, set(), {A, B, C, D}, [], {}),
        (D, {A: None}, {B, C}, {D}, [C, B], {}),
        (D, {}, {A, B, C}, {D}, [C, B, A], {}),
        # B moved to another document: what stood below it is put where B stood.
        (D, {A: None, C: A}, set(), {D}, [], {}),
        (D, {A: None}, {C}, {D}, [C], {C: A}),
        (C, {A: None}, set(), {C, D}, [], {C: A}),
        (C, {}, set(), {C, D}, [], {C: None}),
        # B went below C, which is restored with D: C goes up to A, and takes B with it.
        (C, {A: None, C: A, B: C}, set(), {C, D}, [], {C: A}),
        # Everything above went below it.
        (C, {C: None, A: C, B: A}, set(), {C, D}, [], {C: None}),
        # E is new between A and B, and no part of what is restored.
        (D, {A: None, E: A, B: E, C: B}, set(), {D}, [], {}),
    ],
)
def test_the_way_up(
    root: UUID,
    at_head: Parents,
    gone: set[UUID],
    members: set[UUID],
    back: list[UUID],
    parted: Parents,
) -> None:
    assert way_up(root, CHAIN, at_head, gone, members) == (back, parted)


@st.composite
def forests(draw: st.DrawFn) -> Parents:
    """Return some placements, each below an earlier one in an order of its own, or at the top."""
    order = draw(st.permutations([UUID(int=number) for number in range(1, 9)]))
    there = order[: draw(st.integers(min_value=1, max_value=8))]
    parents: Parents = {}
    for index, name in enumerate(there):
        above = draw(st.integers(min_value=-1, max_value=index - 1))
        parents[name] = there[above] if above >= 0 else None
    return parents


@given(forests(), forests(), st.sets(st.integers(min_value=1, max_value=8)), st.data())
def test_what_comes_of_it_is_a_forest(
    then: Parents, now: Parents, elsewhere: set[int], data: st.DataObject
) -> None:
    """Whatever moved, was deleted or went to another document meanwhile: no cycle, no orphan, nobody else moved."""
    root = data.draw(st.sampled_from(sorted(then)))
    members = below(root, then)
    gone = {name for name in then if name not in now and name.int not in elsewhere}
    back, parted = way_up(root, then, now, gone & set(path_up(then[root], then)), members)
    result = {**now, **{name: then[name] for name in (*members, *back)}, **parted}
    for name in result:
        path = []
        for step in path_up(name, result):
            assert step in result, "an orphan"
            assert step not in path, "a cycle"
            path.append(step)
    assert parted.keys() <= {root, *back}
    assert all(result[name] == now[name] for name in now.keys() - {*members, *back})
