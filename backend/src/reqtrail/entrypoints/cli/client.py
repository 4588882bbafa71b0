"""How the command line talks to a server, and what it says when that goes wrong."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import typer

from reqtrail.entrypoints.cli.output import Exit, fail
from reqtrail.kit.ids import new_id

API = "/api/v1"
TIMEOUT = httpx.Timeout(60.0, connect=5.0)


def _home() -> Path:
    return Path(os.environ.get("REQTRAIL_HOME") or ".reqtrail").expanduser()


def _stored(name: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads((_home() / name).read_bytes())
    except (OSError, ValueError):
        return {}
    return found


class Client:
    """A connection to one server, as one account."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def get(self, path: str, **params: Any) -> Any:
        """Return the JSON of a GET."""
        return self._send("GET", path, params={k: v for k, v in params.items() if v is not None})

    def post(self, path: str, *, prefer: str | None = None, **arguments: Any) -> Any:
        """Return the JSON of a POST. It carries an idempotency key, and what it would prefer."""
        headers = {"Idempotency-Key": str(new_id()), **({"Prefer": prefer} if prefer else {})}
        return self._send("POST", path, headers=headers, **arguments)

    def _send(self, method: str, path: str, **arguments: Any) -> Any:
        response = self.http.request(method, f"{API}{path}", **arguments)
        check(response)
        return orjson.loads(response.content) if response.content else None


@contextmanager
def connect(*, signed_in: bool = True) -> Iterator[Client]:
    """Connect to REQTRAIL_URL with REQTRAIL_TOKEN, or to the local instance whose home is REQTRAIL_HOME.

    Raises:
        typer.Exit: With UNREACHABLE if the server does not answer, REFUSED without a token.
    """
    stored, runtime = _stored("credentials.json"), _stored("runtime.json")
    given = os.environ.get("REQTRAIL_URL")
    local = runtime.get("url") or stored.get("url") or "http://127.0.0.1:8000"
    url = (given or local).rstrip("/")
    # The token of the local instance is for the local instance alone.
    ours = given is None or url == local.rstrip("/")
    token = os.environ.get("REQTRAIL_TOKEN") or (stored.get("token") if ours else None)
    if signed_in and not token:
        raise fail(
            Exit.REFUSED,
            "No token is known. Set REQTRAIL_TOKEN, or REQTRAIL_HOME to the home of the local instance.",
        )
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT) as http:
            yield Client(http)
    except httpx.UnsupportedProtocol:
        raise fail(Exit.USAGE, f"{url} is no address of a server (REQTRAIL_URL).") from None
    except httpx.TransportError as error:
        reason = str(error) or type(error).__name__
        raise fail(Exit.UNREACHABLE, f"The server {url} cannot be reached: {reason}.") from None


def download(client: Client, path: str, params: Mapping[str, str], output: Path) -> None:
    """Write the answer of a GET to *output*, which is there wholly or not at all.

    Raises:
        typer.Exit: If the server refuses it, or the file cannot be written.
    """
    partial = output.with_name(f".{output.name}.part")
    try:
        with client.http.stream("GET", f"{API}{path}", params=dict(params)) as response:
            check(response)
            with partial.open("wb") as sink:
                for chunk in response.iter_bytes():
                    sink.write(chunk)
        partial.replace(output)
    except OSError as error:
        raise fail(Exit.FAILED, f"{output} cannot be written: {error.strerror}.") from None
    finally:
        partial.unlink(missing_ok=True)
    typer.echo(f"Wrote {output} ({output.stat().st_size:,} bytes).", err=True)


def write_file(output: Path, content: bytes) -> None:
    """Write *content* to *output*, which is there wholly or not at all.

    Raises:
        typer.Exit: If the file cannot be written.
    """
    partial = output.with_name(f".{output.name}.part")
    try:
        partial.write_bytes(content)
        partial.replace(output)
    except OSError as error:
        raise fail(Exit.FAILED, f"{output} cannot be written: {error.strerror}.") from None
    finally:
        partial.unlink(missing_ok=True)
    typer.echo(f"Wrote {output} ({len(content):,} bytes).", err=True)


def check(response: httpx.Response) -> None:
    """Do nothing for a success.

    Raises:
        typer.Exit: With the problem's sentence, code and request id on standard error.
    """
    if response.is_success:
        return
    response.read()
    try:
        problem = orjson.loads(response.content)
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    raise fail(
        _exit_code(response.status_code),
        str(problem.get("detail") or f"The server answered {response.status_code}."),
        problem=problem.get("code"),
        request_id=problem.get("request_id") or response.headers.get("x-request-id"),
    )


def _exit_code(status: int) -> Exit:
    if status in {409, 412}:
        return Exit.CONFLICT
    if status in {502, 503, 504}:
        return Exit.UNREACHABLE
    return Exit.REFUSED if status < 500 else Exit.FAILED
