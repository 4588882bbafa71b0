"""The built application is served with the right headers, and nothing outside of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from reqtrail.api.app import build_app
from reqtrail.platform.settings import Settings

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def _nothing(app: FastAPI) -> AsyncIterator[None]:
    yield


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A small built application, and a file beside it that must stay private."""
    root = tmp_path / "dist"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<!doctype html>page")
    (root / "assets" / "app-1a2b.js").write_text("plain")
    (root / "assets" / "app-1a2b.js.br").write_bytes(b"brotli")
    (root / "assets" / "app-1a2b.js.gz").write_bytes(b"gzip")
    (tmp_path / "secret.txt").write_text("secret")
    app = build_app(Settings(static_dir=root), _nothing)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


def assert_page_policy(policy: str) -> None:
    """A page takes everything from here, runs nothing inline, and is shown in no frame."""
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules.pop("img-src") == "'self' data: blob:"
    closed = {"default-src", "base-uri", "frame-ancestors"}
    assert {rules.pop(name) for name in closed} == {"'none'"}
    assert set(rules.values()) == {"'self'"} and {"script-src", "style-src"} < rules.keys()


@pytest.mark.parametrize("path", ["/", "/p/BRK", "/p/BRK/d/SYS?at=main@3", "/index.html"])
async def test_every_address_of_the_application_is_its_page(
    site: httpx.AsyncClient, path: str
) -> None:
    answer = await site.get(path)
    assert answer.status_code == 200 and answer.text == "<!doctype html>page"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-type"].startswith("text/html")
    assert_page_policy(answer.headers["content-security-policy"])


async def test_assets_are_immutable_and_compressed(site: httpx.AsyncClient) -> None:
    path = "/assets/app-1a2b.js"
    for accepted, encoding in (("br, gzip", "br"), ("gzip", "gzip"), ("identity", None)):
        async with site.stream("GET", path, headers={"Accept-Encoding": accepted}) as answer:
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
            assert answer.headers.get("content-encoding") == encoding
            assert answer.headers["content-type"].startswith("text/javascript")
            assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1/none", "/api/v2/x", "/assets/missing.js"]
)
async def test_missing_things_are_404(site: httpx.AsyncClient, path: str) -> None:
    answer = await site.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "/%2e%2e/secret.txt"],
)
async def test_nothing_outside_is_served(site: httpx.AsyncClient, path: str) -> None:
    answer = await site.get(path)
    assert "secret" not in answer.text


async def test_documentation_needs_nothing_from_outside(site: httpx.AsyncClient) -> None:
    page = await site.get("/api/v1/docs")
    assert_page_policy(page.headers["content-security-policy"])
    assert page.status_code == 200 and "//" not in page.text.replace("<!doctype", "")
    for name in ("docs.js", "docs.css"):
        assert (await site.get(f"/api/v1/{name}")).status_code == 200
    document = (await site.get("/api/v1/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    for item in document["paths"].values():
        for operation in item.values():
            assert operation["operationId"] and operation["summary"] and operation["x-permission"]
            assert "application/problem+json" in operation["responses"]["default"]["content"]


async def test_the_site_takes_nothing_from_the_api(site: httpx.AsyncClient) -> None:
    """What does not exist below /api is a 404, and a route that takes no GET says so."""
    missing = await site.get("/api/v1/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    wrong = await site.get("/api/v1/auth/sign-in")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
