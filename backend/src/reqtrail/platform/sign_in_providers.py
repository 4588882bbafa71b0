"""The providers of single sign-on, as the operator sets them up."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, ConfigDict, SecretStr, StringConstraints, field_validator


class SignInProvider(BaseModel):
    """One provider of OpenID Connect, and what it may decide."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    """Part of the address that the provider sends people back to."""
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
    """What the button says."""
    issuer: Annotated[str, StringConstraints(max_length=500)]
    client_id: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    client_secret: SecretStr | None = None
    """None for a public client."""
    client_authentication: Literal["basic", "post"] = "basic"
    """Whether the secret goes in the Authorization header or in the form."""
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    allowed_domains: tuple[str, ...] = ()
    """Who comes in must have a verified address in one of these; empty: no such rule."""
    create_accounts: bool = False
    """Whether somebody with a verified address but no account gets one."""
    trusted_for_addresses: bool = False
    """Whether a verified address links to the account that has it, without anybody's doing."""

    @field_validator("issuer", mode="after")
    @classmethod
    def _issuer(cls, value: str) -> str:
        if not is_safe_address(value) or urlsplit(value).query or urlsplit(value).fragment:
            raise ValueError("must be an https address (http on this machine only)")
        return value

    @field_validator("scopes", mode="after")
    @classmethod
    def _scopes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return value if "openid" in value else ("openid", *value)

    @field_validator("allowed_domains", mode="after")
    @classmethod
    def _domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(domain.strip().lower().removeprefix("@") for domain in value)


def is_safe_address(value: str) -> bool:
    """Return whether secrets may be sent to an address: by TLS, or without it to this machine."""
    try:
        parts = urlsplit(value)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or not value.isascii() or not value.isprintable():
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_providers(value: Any) -> Any:
    """Return what a setting holds: a JSON list, or the path of a file with one.

    Raises:
        ValueError: If the file cannot be read or holds no JSON.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text:
        return ()
    if not text.startswith("["):
        try:
            text = Path(text).expanduser().read_text()
        except OSError as error:
            raise ValueError(f"must be a JSON list or a file with one: {error.strerror}") from None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"is no JSON: {error.msg} in line {error.lineno}") from None


def check_unique(providers: tuple[SignInProvider, ...]) -> tuple[SignInProvider, ...]:
    """Return *providers*.

    Raises:
        ValueError: If two have one id, or one issuer.
    """
    for name in ("id", "issuer"):
        values = [getattr(provider, name) for provider in providers]
        if len(set(values)) < len(values):
            raise ValueError(f"two providers have the same {name}")
    return providers
