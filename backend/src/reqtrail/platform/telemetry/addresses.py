"""What the settings of telemetry may say."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_HEADER: Final = re.compile(
    r"\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)\s*"
)


def check_collector(value: str) -> str:
    """Return the address of a collector.

    Raises:
        ValueError: If it is none.
    """
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an address such as http://127.0.0.1:4318")
    if parts.username is not None or parts.password is not None:
        raise ValueError(
            "must hold no password; REQTRAIL_OTLP_HEADERS is for what proves who sends"
        )
    return value.rstrip("/")


def read_headers(value: str) -> dict[str, str]:
    """Return the headers that *value* names: ``name=value``, parted by commas.

    Raises:
        ValueError: If it cannot be read.
    """
    found = {}
    for part in filter(None, value.split(",")):
        match = _HEADER.fullmatch(part)
        if match is None:
            raise ValueError("must be name=value, parted by commas")
        found[match[1]] = match[2]
    return found


def check_dsn(value: str) -> None:
    """Check where errors are reported.

    Raises:
        ValueError: If it is no DSN.
    """
    parts = urlsplit(value)
    project = parts.path.rpartition("/")[2]
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or not parts.username
        or not project
    ):
        raise ValueError("must be a DSN such as https://KEY@errors.example.org/1")
