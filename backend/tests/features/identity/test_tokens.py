"""Access tokens that were not made by us are refused; API tokens live and die."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from reqtrail.kit import clock
from tests.fixtures.api import Client, World

pytestmark = pytest.mark.anyio


def _b64(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _signed(claims: Any, key: ECKey, **header: Any) -> str:
    """Return a token with any header and any claims, signed by *key*."""
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    whole = {"alg": "ES256", "typ": "JWT", **header}
    return jws.serialize_compact(whole, json.dumps(claims), key, registry=registry)


def _hmac(claims: Any, secret: bytes, algorithm: str, **header: Any) -> str:
    signed = f"{_b64({'alg': algorithm, **header})}.{_b64(claims)}"
    digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[algorithm]
    return f"{signed}.{_b64(hmac.digest(secret, signed.encode(), digest))}"


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


def _key(world: World) -> ECKey:
    key: ECKey = world.app.state.signer.keys.active()
    return key


async def test_a_token_made_with_the_key_is_good(world: World) -> None:
    client, key = await world.user(), _key(world)
    assert await _status(world, _signed(_claims(client), key, kid=key.kid)) == 200


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "nOnE", "HS256", "ES384", "ES512", "RS256", "EdDSA", ""]
)
async def test_algorithm_confusion_is_refused(world: World, algorithm: str) -> None:
    client, key = await world.user(), _key(world)
    _, body, signature = _signed(_claims(client), key, kid=key.kid).split(".")
    for mark in ("", signature):
        header = _b64({"alg": algorithm, "typ": "JWT", "kid": key.kid})
        assert await _status(world, f"{header}.{body}.{mark}") == 401


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_the_public_key_is_no_secret(world: World, algorithm: str) -> None:
    """Whoever takes the published key for the secret of an HMAC gets nowhere."""
    client, key = await world.user(), _key(world)
    shown = (await world.anonymous().get("http://testserver/.well-known/jwks.json")).json()
    for secret in (
        key.as_pem(private=False),
        key.as_der(private=False),
        json.dumps(shown["keys"][0]).encode(),
        shown["keys"][0]["x"].encode(),
        b"",
    ):
        token = _hmac(_claims(client), secret, algorithm, kid=key.kid)
        assert await _status(world, token) == 401


def _injections(key: ECKey, own: ECKey) -> list[dict[str, Any]]:
    public = own.as_dict(private=False)
    return [
        {},
        {"kid": key.kid},
        {"kid": own.thumbprint()},
        {"jwk": public},
        {"jwk": public, "kid": key.kid},
        {"jku": "https://evil.example/keys"},
        {"jku": "https://evil.example/keys", "kid": key.kid},
        {"x5u": "https://evil.example/cert", "kid": key.kid},
        {"x5c": [_b64(own.as_der(private=False))], "kid": key.kid},
        {"kid": "../../../../dev/null"},
        {"kid": "/proc/self/environ"},
        {"kid": f"{key.kid}' OR '1'='1"},
        {"kid": "' UNION SELECT 'x' --"},
        {"kid": "| id"},
        {"kid": ""},
        {"kid": [key.kid]},
        {"kid": {"kid": key.kid}},
        {"kid": None},
        {"kid": 0},
    ]


async def test_injected_keys_are_not_used(world: World) -> None:
    client, own = await world.user(), ECKey.generate_key("P-256")
    for header in _injections(_key(world), own):
        body = f"{_b64({'alg': 'ES256', **header})}.{_b64(_claims(client))}"
        good = jws.serialize_compact({"alg": "ES256"}, b"x", own)
        assert await _status(world, f"{body}.{good.rpartition('.')[2]}") == 401
        native = own.private_key
        assert native is not None
        signature = jws.JWSRegistry.algorithms["ES256"].sign(body.encode(), own)
        assert await _status(world, f"{body}.{_b64(signature)}") == 401, header


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"jku": "https://evil.example/keys"},
        {"cty": "JWT"},
        {"zip": "DEF"},
        {"typ": None},
        {"kid": None},
    ],
)
async def test_a_header_that_we_do_not_write_is_refused(
    world: World, header: dict[str, Any]
) -> None:
    """Even with our own key: what such a token means is not known."""
    client, key = await world.user(), _key(world)
    body = f"{_b64({'alg': 'ES256', 'kid': key.kid, **header})}.{_b64(_claims(client))}"
    signature = jws.JWSRegistry.algorithms["ES256"].sign(body.encode(), key)
    assert await _status(world, f"{body}.{_b64(signature)}") == 401


async def test_a_changed_token_is_refused(world: World) -> None:
    """Also after the unchanged one was found good and is remembered."""
    client, key = await world.user(), _key(world)
    good = _signed(_claims(client), key, kid=key.kid)
    assert await _status(world, good) == 200
    header, body, signature = good.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    for changed in (
        f"{header}.{_b64({**_claims(client), 'jti': 'y'})}.{signature}",
        f"{header}.{body}.{_b64(raw[32:] + raw[:32])}",
        f"{header}.{body}.{_b64(bytes(64))}",
        f"{header}.{body}.{_b64(raw + raw)}",
        f"{header}.{body}.{signature}=",
        f"{header}.{body}.{signature}.x",
        f"{header}.{body}",
        f"{header}..{signature}",
        f".{body}.{signature}",
        f"{header}.{body}.",
        f"{_b64([])}.{body}.{signature}",
        f"{_b64(hashlib.sha256().digest())}.{body}.{signature}",
    ):
        assert await _status(world, changed) == 401, changed
    assert await _status(world, good) == 200


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
        {"iat": 99999999999},
        {"exp": "99999999999"},
        {"exp": True},
        {"aud": ["files"]},
        {"sub": ["x"]},
    ],
)
async def test_every_claim_counts(world: World, changes: dict[str, Any]) -> None:
    client, key = await world.user(), _key(world)
    token = _signed(_claims(client, **changes), key, kid=key.kid)
    assert await _status(world, token) == 401


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b'"x"', b"\xff", b'{"exp": NaN}'])
async def test_what_is_no_set_of_claims_is_refused(world: World, content: bytes) -> None:
    key = _key(world)
    token = jws.serialize_compact({"alg": "ES256", "kid": str(key.kid)}, content, key)
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
