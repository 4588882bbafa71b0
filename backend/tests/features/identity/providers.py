"""A real OpenID Connect provider for tests: npm's ``oidc-provider`` as a process of its own, on the loopback address.

How to use it: ``browser = Browser(world, providers)`` is somebody with a browser, who knows the application and the
provider's pages; ``await browser.sign_in("ada")`` follows every redirect and fills in every form, and returns where it
ended.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from tests.fixtures.api import Client, World

SCRIPT = Path(__file__).resolve().parents[4] / "frontend" / "e2e" / "oidc" / "provider.mjs"
ORIGIN = "http://testserver"
MAX_STEPS = 20
Start = Callable[..., AbstractAsyncContextManager[World]]
"""Starts an application with changes of the providers' settings, or of its own."""
_numbers = itertools.count(1)


def fresh_login() -> str:
    """Return a login of somebody whom neither the provider nor the application has seen."""
    return f"newcomer{next(_numbers)}"


@dataclass(frozen=True)
class ProviderProcess:
    """The running providers: their issuers by name, and the one client that they know."""

    issuers: dict[str, str]
    client_id: str
    client_secret: str

    def setting(self, name: str, **changes: Any) -> dict[str, Any]:
        """Return one provider as the setting of an instance names it."""
        return {
            "id": name,
            "name": f"Provider {name}",
            "issuer": self.issuers[name],
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            **changes,
        }

    def spoil(self, name: str, kind: str | None) -> None:
        """Have the next answer of a provider be wrong in one way."""
        httpx.post(f"{self.issuers[name]}/fault", json={"kind": kind}).raise_for_status()


@contextmanager
def running_providers(address: str) -> Iterator[ProviderProcess]:
    """Run two providers that send people back to the instance at *address*.

    Skips the test if there is no Node, or the provider is not installed.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no Node, which runs the sign-in provider of these tests")
    if not (SCRIPT.parents[2] / "node_modules" / "oidc-provider").is_dir():
        pytest.skip("oidc-provider is not installed: run `make setup-frontend`")
    names = ("one", "two")
    asked = {
        "redirectUris": {
            name: [f"{address}/api/v1/auth/single-sign-on/{name}/callback"] for name in names
        },
        "signedOutUris": [f"{address}/sign-in"],
    }
    process = subprocess.Popen(
        [node, str(SCRIPT), json.dumps(asked)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the provider ended right after its start"
        told = json.loads(line)
        yield ProviderProcess(told["issuers"], told["clientId"], told["clientSecret"])
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


class Browser:
    """Somebody's browser: one set of cookies for the application, one for the providers."""

    def __init__(self, world: World) -> None:
        self.app: Client = world.anonymous()
        self.outside = httpx.AsyncClient(timeout=30)
        world.closes(self.outside)
        self.address: str = world.app.state.settings.public_address

    async def begin(self, provider: str = "one", next_page: str | None = None) -> str:
        """Press a provider's button on the sign-in page; return where it leads."""
        asked = {"next": next_page} if next_page is not None else {}
        answer = await self.app.get(f"/auth/single-sign-on/{provider}", params=asked)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    async def answer_of_provider(self, address: str, login: str = "ada") -> str:
        """Sign in at the provider as *login* and return the address that it sends the browser back to."""
        answer = await self.outside.get(address)
        for _ in range(MAX_STEPS):
            if answer.has_redirect_location:
                target = urljoin(str(answer.url), answer.headers["location"])
                if target.startswith(self.address):
                    return target
                answer = await self.outside.get(target)
                continue
            assert answer.status_code == 200, answer.text
            action, fields = _form(answer.text)
            filled = {**fields, "login": login, "password": "x"}
            answer = await self.outside.post(urljoin(str(answer.url), action), data=filled)
        raise AssertionError("the provider sends the browser round and round")

    async def arrive(self, address: str) -> httpx.Response:
        """Open the address that the provider sent the browser to."""
        return await self.app.get(address)

    async def sign_in(
        self, login: str = "ada", provider: str = "one", next_page: str | None = None
    ) -> str:
        """Sign in through a provider; return the page that the browser ends at."""
        back = await self.answer_of_provider(await self.begin(provider, next_page), login)
        answer = await self.arrive(back)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    async def me(self) -> dict[str, Any] | None:
        """Return the account that this browser is signed in to, if any."""
        answer = await self.app.post("/auth/refresh")
        if answer.status_code != 200:
            return None
        user: dict[str, Any] = answer.json()["user"]
        return user


async def link(browser: Browser, person: Client, login: str, provider: str = "one") -> str:
    """Link an identity from the account page of *person*; return where the browser ends."""
    browser.app.headers["Authorization"] = person.headers["authorization"]
    asked = await browser.app.post("/me/identities", json={"provider": provider})
    assert asked.status_code == 200, asked.text
    del browser.app.headers["Authorization"]
    back = await browser.answer_of_provider(asked.json()["address"], login)
    return str((await browser.arrive(back)).headers["location"])


def problem_of(page: str) -> str | None:
    """Return the code of the problem that a page is asked to show."""
    return next(iter(parse_qs(urlsplit(page).query).get("problem", [])), None)


def _form(page: str) -> tuple[str, dict[str, str]]:
    action = re.search(r'<form[^>]*action="([^"]+)"', page)
    assert action is not None, page
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)"', page)
    return action.group(1), dict(hidden)
