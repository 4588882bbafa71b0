"""OpenID Connect with the authorization code flow and PKCE: the address to send people to, and what comes back.

Sources: OpenID Connect Core 1.0 (3.1), RFC 7636 (PKCE), RFC 9207 (the issuer in answers), RFC 9700 (best practice).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
import structlog
from joserfc.errors import ClaimError
from joserfc.jwk import Key
from joserfc.jwt import JWTClaimsRegistry

from reqtrail.features.identity.single_sign_on.discovery import Providers
from reqtrail.features.identity.single_sign_on.errors import AnswerInvalid, ProviderRefused
from reqtrail.features.identity.single_sign_on.types import JsonObject, Metadata, Person, Secrets
from reqtrail.kit import clock
from reqtrail.kit.signed_tokens import Header, NotVerified, verified_claims
from reqtrail.platform.sign_in_providers import SignInProvider

logger = structlog.get_logger()

CLOCK_SKEW_SECONDS: Final = 60
MAX_SUBJECT: Final = 255
MAX_TEXT: Final = 254


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def derive_secrets(browser_secret: str, state: str) -> Secrets:
    """Return the nonce and the code verifier of an attempt: the browser holds the one secret that they come from."""

    def derive(purpose: str) -> str:
        message = f"{purpose}\0{state}".encode()
        return _base64url(hmac.digest(browser_secret.encode(), message, "sha256"))

    return Secrets(derive("nonce"), derive("code verifier"))


def authorization_address(
    provider: SignInProvider, metadata: Metadata, redirect_uri: str, state: str, secrets: Secrets
) -> str:
    """Return the address of the provider's sign-in page."""
    challenge = _base64url(hashlib.sha256(secrets.code_verifier.encode()).digest())
    query = urlencode(
        {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(provider.scopes),
            "state": state,
            "nonce": secrets.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
    )
    endpoint = metadata.authorization_endpoint
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"


def check_issuer(metadata: Metadata, named: str | None) -> None:
    """Refuse an answer of another provider than the one that was asked (RFC 9207).

    Raises:
        AnswerInvalid: If *named*, its ``iss``, is another one, or missing although the provider always names itself.
    """
    if named != metadata.issuer and (named is not None or metadata.names_issuer):
        raise _invalid("issuer of the answer")


async def redeem_code(
    providers: Providers,
    provider: SignInProvider,
    code: str,
    redirect_uri: str,
    secrets: Secrets,
) -> Person:
    """Exchange a code for the proof of who is there, and check it.

    Raises:
        ProviderRefused: If the provider does not take the code.
        AnswerInvalid: If the proof is not good.
        ProviderUnavailable: If the provider does not answer.
    """
    metadata = await providers.metadata(provider)
    answer = await _exchange(providers, provider, metadata, code, redirect_uri, secrets)
    id_token, access_token = answer.get("id_token"), answer.get("access_token")
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise _invalid("no tokens")
    claims, header = await _read_id_token(providers, provider, metadata, id_token)
    _check_claims(provider, claims, secrets.nonce)
    _check_access_token(claims, header, access_token)
    if "email" not in claims and metadata.userinfo_endpoint is not None:
        told = await providers.fetch(
            provider, metadata.userinfo_endpoint, authorization=f"Bearer {access_token}"
        )
        if told.get("sub") != claims["sub"]:
            raise _invalid("subject of the user info")
        claims = {**told, **claims}
    return _person(provider, claims)


async def _exchange(
    providers: Providers,
    provider: SignInProvider,
    metadata: Metadata,
    code: str,
    redirect_uri: str,
    secrets: Secrets,
) -> JsonObject:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": secrets.code_verifier,
    }
    authorization = None
    secret = provider.client_secret.get_secret_value() if provider.client_secret else None
    if secret is not None and provider.client_authentication == "basic":
        # RFC 6749, 2.3.1: both are encoded as in a form before they become a user and a password.
        authorization = httpx.BasicAuth(quote(provider.client_id, ""), quote(secret, ""))
    else:
        form["client_id"] = provider.client_id
        if secret is not None:
            form["client_secret"] = secret
    answer = await providers.fetch(
        provider, metadata.token_endpoint, form=form, authorization=authorization
    )
    if "error" in answer:
        logger.warning(
            "sign_in_code_refused", provider=provider.id, error=str(answer["error"])[:80]
        )
        raise ProviderRefused("The sign-in provider did not take its own answer back. Try again.")
    return answer


async def _read_id_token(
    providers: Providers, provider: SignInProvider, metadata: Metadata, token: str
) -> tuple[dict[str, Any], Header]:
    seen: list[Header] = []
    for anew in (False, True):
        keys = await providers.keys(provider, anew=anew)

        def find(header: Header, keys: tuple[Key, ...] = keys) -> Key | None:
            seen.append(header)
            return _pick(keys, header)

        try:
            return verified_claims(token, find, metadata.algorithms), seen[-1]
        except NotVerified:
            if not seen or _pick(keys, seen[-1]) is not None:
                break
    raise _invalid("signature")


def _pick(keys: tuple[Key, ...], header: Header) -> Key | None:
    """Return the key that a header names; without a name, the only one that there is for its algorithm."""
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str):
        return None
    kind = {"R": "RSA", "P": "RSA"}.get(algorithm[:1], "EC" if algorithm[:2] == "ES" else "OKP")
    fitting = [
        key
        for key in keys
        if key.key_type == kind
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.kid == kid)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _check_claims(provider: SignInProvider, claims: dict[str, Any], nonce: str) -> None:
    expected = JWTClaimsRegistry(
        now=int(clock.now().timestamp()),
        leeway=CLOCK_SKEW_SECONDS,
        iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": provider.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        expected.validate(claims)
    except ClaimError as error:
        raise _invalid(f"claim {error}") from None
    audience, party = claims["aud"], claims.get("azp")
    shared = isinstance(audience, list) and len(audience) > 1
    if (party is not None or shared) and party != provider.client_id:
        raise _invalid("authorized party")
    told = claims.get("nonce")
    if not isinstance(told, str) or not hmac.compare_digest(told.encode(), nonce.encode()):
        raise _invalid("nonce")
    if not 1 <= len(claims["sub"]) <= MAX_SUBJECT or "\0" in claims["sub"]:
        raise _invalid("subject")


def _check_access_token(claims: dict[str, Any], header: Header, access_token: str) -> None:
    told = claims.get("at_hash")
    if told is None:
        return
    name = {"384": "sha384", "512": "sha512"}.get(str(header["alg"])[-3:], "sha256")
    if header["alg"] in {"Ed25519", "EdDSA"}:
        name = "sha512"
    digest = hashlib.new(name, access_token.encode()).digest()
    if told != _base64url(digest[: len(digest) // 2]):
        raise _invalid("hash of the access token")


def _person(provider: SignInProvider, claims: dict[str, Any]) -> Person:
    email, name = claims.get("email"), claims.get("name")
    usable = isinstance(email, str) and email.count("@") == 1 and len(email) <= MAX_TEXT
    return Person(
        issuer=provider.issuer,
        subject=claims["sub"],
        email=email.strip().lower() if usable and isinstance(email, str) else None,
        # Only the boolean counts: some providers have been seen to send the word "false".
        email_verified=usable and claims.get("email_verified") is True,
        name=name.replace("\0", "").strip()[:MAX_TEXT] if isinstance(name, str) else None,
    )


def _invalid(what: str) -> AnswerInvalid:
    logger.warning("sign_in_answer_invalid", reason=what)
    return AnswerInvalid("The answer of the sign-in provider proves nothing. Sign in again.")
