"""Signatures of tokens: Wycheproof's vectors are judged right."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import Key, OctKey, import_key

from reqtrail.kit.signed_tokens import NotVerified, verified_claims, verified_payload

STRICTER = {
    347: "its key says ES521, which is no algorithm",
    350: "its key says PS256, and the token PS384",
}
"""Vectors that are valid, and refused here: a key that is for one algorithm checks no other."""


def _vectors(shared_folder: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    groups = json.loads((shared_folder / "corpora" / "jws_wycheproof.json").read_text())
    return [(group["key"], vector) for group in groups for vector in group["tests"]]


def _verified(key: dict[str, Any], vector: dict[str, Any]) -> bool:
    token = vector["jws"] if isinstance(vector["jws"], str) else json.dumps(vector["jws"])
    algorithm = key.get("alg", "ES256")

    def find(header: dict[str, Any]) -> Key:
        return import_key(key)

    try:
        verified_payload(token, find, [algorithm])
    except NotVerified:
        return False
    return True


def _judge(vectors: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[int]:
    """Return the numbers of the vectors that were judged wrong."""
    return [
        vector["tcId"]
        for key, vector in vectors
        if _verified(key, vector) != (vector["result"] == "valid")
    ]


def test_a_sample_of_the_vectors(shared_folder: Path) -> None:
    """Every valid one, and 60 that are not."""
    vectors = _vectors(shared_folder)
    valid = [pair for pair in vectors if pair[1]["result"] == "valid"]
    invalid = [pair for pair in vectors if pair[1]["result"] != "valid"]
    assert len(valid) > 20 and len(invalid) > 300
    sample = random.sample(invalid, 60)
    assert sorted(_judge([*valid, *sample])) == sorted(STRICTER)


@pytest.mark.long
def test_all_vectors(shared_folder: Path) -> None:
    vectors = _vectors(shared_folder)
    assert len(vectors) == 355
    assert sorted(_judge(vectors)) == sorted(STRICTER)


@pytest.mark.parametrize("algorithms", [[], ["none"], ["ES256", "none"]])
def test_unsigned_tokens_cannot_be_asked_for(algorithms: list[str]) -> None:
    with pytest.raises(ValueError, match="algorithms"):
        verified_claims("a.b.c", lambda header: OctKey.generate_key(256), algorithms)


@pytest.mark.parametrize("token", ["", ".", "..", "...", "a.b.c", "é.é.é", "\x00", "e30.e30.e30"])
def test_nonsense_is_not_verified(token: str) -> None:
    with pytest.raises(NotVerified):
        verified_claims(token, lambda header: None, ["ES256"])


def test_an_unusable_key_proves_nothing() -> None:
    """A key set of somebody else may hold keys that do not fit their tokens."""
    key = OctKey.generate_key(256)
    token = jws.serialize_compact({"alg": "HS256"}, b"{}", key)
    wrong: Key = import_key({**key.as_dict(), "use": "enc"})
    with pytest.raises(NotVerified):
        verified_claims(token, lambda header: wrong, ["HS256"])
    assert verified_claims(token, lambda header: key, ["HS256"]) == {}
