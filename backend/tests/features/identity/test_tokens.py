"""Access tokens that were not made by us are refused; API tokens live and die."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest

from reqtrail.features.identity.service.tokens import TokenSigner
from reqtrail.kit import clock
from reqtrail.platform.settings import Settings
from tests.fixtures.api import Client, World

pytestmark = pytest.mark.anyio


def _b64(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _claims(client: Client, **changes: Any) -> dict[str, Any]:
    now = clock.now()
    claims = {
        "iss": "reqtrail",
        "aud": "api",
        "sub": str(client.user.user_id),
        "sid": str(client.family_id),
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=5)).timestamp()),
        "jti": "x",
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


async def _status(world: World, token: str) -> int:
    headers = {b"Authorization": f"Bearer {token}".encode()}
    answer = await world.anonymous().get("/me", headers=headers)
    return answer.status_code


def _key(world: World) -> bytes:
    key: bytes = world.app.state.signer._key
    return key


async def test_a_token_made_with_the_key_is_good(world: World) -> None:
    client = await world.user()
    token = jwt.encode(_claims(client), _key(world), algorithm="HS256")
    assert await _status(world, token) == 200


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "nOnE", "HS384", "HS512", "RS256", "ES256", ""]
)
async def test_algorithm_confusion_is_refused(world: World, algorithm: str) -> None:
    client = await world.user()
    good = jwt.encode(_claims(client), _key(world), algorithm="HS256")
    _, body, signature = good.split(".")
    for mark in ("", signature):
        header = _b64({"alg": algorithm, "typ": "JWT"})
        assert await _status(world, f"{header}.{body}.{mark}") == 401


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
async def test_other_algorithms_with_the_right_key_are_refused(
    world: World, algorithm: str
) -> None:
    client = await world.user()
    token = jwt.encode(_claims(client), _key(world) * 2, algorithm=algorithm)
    assert await _status(world, token) == 401


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": {"kty": "oct", "k": _b64(b"k" * 32)}},
        {"jku": "https://evil.example/keys"},
        {"kid": "../../../../dev/null"},
        {"x5u": "https://evil.example/cert"},
        {"crit": ["exp"]},
    ],
)
async def test_injected_keys_are_not_used(world: World, header: dict[str, Any]) -> None:
    client = await world.user()
    token = jwt.encode(_claims(client), b"k" * 32, algorithm="HS256", headers=header)
    assert await _status(world, token) == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": None},
        {"iss": "somebody"},
        {"iss": None},
        {"aud": "files"},
        {"aud": None},
        {"sub": "not a uuid"},
        {"sub": None},
        {"sid": None},
        {"sid": str(uuid4())},
        {"sub": str(uuid4())},
        {"jti": None},
        {"nbf": 99999999999},
    ],
)
async def test_every_claim_counts(world: World, changes: dict[str, Any]) -> None:
    client = await world.user()
    token = jwt.encode(_claims(client, **changes), _key(world), algorithm="HS256")
    assert await _status(world, token) == 401


async def test_a_sign_in_of_another_account_is_refused(world: World) -> None:
    one, other = await world.user(), await world.user()
    token = world.app.state.signer.sign(one.user.user_id, other.family_id, "api")
    assert await _status(world, token) == 401


@pytest.mark.parametrize(
    "token", ["x", "..", "a.b.c", "rqt_", "rqt_x", "é", "a" * 10_000, "rqt_\xff"]
)
async def test_nonsense_is_401(world: World, token: str) -> None:
    assert await _status(world, token) == 401


@pytest.mark.parametrize("header", ["Basic dTpw", "Bearer", "Bearer ", "bearer", "rqt_x", ""])
async def test_other_schemes_are_401(world: World, header: str) -> None:
    answer = await world.anonymous().get("/me", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_wycheproof_vectors_prove_nothing_here(world: World, shared_folder: Path) -> None:
    groups = json.loads((shared_folder / "corpora" / "jws_wycheproof.json").read_text())
    groups = groups["groups"] if isinstance(groups, dict) else groups
    tried = 0
    for group in groups:
        for vector in group["tests"]:
            jws = vector["jws"] if isinstance(vector["jws"], str) else json.dumps(vector["jws"])
            if "\n" in jws or "\r" in jws:
                continue
            assert await _status(world, jws) == 401, vector
            tried += 1
    assert tried > 300


async def test_wycheproof_hmac_vectors_are_judged_right(
    settings: Settings, shared_folder: Path
) -> None:
    """With the vectors' own keys, every invalid HS256 signature is refused by the way that tokens are read."""
    groups = json.loads((shared_folder / "corpora" / "jws_wycheproof.json").read_text())
    groups = groups["groups"] if isinstance(groups, dict) else groups
    judged = 0
    for group in groups:
        key = group.get("key") or group.get("private") or {}
        if key.get("kty") != "oct":
            continue
        secret = base64.urlsafe_b64decode(key["k"] + "==")
        signer = TokenSigner(b"x" * 32, 5)
        signer._key = secret
        for vector in group["tests"]:
            if vector["result"] != "invalid" or not isinstance(vector["jws"], str):
                continue
            with pytest.raises(Exception, match="sign-in"):
                signer.check(vector["jws"], "api")
            judged += 1
    assert judged > 0


async def test_api_tokens_live_and_die(world: World) -> None:
    client = await world.user()
    made = (await client.post("/me/tokens", json={"name": "CI", "days": 30})).json()
    assert made["token"].startswith("rqt_")
    assert await _status(world, made["token"]) == 200
    (listed,) = (await client.get("/me/tokens")).json()
    assert listed["name"] == "CI" and "token" not in listed and listed["expires_at"]
    other = await world.user()
    assert (await other.delete(f"/me/tokens/{made['id']}")).status_code == 404
    assert (await client.delete(f"/me/tokens/{made['id']}")).status_code == 204
    assert await _status(world, made["token"]) == 401
    assert (await client.delete(f"/me/tokens/{made['id']}")).status_code == 404
