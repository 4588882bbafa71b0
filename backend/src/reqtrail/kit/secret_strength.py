"""Whether a secret that somebody typed in, or copied from somewhere, can be guessed."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Final

MIN_BYTES: Final = 32
MIN_BITS: Final = 90
"""Of the estimate below. 32 random hexadecimal digits have about 118, a sentence of four words repeated far fewer."""

_KNOWN: Final = (
    # Samples of documentation and tools, as a whole or within a longer text. Case and punctuation do not count.
    "your-256-bit-secret",
    "your-384-bit-secret",
    "your-512-bit-secret",
    "a-string-secret-at-least-256-bits-long",
    "a-valid-string-secret-that-is-at-least-512-bits-long",
    "django-insecure-",
    "changeme",
    "change-this",
    "change-it",
    "replace-me",
    "replace-this",
    "default-secret",
    "example-secret",
    "sample-secret",
    "my-secret",
    "super-secret",
    "top-secret",
    "secret-key",
    "secret-for-jwt",
    "jwt-secret",
    "your-secret",
    "insert-your",
    "not-a-secret",
    "correct-horse-battery-staple",
    "thisisasecret",
    "deadbeef",
    "0123456789abcdef",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "quick-brown-fox",
    # Keys printed in standards and tutorials.
    "AyM1SysPpbyDfGZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",  # pragma: allowlist secret # noqa: E501
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",  # pragma: allowlist secret
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",  # pragma: allowlist secret
)


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


_KNOWN_PLAIN: Final = tuple(_plain(text) for text in _KNOWN)


def weakness(secret: str) -> str | None:
    """Return why *secret* can be guessed, as the end of a sentence that begins with its name, or None if it seems good.

    The estimate counts how evenly its characters are spread, after steps and repetitions have been taken out. It knows
    no language: a secret is meant to be made by a machine.
    """
    if len(secret.encode("utf-8", "surrogatepass")) < MIN_BYTES:
        return f"has fewer than {MIN_BYTES} bytes"
    plain = _plain(secret)
    if any(known in plain for known in _KNOWN_PLAIN):
        return "is, or contains, a sample that everybody knows"
    if _bits(secret) < MIN_BITS:
        return "is too regular: it can be guessed"
    return None


def _bits(secret: str) -> float:
    period = _period(secret)
    kept = secret[:period]
    steps = Counter(ord(after) - ord(before) for before, after in pairwise(kept))
    if steps and steps.most_common(1)[0][1] * 3 > len(kept):
        return 0.0
    counts = Counter(kept)
    return sum(-count * math.log2(count / len(kept)) for count in counts.values())


def _period(secret: str) -> int:
    """Return the length of the shortest text that *secret* repeats, which may be its own."""
    return (secret + secret).find(secret, 1)
