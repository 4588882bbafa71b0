"""Files: what is stored is served as what it is, and nothing in it can run."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqtrail.features.files.public import safe_name, sniff
from tests.features.requirements.book import Book
from tests.fixtures.api import PASSWORD, World

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 24
GIF_AND_SCRIPT = b"GIF89a/*" + b"*/=1;alert(1)//"


async def upload(book: Book, name: str, data: bytes, media_type: str = "image/png") -> Any:
    answer = await book.ask("POST", "/files", files={"file": (name, data, media_type)})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def fetch(book: Book, url: str) -> httpx.Response:
    return await book.client.get(f"http://testserver{url}")


def assert_harmless(answer: httpx.Response) -> None:
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (GIF_AND_SCRIPT, "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
async def test_pictures_are_shown_inline(world: World, data: bytes, media_type: str) -> None:
    book = await Book.make(world)
    made = await upload(book, "evil.html", data, "text/html")
    assert made["sha256"] == hashlib.sha256(data).hexdigest() and made["size"] == len(data)
    answer = await fetch(book, made["url"])
    assert answer.content == data and answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"].startswith("inline")
    assert "immutable" in answer.headers["cache-control"]
    assert "private" in answer.headers["cache-control"]
    assert_harmless(answer)


async def test_everything_else_is_a_download(world: World, shared_folder: Path) -> None:
    book = await Book.make(world)
    path = shared_folder / "corpora" / "upload_svg_xhtml_files.json"
    files = [(name, text.encode()) for name, text in json.loads(path.read_text()).items()]
    files += [
        ("x.png", b"<script>alert(1)</script>"),
        ("x.pdf", b"%PDF-1.4"),
        ("x.png", b" GIF89a"),
    ]
    for name, data in files:
        made = await upload(book, name, data)
        answer = await fetch(book, made["url"])
        assert answer.content == data
        assert answer.headers["content-type"] == "application/octet-stream", name
        assert answer.headers["content-disposition"].startswith("attachment"), name
        assert_harmless(answer)


@pytest.fixture(params=[7, pytest.param(1, marks=pytest.mark.long)], ids=["sample", "all"])
def every(request: pytest.FixtureRequest) -> int:
    """Every how many-th text of a corpus is sent; they resemble each other."""
    return int(request.param)


async def test_names_of_the_corpora_do_no_harm(
    world: World, shared_folder: Path, every: int
) -> None:
    book = await Book.make(world)
    names = [
        name
        for corpus in ("upload_names.json", "path_traversal.json", "xss_patt_RSNAKE_XSS.json")
        for name in json.loads((shared_folder / "corpora" / corpus).read_text())
    ]
    for name in names:
        assert_safe(safe_name(name))
    for name in names[::every]:
        made = await upload(book, name, PNG)
        folder, digest, last = made["path"].split("/")
        assert (folder, digest) == ("media", made["sha256"][:12])
        assert_safe(last)
        assert (await fetch(book, made["url"])).status_code == 200


def assert_safe(name: str) -> None:
    assert name and len(name) <= 120 and name not in {".", ".."}
    assert not name.startswith(".") and not set(name) & set('/\\:*?"<>|%&;$`\x00\r\n')
    assert name.isprintable()


@given(st.text(max_size=300))
def test_any_name_becomes_safe_and_stays_as_it_is_then(name: str) -> None:
    assert_safe(safe_name(name))
    assert safe_name(safe_name(name)) == safe_name(name)


@given(st.binary(max_size=64))
def test_only_signatures_make_pictures(data: bytes) -> None:
    if not data.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF")):
        assert sniff(data, "x.png") == "application/octet-stream"


async def test_traversal_in_the_address_reaches_nothing(
    world: World, shared_folder: Path, every: int
) -> None:
    book = await Book.make(world)
    made = await upload(book, "x.png", PNG)
    paths = json.loads((shared_folder / "corpora" / "path_traversal.json").read_text())
    for path in [*paths[::every], "%2e%2e%2f%2e%2e%2fetc%2fpasswd"]:
        for address in (
            f"/files/{path}",
            f"/files/{made['sha256']}/{path}",
            f"/files/{path}/x.png",
        ):
            try:
                answer = await book.ask("GET", address)
            except httpx.InvalidURL:
                continue
            assert answer.status_code < 500 and b"root:" not in answer.content, address


async def test_the_same_file_twice_is_stored_and_listed_once(world: World) -> None:
    book = await Book.make(world)
    first, second = await upload(book, "a b.png", PNG), await upload(book, "a b.png", PNG)
    assert first == second
    other = await upload(book, "other.png", PNG)
    assert other["sha256"] == first["sha256"] and other["entity_id"] != first["entity_id"]


async def test_an_uploaded_picture_is_shown_in_rich_text(world: World) -> None:
    book = await Book.make(world)
    made = await upload(book, "a b (1).png", PNG)
    item = await book.item()
    markup = f'<p>See <img src="x" data-path="{made["path"]}" alt="Fig"></p>'
    body = {"attributes": book.values(Text=markup)}
    shown = (await book.ask("PATCH", f"/items/{item['key']}", json=body)).json()["item"]["text"]
    assert f'src="{made["url"]}"' in shown and f'data-path="{made["path"]}"' in shown
    body = {"attributes": book.values(Text=shown)}
    again = (await book.ask("PATCH", f"/items/{item['key']}", json=body)).json()["item"]
    assert again["text"] == shown
    assert (await fetch(book, made["url"])).status_code == 200


async def test_empty_and_missing_files_are_refused(world: World) -> None:
    book = await Book.make(world)
    answer = await book.ask("POST", "/files", files={"file": ("x", b"")})
    assert (answer.status_code, answer.json()["code"]) == (422, "write_invalid")
    assert (await book.ask("POST", "/files")).status_code == 422
    for name in ("0" * 64, "zz", "A" * 64):
        assert (await book.ask("GET", f"/files/{name}/x.png")).status_code == 404


async def test_only_members_read_and_only_editors_upload(world: World) -> None:
    book = await Book.make(world)
    made = await upload(book, "x.png", PNG)
    viewer, stranger = await world.member(book.key, "viewer"), await world.user()
    path = f"/projects/{book.key}/files"
    for client, read, write in (
        *((viewer, 200, 403), (stranger, 404, 404)),
        (world.anonymous(), 401, 401),
    ):
        assert (await client.get(f"http://testserver{made['url']}")).status_code == read
        sent = await client.post(path, files={"file": ("y.png", PNG)})
        assert sent.status_code == write


async def test_a_browser_reads_pictures_by_its_cookie_and_nothing_else(world: World) -> None:
    book = await Book.make(world)
    made = await upload(book, "x.png", PNG)
    browser = world.anonymous(f"10.9.0.{os.getpid() % 250}")
    signed = await browser.post(
        "/auth/sign-in", json={"email": book.client.user.email, "password": PASSWORD}
    )
    assert signed.status_code == 200
    assert (await browser.get(f"http://testserver{made['url']}")).status_code == 200
    assert (await browser.get(f"/projects/{book.key}/documents")).status_code == 401
    sent = await browser.post(f"/projects/{book.key}/files", files={"file": ("y.png", PNG)})
    assert sent.status_code == 401


async def test_a_file_of_another_project_is_not_there(world: World) -> None:
    one, other = await Book.make(world), await Book.make(world)
    made = await upload(one, "x.png", PNG)
    answer = await fetch(other, made["url"].replace(one.key, other.key))
    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")


async def test_verify_names_a_file_whose_bytes_were_changed(world: World) -> None:
    from sqlalchemy import update

    from reqtrail.features.files.public import attachments

    book = await Book.make(world)
    made = await upload(book, "x.png", PNG)
    assert (await book.ask("POST", "/verify")).json()["ok"] is True
    digest = bytes.fromhex(made["sha256"])
    async with world.owner.session() as session:
        await session.execute(
            update(attachments).where(attachments.c.sha256 == digest).values(data=PNG + b"!")
        )
    report = (await book.ask("POST", "/verify")).json()
    async with world.owner.session() as session:
        await session.execute(
            update(attachments).where(attachments.c.sha256 == digest).values(data=PNG)
        )
    assert report["ok"] is False
    assert any(made["sha256"] in json.dumps(problem) for problem in report["problems"])
