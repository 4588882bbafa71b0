"""Signed tokens (JWS in its compact form): one way to check them, for our own and for those of sign-in providers.

The key decides, never the token: a token may name a key that is known already (``kid``), but it cannot bring one along,
say where one lies, or choose an algorithm that its key is not for. What a header says beyond that is not looked at, and
one that must be understood (``crit``) is refused, because nothing of the kind is understood here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import Key

Header = dict[str, Any]
MAX_HEADER_BYTES = 4096


class NotVerified(Exception):
    """The token is malformed, or no known key made its signature."""


class _Registry(jws.JWSRegistry):
    max_header_length = MAX_HEADER_BYTES


def verified_payload(
    token: str, key_of: Callable[[Header], Key | None], algorithms: Collection[str]
) -> bytes:
    """Return what *token* carries, once its signature is found to be good.

    Args:
        key_of: Returns the one key that may have signed a token with the given header, or None.
        algorithms: What may have been used; never ``none``.

    Raises:
        NotVerified: If it is malformed, or its signature is not by that key.
    """
    if not algorithms or "none" in algorithms:
        raise ValueError("name the algorithms that sign")
    registry = _Registry(algorithms=algorithms, strict_check_header=False)
    try:
        signature = jws.extract_compact(token.encode("ascii"), registry=registry)
        header = signature.headers()
        if not isinstance(header, dict) or "crit" in header or "b64" in header:
            raise NotVerified
        key = key_of(header)
        if key is None or not jws.validate_compact(signature, key, algorithms, registry):
            raise NotVerified
    except (JoseError, ValueError, TypeError, AttributeError, KeyError):
        raise NotVerified from None
    return signature.payload


def verified_claims(
    token: str, key_of: Callable[[Header], Key | None], algorithms: Collection[str]
) -> dict[str, Any]:
    """Return the claims of *token*, once its signature is found to be good; what they say is not checked.

    Raises:
        NotVerified: As above, or if it carries no JSON object.
    """
    payload = verified_payload(token, key_of, algorithms)
    try:
        claims = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise NotVerified from None
    if not isinstance(claims, dict):
        raise NotVerified
    return claims
