"""Merkle trees: the shape of RFC 6962, proofs that lead to the root, and none for what is not there."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqtrail.kit.merkle import (
    EMPTY,
    Step,
    climb,
    leaf_hash,
    merkle_path,
    merkle_paths,
    merkle_root,
    node_hash,
)


def _leaves(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(count)]


def _recursive(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962, word for word: split at the largest power of two below the count."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    left, right = _recursive(leaves[:half]), _recursive(leaves[half:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def test_known_roots() -> None:
    """The test vectors of Certificate Transparency: the first eight inputs and their roots."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    inputs.append("606162636465666768696a6b6c6d6e6f")
    leaves = [leaf_hash(bytes.fromhex(text)) for text in inputs]
    roots = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    for count, root in roots.items():
        assert merkle_root(leaves[:count]).hex() == root


@pytest.mark.parametrize("count", range(34))
def test_the_shape_is_that_of_the_definition(count: int) -> None:
    assert merkle_root(_leaves(count)) == _recursive(_leaves(count))


@given(count=st.integers(1, 200), data=st.data())
def test_each_leaf_has_a_proof_and_nothing_else_has(count: int, data: st.DataObject) -> None:
    """The steps lead from the leaf to the root; from another leaf, or with one step changed, elsewhere."""
    leaves = _leaves(count)
    index = data.draw(st.integers(0, count - 1))
    root, steps = merkle_root(leaves), merkle_path(leaves, index)
    assert climb(leaves[index], steps) == root
    assert merkle_paths(leaves)[index] == steps
    assert len(steps) <= (count - 1).bit_length()
    assert climb(leaf_hash(b"another"), steps) != root
    if steps:
        place = data.draw(st.integers(0, len(steps) - 1))
        turned = Step(steps[place].sibling, not steps[place].is_left)
        assert climb(leaves[index], [*steps[:place], turned, *steps[place + 1 :]]) != root
        assert climb(leaves[index], steps[:-1]) != root


def test_leaves_and_nodes_cannot_be_confused() -> None:
    """The bytes of an inner node, taken for a leaf's, give another hash; neither order nor number is lost."""
    one, two = _leaves(2)
    assert leaf_hash(one + two) != node_hash(one, two) == merkle_root([one, two])
    assert merkle_root([two, one]) != merkle_root([one, two]) != merkle_root([one, two, two])
    assert merkle_root([]) == EMPTY and merkle_root([one]) == one


def test_no_hash_has_no_path() -> None:
    assert merkle_paths([]) == [] and merkle_paths(_leaves(1)) == [[]]


@pytest.mark.parametrize(("count", "index"), [(0, 0), (3, 3), (3, -1)])
def test_there_is_no_path_from_nowhere(count: int, index: int) -> None:
    with pytest.raises(IndexError):
        merkle_path(_leaves(count), index)
