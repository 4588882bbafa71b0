"""Hostile and awkward input through the doors of accounts and projects: never a crash, text kept verbatim."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest

from reqtrail.kit.canonical_json import contains_nul
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


def _strings(shared: Path, *names: str) -> list[str]:
    found: list[str] = []
    for name in names:
        found.extend(json.loads((shared / "corpora" / name).read_text()))
    return found


def _storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return not contains_nul(text)


async def test_json_suite(world: World, shared_folder: Path) -> None:
    suite = json.loads((shared_folder / "corpora" / "json_testsuite.json").read_text())
    client = await world.user()
    wrong = []
    for name, encoded in suite.items():
        body = base64.b64decode(encoded)
        headers = {"Content-Type": "application/json"}
        answer = await client.post("/projects", content=body, headers=headers)
        fine = answer.status_code in ({400, 422} if name[0] == "n" else {400, 413, 422})
        if name[0] == "y":
            # What parses is no project, so it is refused for its content.
            fine = answer.status_code == 422
        if not fine:
            wrong.append((name, answer.status_code, answer.text[:100]))
    assert wrong == []


async def test_naughty_strings_are_kept_verbatim(world: World, shared_folder: Path) -> None:
    client = await world.user()
    key = await world.project(client)
    wrong = []
    for text in _strings(shared_folder, "naughty_strings.json", "sqli.json"):
        body = json.dumps({"description": text})
        headers = {"Content-Type": "application/json"}
        answer = await client.patch(f"/projects/{key}", content=body, headers=headers)
        if not _storable(text):
            if answer.status_code != 422:
                wrong.append((text, answer.status_code))
        elif answer.status_code != 200 or answer.json()["description"] != text:
            wrong.append((text, answer.status_code))
    assert wrong == []


async def test_hostile_strings_in_every_account_field(world: World, shared_folder: Path) -> None:
    administrator = await world.administrator()
    wrong = []
    for text in _strings(shared_folder, "naughty_strings.json", "xss_patt_RSNAKE_XSS.json"):
        headers = {"Content-Type": "application/json"}
        for path, content in (
            ("/users", {"email": text, "display_name": text, "password": text}),
            ("/me/tokens", {"name": text, "days": text}),
            ("/projects", {"key": text, "name": text}),
        ):
            answer = await administrator.post(path, content=json.dumps(content), headers=headers)
            if not (answer.status_code in {201, 409} or 400 <= answer.status_code < 500):
                wrong.append((path, text, answer.status_code))
    assert wrong == []


async def test_hostile_addresses(world: World, shared_folder: Path) -> None:
    client = await world.user()
    wrong = []
    texts = _strings(shared_folder, "path_traversal.json", "naughty_strings.json", "sqli.json")
    for text in filter(_storable, texts[::2]):  # every second: they resemble each other
        escaped = quote(text, safe="")
        for path in (
            f"/projects/{escaped}",
            f"/projects/{escaped}/items/{escaped}",
            f"/projects?at={escaped}",
            f"/{escaped}",
        ):
            answer = await client.get(path)
            if answer.status_code >= 500 or "root:" in answer.text:
                wrong.append((path, answer.status_code))
    assert wrong == []


async def test_huge_numbers_and_deep_nesting(world: World) -> None:
    client = await world.user()
    headers = {"Content-Type": "application/json"}
    for body in (
        b'{"name": "x", "days": 1e400}',
        b'{"name": "x", "days": ' + b"9" * 5000 + b"}",
        b'{"name": "x", "days": -0}',
        b'{"name": ' + b"[" * 900 + b"]" * 900 + b"}",
    ):
        answer = await client.post("/me/tokens", content=body, headers=headers)
        assert answer.status_code in {400, 422}, body[:40]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "multipart/form-data", ""]
)
async def test_other_media_types_are_refused(world: World, content_type: str) -> None:
    client = await world.user()
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await client.post(
        "/projects", content=b'{"key": "CSRF", "name": "x"}', headers=headers
    )
    assert answer.status_code in {400, 415, 422}
