"""Settings that are wrong, unknown or dangerous."""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from reqtrail.platform.checks.model import Check, Finding, Installation, failed, fine, warning
from reqtrail.platform.settings import Settings

BESIDE_SETTINGS: Final = frozenset(
    {"url", "token", "new_password", "migrations", "runtime_dir", "embedded_no_userns"}
)
"""Variables that are read, but not by ``Settings``."""
CHEAPEST_HASH: Final = 10
"""Rounds of bcrypt below which passwords of a stolen database are found too soon."""
LARGEST_NETWORK: Final = 8
"""A network with a shorter prefix is more than anybody's own."""


async def _valid(installation: Installation) -> list[Finding]:
    found = [
        failed("setting_invalid", complaint, "Correct or remove this variable.", setting=name)
        for name, complaint in installation.invalid.items()
    ]
    return found or [fine("All settings are valid.")]


async def _known(installation: Installation) -> list[Finding]:
    known = Settings.model_fields.keys() | BESIDE_SETTINGS
    found = []
    for variable in sorted(installation.environment):
        name = variable.removeprefix("REQTRAIL_").lower()
        if name in known:
            continue
        near = difflib.get_close_matches(name, known, 1)
        meant = f" Is REQTRAIL_{near[0].upper()} meant?" if near else ""
        found.append(
            warning(
                "setting_unknown",
                f"{variable} is no setting of Reqtrail and changes nothing.{meant}",
                "Correct or remove this variable.",
                variable=variable,
            )
        )
    return found or [fine("All REQTRAIL_ variables are known.")]


async def _safe(installation: Installation) -> list[Finding]:
    settings = installation.settings
    found = [*_networks(settings), *_addresses(settings), *_people(settings)]
    return found or [fine("No setting is known to be dangerous.")]


def _networks(settings: Settings) -> Iterator[Finding]:
    for name, networks, why in (
        ("trusted_proxies", settings.trusted_proxies, "everybody can claim any address"),
        ("outbound_allow", settings.outbound_allow, "webhooks reach every machine inside"),
    ):
        for network in networks:
            if _is_everybody(network):
                yield failed(
                    f"{name}_too_wide",
                    f"REQTRAIL_{name.upper()} names {network}, so {why}.",
                    "Name single addresses, or the network that is meant.",
                )


def _is_everybody(text: str) -> bool:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False  # a host name
    return network.prefixlen < LARGEST_NETWORK


def _addresses(settings: Settings) -> Iterator[Finding]:
    if settings.public_url is not None:
        parts = urlsplit(settings.public_url)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            yield warning(
                "public_url_without_tls",
                "REQTRAIL_PUBLIC_URL begins with http: passwords and tokens can be read on their way.",
                "Put a proxy that speaks TLS in front, and write https in REQTRAIL_PUBLIC_URL.",
            )
    elif not is_loopback(settings.host) and not settings.allowed_hosts:
        yield warning(
            "any_host_served",
            f"The server listens at {settings.host} and answers whatever host a request names.",
            "Set REQTRAIL_PUBLIC_URL to the address where people reach it.",
        )
    if settings.metrics_port is not None and not is_loopback(settings.metrics_host):
        yield warning(
            "metrics_open",
            f"Metrics are served at {settings.metrics_host} to whoever reaches it, without signing in.",
            "Keep the port inside by a firewall, or leave REQTRAIL_METRICS_HOST out.",
        )


def _people(settings: Settings) -> Iterator[Finding]:
    if settings.bcrypt_rounds < CHEAPEST_HASH:
        yield warning(
            "hash_cheap",
            f"REQTRAIL_BCRYPT_ROUNDS is {settings.bcrypt_rounds}: passwords of a stolen database are found soon.",
            "Leave it out, which means 12.",
        )
    if settings.registration and not settings.registration_domains:
        yield warning(
            "registration_open",
            "Whoever has any e-mail address can make an account.",
            "Name the domains that may in REQTRAIL_REGISTRATION_DOMAINS, if that is not meant.",
        )


def is_loopback(host: str) -> bool:
    """Return whether *host* is this machine as it names itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


CHECKS: Final = (
    Check("settings", "Settings", _valid),
    Check("settings.known", "Names of settings", _known),
    Check("settings.safe", "Dangerous settings", _safe),
)
