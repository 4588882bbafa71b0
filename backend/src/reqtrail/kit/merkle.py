"""Merkle trees: one hash for many values, and a short proof that one value is among them.

The tree is that of RFC 6962, section 2.1, over hashes already made: neighbours are joined pair by pair, level by level,
and what has no neighbour moves up as it is. Leaves and inner nodes are hashed under different first bytes, so that no
inner node can be passed off as a leaf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

HASH_BYTES: Final = 32
EMPTY: Final = hashlib.sha256().digest()
"""The root of a tree without leaves."""

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


@dataclass(frozen=True)
class Step:
    """One step of a proof upwards: the neighbour's hash, and whether it stands on the left."""

    sibling: bytes
    is_left: bool


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 of a zero byte and *data*."""
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 of a one byte and its two children."""
    return hashlib.sha256(_NODE + left + right).digest()


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over *hashes*, in their order; :data:`EMPTY` if there are none."""
    level = list(hashes)
    while len(level) > 1:
        level = _above(level)
    return level[0] if level else EMPTY


def merkle_path(hashes: Sequence[bytes], index: int) -> list[Step]:
    """Return the steps from the hash at *index* up to the root; none if it is the only one.

    Raises:
        IndexError: If there is no such hash.
    """
    if not 0 <= index < len(hashes):
        raise IndexError(f"there is no leaf {index} among {len(hashes)}")
    return _path(_levels(hashes), index)


def merkle_paths(hashes: Sequence[bytes]) -> list[list[Step]]:
    """Return the steps of every hash in its order, hashing the tree once."""
    levels = _levels(hashes)
    return [_path(levels, index) for index in range(len(hashes))]


def climb(start: bytes, steps: Iterable[Step]) -> bytes:
    """Return the root that *steps* lead to from the hash *start*."""
    for step in steps:
        start = node_hash(step.sibling, start) if step.is_left else node_hash(start, step.sibling)
    return start


def _levels(hashes: Sequence[bytes]) -> list[list[bytes]]:
    levels = [list(hashes)]
    while len(levels[-1]) > 1:
        levels.append(_above(levels[-1]))
    return levels


def _path(levels: list[list[bytes]], index: int) -> list[Step]:
    steps = []
    for level in levels[:-1]:
        neighbour = index ^ 1
        if neighbour < len(level):
            steps.append(Step(level[neighbour], neighbour < index))
        index //= 2
    return steps


def _above(level: list[bytes]) -> list[bytes]:
    joined = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return joined + level[-1:] if len(level) % 2 else joined


def append_leaf(size: int, peaks: Sequence[bytes], leaf: bytes) -> list[bytes]:
    """Return the peaks of a tree of *size* leaves after one more: the roots of its full subtrees, the largest first.

    A tree that grows needs nothing but its peaks: one hash for each bit that is set in its size.
    """
    grown = [*peaks, leaf]
    while size & 1:
        right = grown.pop()
        grown.append(node_hash(grown.pop(), right))
        size >>= 1
    return grown


def root_of_peaks(peaks: Sequence[bytes]) -> bytes:
    """Return the root of the tree with these peaks, as :func:`merkle_root` over its leaves gives it."""
    if not peaks:
        return EMPTY
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root
