"""Secrets that can be guessed are recognised, and those made by a machine are not refused."""

from __future__ import annotations

import secrets

import pytest

from reqtrail.kit.secret_strength import weakness


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ("", "fewer than 32 bytes"),
        ("secret", "fewer than 32 bytes"),
        ("x" * 31, "fewer than 32 bytes"),
        ("x" * 64, "too regular"),
        ("ab" * 40, "too regular"),
        ("passw0rd" * 8, "too regular"),
        ("Tr0ub4dor&3" * 4, "too regular"),
        ("".join(chr(200 + number) for number in range(50)), "too regular"),
        ("aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbcccccccccccccccc", "too regular"),
        ("0123456789abcdef0123456789abcdef", "everybody knows"),
        ("your-256-bit-secret-with-some-more-of-it", "everybody knows"),
        ("a-string-secret-at-least-256-bits-long", "everybody knows"),
        ("Change-Me Change_Me, and never forget it!", "everybody knows"),
        ("django-insecure-8k#v0q!s1z@x7m^w3e&r5t*y", "everybody knows"),
        (
            "AyM1SysPpbyDfGZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",  # noqa: E501 pragma: allowlist secret
            "everybody knows",
        ),
        (
            "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",  # pragma: allowlist secret
            "everybody knows",
        ),
    ],
)
def test_a_secret_that_can_be_guessed(secret: str, why: str) -> None:
    found = weakness(secret)
    assert found is not None and why in found


def test_what_a_machine_makes_is_good() -> None:
    for _ in range(500):
        for secret in (
            secrets.token_hex(16),
            secrets.token_hex(32),
            secrets.token_urlsafe(24),
            secrets.token_urlsafe(48),
        ):
            assert weakness(secret) is None, secret
