"""What the doors of branches and baselines refuse: each with its own code and a sentence, and nothing is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.features.requirements.book import Book, Json
from tests.fixtures.api import Client, World

pytestmark = pytest.mark.anyio


async def _branch(book: Book, name: str, ref: str | None = None) -> Json:
    answer = await book.ask("POST", "/branches", json={"name": name, "ref": ref})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def _title(book: Book, item: Json, title: str, branch: str = "main") -> None:
    body = {"attributes": book.values(Title=title)}
    answer = await book.ask("PATCH", f"/items/{item['key']}", params={"branch": branch}, json=body)
    assert answer.status_code == 200, answer.text


async def _post(book: Book, branch: Json, door: str, **body: Any) -> httpx.Response:
    return await book.ask("POST", f"/branches/{branch['id']}/{door}", json=body)


async def _everything(book: Book) -> Json:
    """Return all that a refused request could have changed."""
    return {
        "branches": (await book.get("/branches"))["branches"],
        "baselines": (await book.get("/baselines"))["baselines"],
        "commits": (await book.get("/commits", limit=500))["commits"],
        "outline": await book.outline(),
    }


@asynccontextmanager
async def _untouched(book: Book) -> AsyncIterator[None]:
    """What happens inside writes nothing, and leaves the project in order."""
    before = await _everything(book)
    yield
    assert await _everything(book) == before
    assert (await book.ask("POST", "/verify")).json()["problems"] == []


def _check(answer: httpx.Response, status: int, code: str, *named: str) -> Json:
    """Check a refusal: its status, its code, and a sentence that names what it is about."""
    problem = dict(answer.json())
    assert (answer.status_code, problem.get("code")) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    detail = str(problem["detail"])
    assert detail[-1] == "." and len(detail.split()) >= 4, detail
    assert all(word in detail for word in named), detail
    return problem


@pytest.mark.parametrize("door", ["branches", "baselines"])
@pytest.mark.parametrize(
    ("ref", "status", "code", "named"),
    [
        ("nowhere", 404, "ref_not_found", "nowhere"),
        ("nowhere@3", 404, "ref_not_found", "nowhere"),
        ("main@999999", 404, "ref_not_found", "999999"),
        ("999999", 404, "ref_not_found", "999999"),
        ("work@1", 404, "ref_not_found", "work"),
        ("1999-12-31", 404, "ref_before_project", "1999-12-31"),
        ("work@1999-12-31", 404, "ref_before_project", "work"),
        ("main@yesterday", 422, "ref_invalid", "yesterday"),
        ("main@", 422, "ref_invalid", "@"),
        ("2026-13-01", 422, "ref_invalid", "2026-13-01"),
    ],
)
async def test_nothing_begins_where_nothing_is(
    world: World, door: str, ref: str, status: int, code: str, named: str
) -> None:
    book = await Book.make(world)
    await book.item("one")
    await _branch(book, "work")
    async with _untouched(book):
        answer = await book.ask("POST", f"/{door}", json={"name": "new", "ref": ref})
        _check(answer, status, code, named)
    assert (await book.ask("POST", f"/{door}", json={"name": "new"})).status_code == 201


@pytest.mark.parametrize("door", ["branches", "baselines"])
@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("a@b", 422, "ref_name_invalid"),
        ("42", 422, "ref_name_invalid"),
        ("2026-11-01", 422, "ref_name_invalid"),
        ("2026-11-01 frozen", 422, "ref_name_invalid"),
        ("   ", 422, "ref_name_invalid"),
        ("two\nlines", 422, "ref_name_invalid"),
        ("x" * 101, 422, "ref_name_invalid"),
        ("main", 409, "ref_name_taken"),
        ("WORK", 409, "ref_name_taken"),
        ("before", 409, "ref_name_taken"),
    ],
)
async def test_names_that_cannot_be_given(
    world: World, door: str, name: str, status: int, code: str
) -> None:
    """No name that reads as something else, and none that was ever given, were it to a branch renamed since."""
    book = await Book.make(world)
    made = await _branch(book, "Before")
    path = f"/branches/{made['id']}"
    assert (await book.ask("PATCH", path, json={"name": "Work"})).status_code == 200
    async with _untouched(book):
        _check(await book.ask("POST", f"/{door}", json={"name": name}), status, code)


async def test_a_closed_branch_takes_and_begins_nothing(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("one")
    for discard in (False, True):
        branch = await _branch(book, f"closed{discard}")
        name = branch["name"]
        if discard:
            await _title(book, item, "never merged", name)
        closed = await book.ask(
            "POST", f"/branches/{branch['id']}/close", params={"discard": discard}
        )
        assert closed.status_code == 201, closed.text
        path = f"/branches/{branch['id']}"
        async with _untouched(book):
            for ref in (name, f"{name}@{branch['created_seq']}"):
                answer = await book.ask("POST", "/branches", json={"name": "new", "ref": ref})
                _check(answer, 409, "branch_closed", name, "main")
            write = await book.ask(
                "PATCH",
                f"/items/{item['key']}",
                params={"branch": name},
                json={"attributes": book.values(Title="late")},
            )
            _check(write, 409, "branch_closed", name)
            for answer in (
                await _post(book, branch, "merge", direction="merge"),
                await _post(book, branch, "merge", direction="update"),
                await book.ask("POST", f"{path}/close"),
                await book.ask("PATCH", path, json={"name": "other"}),
                await book.ask("PATCH", path, json={"protected": True}),
            ):
                _check(answer, 409, "branch_closed", name)


async def test_only_owners_merge_into_a_protected_branch(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("one")
    branch = await _branch(book, "work")
    await _title(book, item, "two", "work")
    root = next(entry for entry in (await book.get("/branches"))["branches"] if not entry["parent"])
    protected = await book.ask("PATCH", f"/branches/{root['id']}", json={"protected": True})
    assert protected.status_code == 200, protected.text
    editor = await world.member(book.key, "editor")
    path = f"/projects/{book.key}/branches/{branch['id']}"
    async with _untouched(book):
        merge = await editor.post(f"{path}/merge", json={"direction": "merge"})
        _check(merge, 403, "branch_protected", "main")
        undone = await editor.post(f"/projects/{book.key}/undo")
        _check(undone, 409, "nothing_to_undo")
        opened = await editor.patch(
            f"/projects/{book.key}/branches/{root['id']}", json={"protected": False}
        )
        _check(opened, 403, "branch_protected")
        write = await editor.patch(
            f"/projects/{book.key}/items/{item['key']}", json={"message": "x", "attributes": {}}
        )
        _check(write, 403, "branch_protected", "main")
    await _own_doors_stay_open(book, editor, path, item)


async def _own_doors_stay_open(book: Book, editor: Client, path: str, item: Json) -> None:
    """The editor goes on on the branch; the owner merges, and writes to the protected one."""
    update = await editor.post(f"{path}/merge", json={"direction": "update"})
    assert update.status_code == 201, update.text
    merged = await book.client.post(f"{path}/merge", json={"direction": "merge"})
    assert merged.status_code == 201, merged.text
    await _title(book, item, "three")


async def test_choices_fit_conflicts_or_nothing_is_merged(world: World) -> None:
    book = await Book.make(world)
    item, other = await book.item("one"), await book.item("other")
    branch = await _branch(book, "work")
    await _title(book, item, "ours", "work")
    await _title(book, item, "theirs")
    conflict = {
        **{"kind": "item", "id": item["id"], "field": "attributes"},
        "field_key": book.attribute("Title"),
    }
    async with _untouched(book):
        for direction in ("update", "merge"):
            open_ = await _post(book, branch, "merge", direction=direction)
            problem = _check(open_, 409, "merge_conflict")
            assert [entry["key"] for entry in problem["conflicts"]] == [item["key"]]
            for wrong in (
                {**conflict, "id": other["id"]},
                {**conflict, "id": str(uuid4())},
                {**conflict, "field": "type_id", "field_key": None},
                {**conflict, "field_key": book.attribute("Text")},
                {**conflict, "kind": "nonsense"},
            ):
                for door in ("merge", "merge-preview"):
                    chosen = [{**conflict, "choose": "ours"}, {**wrong, "choose": "ours"}]
                    answer = await _post(
                        book, branch, door, direction=direction, resolutions=chosen
                    )
                    _check(answer, 422, "resolution_invalid")
            sided = [{**conflict, "choose": "nobody"}]
            answer = await _post(book, branch, "merge", direction=direction, resolutions=sided)
            assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
        sideways = await _post(book, branch, "merge", direction="sideways")
        assert (sideways.status_code, sideways.json()["code"]) == (422, "validation_failed")


async def test_a_preview_that_is_out_of_date_is_not_merged(world: World) -> None:
    book = await Book.make(world)
    item, other = await book.item("one"), await book.item("other")
    branch = await _branch(book, "work")
    await _title(book, item, "two", "work")
    for late in ("work", "main"):
        for direction in ("update", "merge"):
            preview = await _post(book, branch, "merge-preview", direction=direction)
            heads = {name: preview.json()[name] for name in ("branch_seq", "parent_seq")}
            await _title(book, other, f"{late} {direction}", late)
            async with _untouched(book):
                answer = await _post(book, branch, "merge", direction=direction, **heads)
                problem = _check(answer, 409, "merge_stale")
            now = {name: problem[name] for name in heads}
            changed = "branch_seq" if late == "work" else "parent_seq"
            assert [name for name in heads if now[name] != heads[name]] == [changed]
        chosen = {
            **{"kind": "item", "id": other["id"], "field": "attributes", "choose": "theirs"},
            "field_key": book.attribute("Title"),
        }
        resolutions = [chosen] if late == "main" else []
        done = await _post(
            book, branch, "merge", direction="update", resolutions=resolutions, **now
        )
        assert done.status_code == 201, done.text


async def test_what_cannot_be_merged_or_closed(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("one")
    root = next(entry for entry in (await book.get("/branches"))["branches"])
    parent = await _branch(book, "parent")
    await _branch(book, "child", "parent")
    await _title(book, item, "two", "parent")
    nowhere = {"id": str(uuid4())}
    async with _untouched(book):
        for direction in ("merge", "update"):
            for door in ("merge", "merge-preview"):
                answer = await _post(book, root, door, direction=direction)
                _check(answer, 422, "merge_impossible", "main")
                answer = await _post(book, nowhere, door, direction=direction)
                _check(answer, 404, "ref_not_found")
        path = f"/branches/{parent['id']}/close"
        _check(await book.ask("POST", path), 409, "branch_not_merged", "parent")
        discarded = await book.ask("POST", path, params={"discard": True})
        _check(discarded, 409, "branch_has_children", "child")
        for other, status, code in (
            (root, 422, "merge_impossible"),
            (nowhere, 404, "ref_not_found"),
        ):
            _check(await book.ask("POST", f"/branches/{other['id']}/close"), status, code)
        renamed = await book.ask("PATCH", f"/branches/{root['id']}", json={"name": "trunk"})
        _check(renamed, 422, "ref_name_invalid", "main")
        taken = await book.ask("PATCH", f"/branches/{parent['id']}", json={"name": "Child"})
        _check(taken, 409, "ref_name_taken", "Child")


async def test_branches_upon_branches_end_somewhere(world: World) -> None:
    book = await Book.make(world)
    name = "main"
    for depth in range(1, 8):
        made = await _branch(book, f"level {depth}", name)
        name = made["name"]
    async with _untouched(book):
        answer = await book.ask("POST", "/branches", json={"name": "too deep", "ref": name})
        _check(answer, 409, "branch_too_deep", "8")


async def test_a_write_names_a_branch_that_is_there(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("one")
    async with _untouched(book):
        for method, path, body in (
            ("PATCH", f"/items/{item['key']}", {"attributes": book.values(Title="x")}),
            ("POST", "/undo", None),
            ("POST", "/redo", None),
            ("POST", "/documents", {"title": "New"}),
        ):
            answer = await book.ask(method, path, params={"branch": "nowhere"}, json=body)
            _check(answer, 404, "ref_not_found", "nowhere")
