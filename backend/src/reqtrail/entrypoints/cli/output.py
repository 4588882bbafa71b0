"""What the command line prints, and how it ends: exit codes, one-sentence errors, JSON, word differences."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Iterator
from enum import IntEnum
from typing import Any

import orjson
import typer
from rich.console import Console
from rich.text import Text

_WORDS = re.compile(r"\s+|[^\s\w]|\w+")
_TAGS = re.compile(r"<(?:br|/p|/li|/tr|/h\d|/div)[^>]*>|<[^>]+>")


class Exit(IntEnum):
    """Exit codes of ``reqtrail``."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    CONFLICT = 5
    FAILED = 6


EXIT_CODES = (
    "Exit codes: 0 ok; 1 something was found (verify, doctor, a dry run with losses); 2 wrong usage; 3 the server"
    " cannot be reached; 4 refused (not signed in, not allowed, not found, not valid); 5 conflict; 6 failed."
)


def console() -> Console:
    """Return the console of standard output; it is plain when that is no terminal or NO_COLOR is set."""
    return Console(
        no_color="NO_COLOR" in os.environ,
        highlight=False,
        soft_wrap=not sys.stdout.isatty(),
    )


def fail(
    code: Exit,
    message: str,
    *,
    problem: str | None = None,
    request_id: str | None = None,
) -> typer.Exit:
    """Print one sentence on standard error, with the problem's code and the request's id; return what to raise."""
    details = [f"code {problem}"] if problem else []
    if request_id:
        details.append(f"request {request_id}")
    suffix = f" ({', '.join(details)})" if details else ""
    typer.echo(f"reqtrail: {message}{suffix}", err=True)
    return typer.Exit(int(code))


def print_json(value: Any) -> None:
    """Print *value* as indented JSON."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def plain(value: Any) -> str:
    """Return a value of an API answer as one readable text."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(plain(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    text = str(value)
    return " ".join(_TAGS.sub(" ", text).split()) if text.lstrip().startswith("<") else text


def word_diff(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Yield ``("=", text)``, ``("-", text)`` and ``("+", text)`` that lead from *before* to *after*, by word."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    gone: list[str] = []
    come: list[str] = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        same = "".join(old[i1:i2]) if tag == "equal" else ""
        if tag == "equal" and (same.strip() or not (gone and come)):
            yield from _changed(gone, come)
            gone, come = [], []
            yield "=", same
        else:  # a space between two replaced words belongs to the replacement
            gone.extend(old[i1:i2])
            come.extend(new[j1:j2])
    yield from _changed(gone, come)


def _changed(gone: list[str], come: list[str]) -> Iterator[tuple[str, str]]:
    if gone:
        yield "-", "".join(gone)
    if come:
        yield "+", "".join(come)


def diff_text(before: str, after: str) -> Text:
    """Return a word difference as text: ``[-old-]{+new+}`` in red and green, readable without colour."""
    result = Text()
    for sign, words in word_diff(before, after):
        if sign == "=":
            result.append(words)
        elif sign == "-":
            result.append(f"[-{words}-]", style="red")
        else:
            result.append(f"{{+{words}+}}", style="green")
    return result
