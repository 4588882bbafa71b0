"""Ranks leave room everywhere, forever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqtrail.kit.rank import DIGITS, between, spread

RANKS = st.text(alphabet=DIGITS, min_size=1, max_size=8).filter(lambda rank: rank[-1] != DIGITS[0])


@given(st.lists(RANKS, max_size=2, unique=True), st.integers(min_value=0, max_value=200))
def test_spread_gives_ascending_ranks_inside_the_bounds(bounds: list[str], count: int) -> None:
    low, high = (*sorted(bounds), None, None)[:2]
    ranks = spread(low, high, count)
    assert len(ranks) == count
    chain = [rank for rank in (low, *ranks, high) if rank is not None]
    assert chain == sorted(set(chain))
    assert all(rank[-1] != DIGITS[0] for rank in ranks)


@given(st.lists(st.integers(min_value=0, max_value=10**6), min_size=1, max_size=150))
def test_inserting_anywhere_in_any_order_keeps_the_order(places: list[int]) -> None:
    ranks: list[str] = []
    for place in places:
        index = place % (len(ranks) + 1)
        low = ranks[index - 1] if index else None
        high = ranks[index] if index < len(ranks) else None
        ranks.insert(index, between(low, high))
    assert ranks == sorted(set(ranks))


@pytest.mark.parametrize("at_front", [True, False])
def test_additions_at_one_end_stay_short(at_front: bool) -> None:
    ranks = [between(None, None)]
    for _ in range(20_000):
        ranks.append(between(None, ranks[-1]) if at_front else between(ranks[-1], None))
    assert ranks == sorted(set(ranks), reverse=at_front)
    assert max(map(len, ranks)) <= 4


@pytest.mark.parametrize(("low", "high"), [("zzzz", None), ("zzzzzzzzV", None), (None, "0001")])
def test_an_end_that_is_used_up_goes_on_with_more_digits(low: str | None, high: str | None) -> None:
    ranks = spread(low, high, 3)
    assert sorted([*ranks, *filter(None, (low, high))])[0 if low else -1] == (low or high)
    assert max(map(len, ranks)) <= 12


def test_fifty_thousand_ranks_are_four_digits_at_most() -> None:
    ranks = spread(None, None, 50_000)
    assert ranks == sorted(set(ranks))
    assert max(map(len, ranks)) <= 4


@pytest.mark.parametrize(
    ("low", "high"), [("b", "a"), ("a", "a"), ("a0", None), ("", None), ("ä", None), (None, "-")]
)
def test_bounds_that_are_no_ranks_or_not_in_order_are_refused(
    low: str | None, high: str | None
) -> None:
    with pytest.raises(ValueError):
        between(low, high)


@given(RANKS, st.integers(min_value=1, max_value=100), st.booleans())
def test_an_open_end_on_either_side_keeps_the_order(bound: str, count: int, at_front: bool) -> None:
    ranks = spread(None, bound, count) if at_front else spread(bound, None, count)
    assert len(ranks) == count and all(ranks)
    chain = [*ranks, bound] if at_front else [bound, *ranks]
    assert chain == sorted(set(chain))


@pytest.mark.parametrize(
    ("low", "high", "ranks"),
    [
        ("zzzx", None, ["zzzy", "zzzz"]),
        ("zzzy", None, ["zzzz"]),
        ("zzzz", None, ["zzzz0001"]),
        ("zzzy", None, ["zzzy0001", "zzzy0002"]),
        (None, "0003", ["0001", "0002"]),
        (None, "0002", ["0001"]),
        (None, "0001", ["0000zzzz"]),
        ("1", "3", ["2"]),
        (None, None, ["V"]),
        ("1", "4", ["2", "3"]),
        ("1", "4", ["2V"]),
        ("1", "3", ["1f", "2K"]),
    ],
)
def test_each_place_is_used_before_ranks_grow(
    low: str | None, high: str | None, ranks: list[str]
) -> None:
    assert spread(low, high, len(ranks)) == ranks
    assert len(ranks) > 1 or between(low, high) == ranks[0]


@pytest.mark.parametrize(("count", "digits"), [(61, 2), (62, 3), (100, 3)])
def test_ranks_between_neighbours_grow_by_a_digit_when_there_is_no_room(
    count: int, digits: int
) -> None:
    ranks = spread("1", "2", count)
    assert ranks == sorted(set(ranks)) and "1" < ranks[0] and ranks[-1] < "2"
    assert max(map(len, ranks)) == digits
