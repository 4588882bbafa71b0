"""What random histories are made of."""

from __future__ import annotations

from hypothesis import strategies as st

KINDS = ("document", "item", "placement")
VALUES = st.sampled_from(["one", "two", "three"])
ATTRIBUTES = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)
PATCHES = st.dictionaries(st.sampled_from("abc"), st.none() | VALUES, min_size=1, max_size=2)
RANKS = st.sampled_from(["A", "V", "k"])
AGO = st.integers(0, 6) | st.integers(0, 50)
"""How many commits ago something was; what lies before the first commit means the first."""
BASE = st.none() | AGO
MOST_ITEMS, MOST_PLACEMENTS, MOST_BRANCHES = 3, 6, 4
"""Few entities, so that they are changed often."""
ON = st.integers(0, 2 * MOST_BRANCHES)
"""Which of the branches, counted round."""
DIRECTION = st.sampled_from(["update", "update", "merge"])
CHOSEN = st.none() | st.integers(0, 255)
"""Which sides to choose in a merge, bit by bit; None chooses nothing."""
ROUNDS = 4
"""A choice can bring up another one; after so many a merge is given up."""
