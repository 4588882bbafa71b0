"""What runs of an installation: its processes, the server, and the browser application that it serves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpx

from reqtrail.platform.checks.model import (
    Check,
    Finding,
    Installation,
    failed,
    fine,
    in_thread,
    warning,
)

MOST_ASSETS: Final = 20
_SERVER_GONE: Final = warning(
    "not_checked", "Not checked: no server answers.", "Start the server first."
)


async def _processes(installation: Installation) -> Finding:
    runtime = installation.runtime
    if not runtime:
        return fine("No `reqtrail up` runs with this home.")
    return await in_thread(lambda: _look_at_processes(runtime))


def _look_at_processes(runtime: Mapping[str, Any]) -> Finding:
    if not _is_ours(runtime.get("pid")):
        return failed(
            "supervisor_gone",
            "The `reqtrail up` of this home was killed: nobody watches or restarts what it started.",
            "Run `reqtrail up` again, which takes over what is left.",
        )
    pids = {name: [*runtime.get(f"{name}_pids", ())] for name in ("api", "worker", "scheduler")}
    gone = [name for name, found in pids.items() if not found or not all(map(_is_ours, found))]
    details = {f"{name}_processes": len(found) for name, found in pids.items()}
    if gone:
        return warning(
            "process_gone",
            f"Of the processes of `reqtrail up` one is not there at this moment: {' and '.join(gone)}.",
            "Look again in a few seconds; if it stays so, see what `reqtrail up` prints.",
            **details,
        )
    return fine("`reqtrail up` and all its processes run.", **details)


def _is_ours(pid: object) -> bool:
    """Return whether *pid* is a process of Reqtrail: the number may be somebody else's by now."""
    try:
        return b"reqtrail" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def server_url(installation: Installation) -> str:
    """Return where the server should answer, without a slash at its end."""
    settings = installation.settings
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # nosec B104
    local = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    given = installation.environment.get("REQTRAIL_URL") or installation.runtime.get("url")
    return str(given or local).rstrip("/")


def _client(installation: Installation) -> httpx.AsyncClient:
    # Longer than the check may take, whose own end says so; no proxy stands before a server of one's own.
    public = installation.settings.public_url
    asked_directly = public is not None and "REQTRAIL_URL" not in installation.environment
    return httpx.AsyncClient(
        timeout=installation.seconds * 2,
        trust_env=False,
        # The server may serve nothing under other names.
        headers={"Host": urlsplit(public).netloc} if public and asked_directly else None,
    )


async def _server(installation: Installation) -> Finding:
    url = server_url(installation)
    try:
        place = _place(url)
        async with _client(installation) as client:
            answer = await client.get(f"{url}/api/v1/health/ready")
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, ValueError):
        return failed(
            "server_url_invalid",
            "REQTRAIL_URL is no address of a server.",
            "Write it as https://reqtrail.example.org.",
        )
    except httpx.RequestError as error:
        told = (
            failed
            if installation.runtime or "REQTRAIL_URL" in installation.environment
            else warning
        )
        return told(
            "server_unreachable",
            f"No server answers at {place}: {str(error).rstrip('.') or type(error).__name__}.",
            "Start it with `reqtrail up`, or name its address in REQTRAIL_URL.",
            place=place,
        )
    return judge_answer(place, answer)


def _place(url: str) -> str:
    """Return an address without the login that it may hold."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def judge_answer(place: str, answer: httpx.Response) -> Finding:
    """Return what is to say of a server that gave *answer* when it was asked whether it is ready."""
    try:
        said = answer.json()
    except ValueError:
        said = None
    if not isinstance(said, dict) or "database" not in said:
        return failed(
            "server_foreign",
            f"What answers at {place} is not Reqtrail (status {answer.status_code}).",
            "Correct REQTRAIL_URL or REQTRAIL_PORT, or the proxy in between.",
            place=place,
        )
    state = {name: str(said.get(name)) for name in ("database", "redis")}
    if answer.status_code != 200:
        return failed(
            "server_not_ready",
            f"The server at {place} cannot serve: its database is {state['database']}.",
            "See the checks of the database, and the server's log.",
            place=place,
            **state,
        )
    if state["redis"] == "away":
        return warning(
            "server_without_redis",
            f"The server at {place} is ready, but does not reach its Redis.",
            "See the check of Redis, and the settings of the server's process.",
            place=place,
            **state,
        )
    return fine(f"The server at {place} is ready.", place=place, **state)


class _References(HTMLParser):
    """Collects the addresses of what a page loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        address = values.get({"script": "src", "link": "href"}.get(tag, ""))
        if address and not urlsplit(address).scheme:
            self.found.append(address)


async def _built(installation: Installation) -> Finding:
    return await in_thread(lambda: _look_at_site(installation))


def _look_at_site(installation: Installation) -> Finding:
    folder = installation.settings.resolved_static_dir()
    if folder is None and installation.settings.static_dir is not None:
        return failed(
            "browser_missing",
            f"There is no browser application in {installation.settings.static_dir}.",
            "Correct REQTRAIL_STATIC_DIR, or leave it out.",
        )
    if folder is None:
        return warning(
            "browser_not_built",
            "The browser application is not built: only the API can be served.",
            "Run `make build`, or install the wheel, which has it.",
        )
    missing = [*_missing_files(folder)]
    if missing:
        return failed(
            "browser_incomplete",
            f"The browser application in {folder} lacks {missing[0]}.",
            "Build it anew with `make build`, or install Reqtrail again.",
            missing=missing,
        )
    return fine(f"The browser application is built ({folder}).")


def _missing_files(folder: Path) -> Iterator[str]:
    page = (folder / "index.html").read_text(errors="replace")
    for address in _References(page).found:
        path = urlsplit(address).path.lstrip("/")
        if not (folder / path).is_file():
            yield path


async def _served(installation: Installation) -> Finding:
    url = server_url(installation)
    try:
        async with _client(installation) as client:
            page = await client.get(f"{url}/", headers={"Accept": "text/html"})
            if page.status_code != 200 or "html" not in page.headers.get("content-type", ""):
                return warning(
                    "browser_not_served",
                    f"The server does not serve the browser application (status {page.status_code}).",
                    "Build it, then restart the server: files are looked for when it starts.",
                )
            for address in _References(page.text).found[:MOST_ASSETS]:
                asset = await client.head(urljoin(f"{url}/", address))
                if asset.status_code != 200:
                    return failed(
                        "browser_broken",
                        f"The server does not serve {address}, which the browser application needs"
                        f" (status {asset.status_code}).",
                        "Restart the server after the browser application was built anew.",
                    )
    except (httpx.RequestError, httpx.InvalidURL):
        return _SERVER_GONE
    return fine("The server serves the browser application.")


CHECKS: Final = (
    Check("processes", "Processes", _processes),
    Check("server", "Server", _server),
    Check("browser", "Browser application", _built),
    Check("browser.served", "Browser application, served", _served, needs=("server",)),
)
