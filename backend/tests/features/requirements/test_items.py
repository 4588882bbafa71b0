"""Items: write, read, validate, delete, restore, history, reading the past."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.features.requirements import corpora
from tests.features.requirements.book import Book
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


async def test_a_new_item_has_a_key_a_title_and_safe_text(world: World) -> None:
    book = await Book.make(world)
    values = book.values(Title="Brake", Text="<p onclick='x()'>Stop <b>now</b></p>")
    answer = await book.ask(
        "POST", "/items", json={"type_id": book.type_id("Requirement"), "attributes": values}
    )
    item = answer.json()["item"]
    assert answer.status_code == 201
    assert item["key"] == f"{book.key}-1" and item["title"] == "Brake"
    assert item["text"] == "<div><p>Stop <b>now</b></p></div>"
    assert item["placements"] == [] and item["deleted"] is False
    assert item["changed_by"] == book.client.user.display_name
    by_id = await book.get(f"/items/{item['id']}")
    assert by_id == await book.get(f"/items/{item['key'].lower()}")


async def test_the_title_falls_back_to_the_text_then_the_key(world: World) -> None:
    book = await Book.make(world)
    kind = book.type_id("Requirement")
    long = "word " * 60
    made = [
        (await book.ask("POST", "/items", json={"type_id": kind, "attributes": values})).json()
        for values in (book.values(Text=f"<p>{long}</p>"), {}, book.values(Title=" "))
    ]
    titles = [entry["item"]["title"] for entry in made]
    assert titles[0].startswith("word word") and len(titles[0]) <= 120
    assert titles[1:] == [made[1]["item"]["key"], made[2]["item"]["key"]]


async def test_change_merges_by_field_and_refuses_true_conflicts(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("First")
    base = item["revision"]
    path = f"/items/{item['key']}"

    async def patch(**named: Any) -> Any:
        return await book.ask(
            "PATCH", path, json={"attributes": book.values(**named), "base": base}
        )

    assert (await patch(Title="Second")).status_code == 200
    merged = await patch(Owner="Ada")
    assert merged.status_code == 200 and merged.json()["item"]["title"] == "Second"
    refused = await patch(Title="Third")
    assert (refused.status_code, refused.json()["code"]) == (409, "edit_conflict")
    (conflict,) = refused.json()["conflicts"]
    assert (conflict["base"], conflict["ours"], conflict["theirs"]) == ("First", "Third", "Second")
    assert conflict["key"] == item["key"]
    assert (await book.get(path))["item"]["title"] == "Second"


async def test_a_conflict_in_rich_text_shows_no_active_content(world: World) -> None:
    book = await Book.make(world)
    item = await book.item()
    base = item["revision"]
    for text, status in (("<p>one</p>", 200), ("<p>two<img src=x onerror=alert(1)></p>", 409)):
        body = {"attributes": book.values(Text=text), "base": base}
        answer = await book.ask("PATCH", f"/items/{item['key']}", json=body)
        assert answer.status_code == status
    assert "onerror" not in answer.text and "two" in answer.text


async def test_text_that_was_not_changed_keeps_its_revision(world: World) -> None:
    book = await Book.make(world)
    item = await book.item()
    path = f"/items/{item['key']}"
    body = {"attributes": book.values(Text="<p>a<br>b</p><ul><li>c</ul>")}
    first = (await book.ask("PATCH", path, json=body)).json()["item"]
    again = {"attributes": book.values(Text=first["text"])}
    second = (await book.ask("PATCH", path, json=again)).json()["item"]
    assert second["revision"] == first["revision"]


WRONG = [
    ("integer", {}, ["1.5", "", "x", "1e3", True, [1], {"a": 1}, 1.5]),
    ("integer", {"min": "1", "max": "10"}, ["0", "11", "-5"]),
    ("real", {"min": "0"}, ["abc", "1,5", "-0.1", "--1", False]),
    ("date", {}, ["2026-02-30", "23.11.2026", "2026-13-01", "now", 5]),
    ("boolean", {}, ["true", 1, "yes", []]),
    ("string", {"max_length": "3"}, ["four", ["a"], {"a": 1}]),
    ("enumeration", {}, [["nobody"], "nobody", 5, [1], [["a"]], {"a": 1}]),
    ("xhtml", {}, [5.5, ["a"], True]),
    ("string", {}, ["a\u0007b", "\ufffe"]),
]
RIGHT = [
    ("integer", {"min": "1", "max": "10"}, [("7", "7"), (7, "7"), ("+07", "+07")]),
    ("real", {}, [("1.50", "1.50"), ("1E5", "1E5"), ("0.1", "0.1")]),
    ("date", {}, [("2026-02-28", "2026-02-28"), ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z")]),
    ("boolean", {}, [(True, True), (False, False)]),
    ("string", {"max_length": "3"}, [("abc", "abc"), ("", "")]),
]


async def _attribute(book: Book, base: str, constraints: dict[str, str]) -> str:
    datatype, attribute = str(uuid4()), str(uuid4())
    values = [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}] if base == "enumeration" else []
    await book.done(
        {
            **{"op": "create", "kind": "datatype", "id": datatype},
            "fields": {
                **{"base": base, "name": base, "constraints": constraints},
                "enum_values": values,
            },
        },
        {
            **{"op": "create", "kind": "attribute", "id": attribute},
            "fields": {
                **{"type_id": book.type_id("Requirement"), "datatype_id": datatype},
                **{"name": f"Our {base}", "rank": "V"},
            },
        },
    )
    return attribute


@pytest.mark.parametrize(("base", "constraints", "values"), WRONG)
async def test_values_that_do_not_fit_are_refused_by_name(
    world: World, base: str, constraints: dict[str, str], values: list[Any]
) -> None:
    book = await Book.make(world)
    attribute = await _attribute(book, base, constraints)
    item = await book.item()
    for value in values:
        answer = await book.ask(
            "PATCH", f"/items/{item['key']}", json={"attributes": {attribute: value}}
        )
        assert answer.status_code == 422, value
        problem = answer.json()
        assert problem["code"] == "value_invalid" and f"Our {base}" in problem["detail"]
    assert (await book.get(f"/items/{item['key']}"))["item"]["revision"] == item["revision"]


@pytest.mark.parametrize(("base", "constraints", "pairs"), RIGHT)
async def test_values_that_fit_are_kept_as_written(
    world: World, base: str, constraints: dict[str, str], pairs: list[tuple[Any, Any]]
) -> None:
    book = await Book.make(world)
    attribute = await _attribute(book, base, constraints)
    item = await book.item()
    for value, kept in (*pairs, (None, None)):
        answer = await book.ask(
            "PATCH", f"/items/{item['key']}", json={"attributes": {attribute: value}}
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["item"]["attributes"].get(attribute) == kept


async def test_only_multi_valued_attributes_take_several_values(world: World) -> None:
    book = await Book.make(world)
    item = await book.item()
    path = f"/items/{item['key']}"
    test, analysis = (book.choice("Verification method", name) for name in ("Test", "Analysis"))
    several = {"attributes": book.values(Verification=[test, analysis, test])}
    answer = await book.ask("PATCH", path, json=several)
    assert answer.json()["item"]["attributes"][book.attribute("Verification")] == [test, analysis]
    states = [book.choice("Status", name) for name in ("Draft", "Approved")]
    answer = await book.ask("PATCH", path, json={"attributes": book.values(Status=states)})
    assert answer.json()["code"] == "value_invalid"


async def test_attributes_of_another_type_are_refused(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("Chapter", "Heading")
    for attributes in (book.values(Owner="x"), {str(uuid4()): "x"}, {"../x": "y"}):
        answer = await book.ask("PATCH", f"/items/{item['key']}", json={"attributes": attributes})
        assert (answer.status_code, answer.json()["code"]) == (422, "write_invalid")


async def test_a_new_type_takes_over_what_has_the_same_name(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("Brake")
    path = f"/items/{item['key']}"
    await book.ask("PATCH", path, json={"attributes": book.values(Text="<p>t</p>", Owner="Ada")})
    answer = await book.ask("PATCH", path, json={"type_id": book.type_id("Information")})
    changed = answer.json()["item"]
    assert changed["title"] == "Brake" and "<p>t</p>" in changed["text"]
    assert changed["attributes"][book.attribute("Owner")] == "Ada"
    back = await book.ask("PATCH", path, json={"type_id": book.type_id("Requirement")})
    assert back.json()["item"]["title"] == "Brake"


async def test_deleted_items_are_listed_and_come_back(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("Gone")
    await book.item("Stays")
    assert (await book.ask("DELETE", f"/items/{item['key']}")).status_code == 200
    (listed,) = (await book.get("/items", state="deleted"))["items"]
    assert listed["key"] == item["key"] and listed["deleted"] is True
    assert await book.shape() == ["1 Stays"]
    path = f"/items/{item['key']}"
    refused = await book.ask("PATCH", path, json={"attributes": book.values(Title="x")})
    assert refused.status_code in {404, 409}
    before = item["revision"]
    answer = await book.ask("POST", f"{path}/restore", json={"at": f"main@{before}"})
    assert answer.json()["item"]["title"] == "Gone" and not answer.json()["item"]["deleted"]
    assert (await book.get("/items", state="deleted"))["items"] == []
    unplaced = (await book.get("/items", state="unplaced"))["items"]
    assert [entry["key"] for entry in unplaced] == [item["key"]]


async def test_deleting_and_restoring_say_what_or_why(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("Gone")
    path, at = f"/items/{item['key']}", f"main@{item['revision']}"
    for why in ({}, {"message": "Asked for by the customer"}):
        assert (await book.ask("DELETE", path, params=why)).status_code == 200
        back = await book.ask("POST", f"{path}/restore", json={"at": at, **why})
        assert back.status_code == 200
    commits = (await book.get("/commits"))["commits"]
    assert [commit["message"] for commit in commits[:4]] == [
        *["Asked for by the customer"] * 2,
        f"Restored from version {item['revision']}",
        "Item deleted",
    ]


async def test_lists_of_items_page_without_gap_or_repeat(world: World) -> None:
    book = await Book.make(world)
    made = {(await book.item(f"item {number}"))["id"] for number in range(7)}
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await book.get("/items", limit=3, **cursor)
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert len(seen) == 7 and set(seen) == made


async def test_history_names_what_changed(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("First")
    path = f"/items/{item['key']}"
    draft = book.choice("Status", "Draft")
    await book.ask("PATCH", path, json={"attributes": book.values(Status=[draft])})
    await book.ask("PATCH", path, json={"attributes": book.values(Text="<p>x<script>y</script>")})
    await book.ask("DELETE", path)
    entries = (await book.get(f"{path}/history"))["entries"]
    assert [entry["action"] for entry in entries] == ["deleted", "changed", "changed", "created"]
    (text,), (status,) = entries[1]["changes"], entries[2]["changes"]
    assert (text["name"], text["form"]) == ("Text", "html") and "script" not in text["after"]
    assert (status["name"], status["before"], status["after"]) == ("Status", None, ["Draft"])
    assert entries[0]["commit"]["author"]["display_name"] == book.client.user.display_name


def _without_ref(answer: str) -> str:
    return re.sub(r'"ref":\{[^}]*\}', "", answer)


async def test_the_past_reads_the_same_to_the_byte(world: World) -> None:
    book = await Book.make(world)
    one, two = await book.item("one"), await book.item("two")
    await book.ask("PATCH", f"/items/{one['key']}", json={"attributes": book.values(Text="<p>a")})
    paths = [
        *("/documents", f"/documents/{book.document}/outline", "/schema", "/items"),
        *(f"/documents/{book.document}/rows", f"/items/{one['key']}", f"/items/{two['key']}/links"),
        f"/find?document={book.document}&q=one",
    ]
    seq = (await book.get("/documents"))["ref"]["seq"]
    before = [(await book.ask("GET", path)).text for path in paths]
    await book.ask("PATCH", f"/items/{one['key']}", json={"attributes": book.values(Title="other")})
    await book.done(
        book.move(two["placements"][0]["placement_id"], first=True),
        {
            **{"op": "update", "kind": "type", "id": book.type_id("Requirement")},
            "fields": {"name": "Demand"},
        },
    )
    await book.ask("DELETE", f"/items/{one['key']}")
    await book.ask("PATCH", f"/documents/{book.document}", json={"title": "Renamed"})
    for path, old in zip(paths, before, strict=True):
        sign = "&" if "?" in path else "?"
        then = await book.ask("GET", f"{path}{sign}at=main@{seq}")
        assert _without_ref(then.text) == _without_ref(old), path
        assert (await book.ask("GET", path)).text != old


async def test_an_unchanged_answer_is_a_304(world: World) -> None:
    book = await Book.make(world)
    item = await book.item()
    for path in (
        *(f"/documents/{book.document}/outline", f"/documents/{book.document}/rows", "/schema"),
        *(f"/items/{item['key']}", f"/items/{item['key']}/links"),
        *("/documents", f"/documents/{book.document}"),
    ):
        etag = (await book.ask("GET", path)).headers["etag"]
        again = await book.ask("GET", path, headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")
        await book.item("another")
        assert (await book.ask("GET", path, headers={"If-None-Match": etag})).status_code == 200


async def test_naughty_strings_are_kept_and_shown_verbatim(
    world: World, shared_folder: Path
) -> None:
    book = await Book.make(world)
    texts = corpora.read("naughty_strings.json")
    fit = [text for text in texts if not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe]", text)]
    assert len(fit) > 350
    answer = await book.done(
        *(
            {
                **{"op": "create", "kind": "item"},
                "fields": {
                    "type_id": book.type_id("Requirement"),
                    "attributes": book.values(Title=text),
                },
            }
            for text in fit
        )
    )
    title = book.attribute("Title")
    assert sorted(item["attributes"][title] for item in answer["items"]) == sorted(fit)
    for text in set(texts) - set(fit):
        body = {"type_id": book.type_id("Requirement"), "attributes": book.values(Title=text)}
        refused = await book.ask("POST", "/items", json=body)
        assert refused.status_code == 422 and refused.json()["detail"]


async def test_hostile_text_in_any_parameter_is_no_server_error(
    world: World, shared_folder: Path
) -> None:
    book = await Book.make(world)
    await book.item()
    texts = [*corpora.read("sqli.json")[::60], *corpora.read("path_traversal.json")[::20]]
    for text in [entry if isinstance(entry, str) else str(entry) for entry in texts]:
        answers = [
            await book.ask("GET", "/items", params={"q": text[:200]}),
            await book.ask("GET", "/find", params={"document": book.document, "q": text[:200]}),
            await book.ask("GET", "/schema", params={"at": text[:200]}),
            await book.ask("GET", "/items", params={"state": text, "cursor": text}),
        ]
        assert all(answer.status_code < 500 for answer in answers), text


async def test_a_nul_in_a_query_is_no_server_error(world: World) -> None:
    book = await Book.make(world)
    for path in ("/items?q=%00", f"/find?document={book.document}&q=%00", "/items/%00"):
        assert (await book.ask("GET", path)).status_code < 500


async def test_roles_are_kept_apart(world: World) -> None:
    book = await Book.make(world)
    item = await book.item()
    viewer, stranger = await world.member(book.key, "viewer"), await world.user()
    for client, read, write in ((viewer, 200, 403), (stranger, 404, 404)):
        path = f"/projects/{book.key}/items/{item['key']}"
        assert (await client.get(path)).status_code == read
        assert (await client.patch(path, json={})).status_code == write
        assert (await client.delete(path)).status_code == write
        body = {"operations": [{"op": "delete", "kind": "item", "id": item["id"]}]}
        assert (await client.post(f"/projects/{book.key}/commits", json=body)).status_code == write


async def test_an_item_of_another_project_is_not_there(world: World) -> None:
    one, other = await Book.make(world), await Book.make(world)
    item = await one.item()
    for name in (item["key"], item["id"]):
        assert (await other.ask("GET", f"/items/{name}")).status_code == 404
        answer = await other.ask("PATCH", f"/items/{name}", json={"type_id": str(uuid4())})
        assert answer.status_code == 404
