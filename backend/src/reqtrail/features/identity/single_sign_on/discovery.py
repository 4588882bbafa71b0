"""What providers say about themselves, and their keys: fetched with limits, remembered for a while.

Nothing a provider says is taken as it is: it must name itself as it is configured, and its addresses must be safe to
send secrets to. Redirects are not followed and answers are read up to a limit.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import orjson
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key

from reqtrail.features.identity.single_sign_on.errors import ProviderUnavailable, ProviderUnknown
from reqtrail.features.identity.single_sign_on.types import JsonObject, Metadata
from reqtrail.platform.sign_in_providers import SignInProvider, is_safe_address

logger = structlog.get_logger()

TIMEOUT: Final = httpx.Timeout(10.0, connect=5.0)
MAX_BYTES: Final = 1_000_000
METADATA_SECONDS: Final = 3600.0
KEYS_SECONDS: Final = 600.0
MIN_SECONDS_BETWEEN_KEYS: Final = 10.0
"""How soon an unknown key may make the keys be fetched again."""
MIN_RSA_BITS: Final = 2048
ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "Ed25519", "EdDSA"),
)
"""How an id token may be signed: never with a shared secret, never unsigned."""
WELL_KNOWN: Final = "/.well-known/openid-configuration"


@dataclass
class _Remembered:
    metadata: Metadata | None = None
    metadata_at: float = 0.0
    keys: tuple[Key, ...] = ()
    keys_at: float | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Providers:
    """The providers of this instance, and the connection to them."""

    def __init__(self, providers: Sequence[SignInProvider]) -> None:
        self._providers = {provider.id: provider for provider in providers}
        self._remembered = {provider.id: _Remembered() for provider in providers}
        self._client = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def all(self) -> list[SignInProvider]:
        """Return the providers in the order of the setting."""
        return list(self._providers.values())

    def get(self, provider_id: str) -> SignInProvider:
        """Return a provider.

        Raises:
            ProviderUnknown: If there is none with this id.
        """
        try:
            return self._providers[provider_id]
        except KeyError:
            raise ProviderUnknown("This instance has no such sign-in provider.") from None

    def of_issuer(self, issuer: str) -> SignInProvider | None:
        """Return the provider with an issuer, if it is still set up."""
        return next((one for one in self.all() if one.issuer == issuer), None)

    async def metadata(self, provider: SignInProvider) -> Metadata:
        """Return what a provider says about itself.

        Raises:
            ProviderUnavailable: If it does not answer, or says nothing usable.
        """
        remembered = self._remembered[provider.id]
        async with remembered.lock:
            now = asyncio.get_running_loop().time()
            known = remembered.metadata
            if known is not None and now - remembered.metadata_at < METADATA_SECONDS:
                return known
            content = await self.fetch(provider, provider.issuer.rstrip("/") + WELL_KNOWN)
            remembered.metadata = _read_metadata(provider, content)
            remembered.metadata_at = now
            return remembered.metadata

    async def keys(self, provider: SignInProvider, *, anew: bool = False) -> tuple[Key, ...]:
        """Return the keys that sign a provider's id tokens.

        Args:
            anew: Fetch them even if they are remembered, unless that was done a moment ago: a token names a new one.

        Raises:
            ProviderUnavailable: If it does not answer, or says nothing usable.
        """
        metadata = await self.metadata(provider)
        remembered = self._remembered[provider.id]
        async with remembered.lock:
            now = asyncio.get_running_loop().time()
            limit = MIN_SECONDS_BETWEEN_KEYS if anew else KEYS_SECONDS
            if remembered.keys_at is None or now - remembered.keys_at >= limit:
                content = await self.fetch(provider, metadata.jwks_uri)
                remembered.keys = _read_keys(provider, content)
                remembered.keys_at = now
            return remembered.keys

    async def fetch(
        self,
        provider: SignInProvider,
        url: str,
        *,
        form: dict[str, str] | None = None,
        authorization: httpx.Auth | str | None = None,
    ) -> JsonObject:
        """Return the JSON object at *url*, whatever its status below 500: errors of OAuth are objects too.

        Raises:
            ProviderUnavailable: If there is no answer in time, it is too long, or it is no JSON object.
        """
        headers = {"Accept": "application/json"}
        auth = None
        if isinstance(authorization, str):
            headers["Authorization"] = authorization
        elif authorization is not None:
            auth = authorization
        method = "GET" if form is None else "POST"
        try:
            async with self._client.stream(
                method, url, data=form, headers=headers, auth=auth
            ) as answer:
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > MAX_BYTES:
                        raise _unusable(provider, "an answer that is too long")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _unusable(provider, type(error).__name__) from None
        if answer.status_code >= 500 or answer.has_redirect_location:
            raise _unusable(provider, f"status {answer.status_code}")
        try:
            content = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise _unusable(provider, "an answer that is no JSON") from None
        if not isinstance(content, dict):
            raise _unusable(provider, "an answer that is no JSON object")
        return content


def _unusable(provider: SignInProvider, what: str) -> ProviderUnavailable:
    logger.warning("sign_in_provider_unusable", provider=provider.id, reason=what)
    return ProviderUnavailable(
        f"{provider.name} does not answer as it should. Try again later, or sign in another way.",
        retry_after=30,
    )


def _read_metadata(provider: SignInProvider, content: JsonObject) -> Metadata:
    if content.get("issuer") != provider.issuer:
        raise _unusable(provider, "another issuer than the one that is set")
    algorithms = content.get("id_token_signing_alg_values_supported")
    offered = algorithms if isinstance(algorithms, list) else ["RS256"]
    return Metadata(
        issuer=provider.issuer,
        authorization_endpoint=_address(provider, content, "authorization_endpoint"),
        token_endpoint=_address(provider, content, "token_endpoint"),
        jwks_uri=_address(provider, content, "jwks_uri"),
        userinfo_endpoint=_optional_address(provider, content, "userinfo_endpoint"),
        algorithms=tuple(name for name in ALGORITHMS if name in offered),
        names_issuer=content.get("authorization_response_iss_parameter_supported") is True,
    )


def _address(provider: SignInProvider, content: JsonObject, name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not is_safe_address(value):
        raise _unusable(provider, f"no usable {name}")
    return value


def _optional_address(provider: SignInProvider, content: JsonObject, name: str) -> str | None:
    return None if content.get(name) is None else _address(provider, content, name)


def _read_keys(provider: SignInProvider, content: JsonObject) -> tuple[Key, ...]:
    found = content.get("keys")
    if not isinstance(found, list):
        raise _unusable(provider, "no key set")
    return tuple(key for jwk in found if (key := _read_key(jwk)) is not None)


def _read_key(jwk: Any) -> Key | None:
    """Return a key that may check signatures, or None: a set may hold others, and kinds that are not known here."""
    if not isinstance(jwk, dict) or jwk.get("kty") not in {"RSA", "EC", "OKP"}:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about short keys, which are refused below
            key = import_key(jwk)
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None
    if jwk.get("use", "sig") != "sig" or not isinstance(key, RSAKey | ECKey | OKPKey):
        return None
    if isinstance(key, RSAKey) and key.public_key.key_size < MIN_RSA_BITS:
        return None
    return key
