"""Documents and attributes that not every member may read."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from reqtrail.features.audit.tables import audit_events
from tests.features.requirements.book import Book
from tests.fixtures.api import Client, World
from tests.fixtures.statements import sent_by_requests

pytestmark = pytest.mark.anyio


class Shelf:
    """A book beside a document that only reviewers and owners may read, and an editor who may not."""

    def __init__(self, book: Book, secret: str, editor: Client) -> None:
        self.book, self.secret, self.editor = book, secret, editor

    @classmethod
    async def make(cls, world: World) -> Shelf:
        """Make both documents, and restrict one."""
        book = await Book.make(world)
        made = await book.ask("POST", "/documents", json={"title": "Secret"})
        shelf = cls(book, made.json()["id"], await world.member(book.key, "editor"))
        await shelf.restrict(shelf.secret)
        return shelf

    async def restrict(self, entity_id: str, *roles: str, groups: tuple[str, ...] = ()) -> None:
        """Let only owners, *roles* and *groups* read something."""
        body = {"roles": list(roles) or ["reviewer"], "group_ids": list(groups)}
        answer = await self.book.ask("PUT", f"/restrictions/{entity_id}", json=body)
        assert answer.status_code == 200, answer.text

    async def sees(self, item: str, at: str = "main", who: Client | None = None) -> bool:
        """Return whether the editor, or *who*, sees an item."""
        path = f"/projects/{self.book.key}/items/{item}"
        status = (await (who or self.editor).get(path, params={"at": at})).status_code
        assert status in {200, 404}
        return status == 200

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        """Return the status and the code of what the editor is answered."""
        answer = await self.editor.request(method, f"/projects/{self.book.key}{path}", **options)
        return answer.status_code, answer.json().get("code", "") if answer.content else ""

    def place(self, item_id: str, document: str | None = None) -> dict[str, Any]:
        """Return the operation that places an item."""
        return {
            "op": "create",
            "kind": "placement",
            "id": str(uuid4()),
            "fields": {"item_id": item_id},
            "position": {"document_id": document or self.book.document},
        }


async def test_an_item_is_seen_where_it_stands_in_a_document_that_can_be_read(world: World) -> None:
    shelf = await Shelf.make(world)
    item = await shelf.book.item("Reused", document_id=shelf.secret)
    assert not await shelf.sees(item["id"])
    placed = await shelf.book.done(shelf.place(item["id"]))
    assert await shelf.sees(item["id"]) and not await shelf.sees(item["id"], "3")
    read = (await shelf.editor.get(f"/projects/{shelf.book.key}/items/{item['id']}")).json()
    documents = [place["document_id"] for place in read["item"]["placements"]]
    assert documents == [shelf.book.document]
    # What it was before is another matter.
    for path in (f"/items/{item['key']}/history", f"/history/{item['id']}"):
        assert await shelf.ask("GET", path) == (403, "reading_restricted")
    blame = {"attribute": "Title"}
    path = f"/items/{item['key']}/blame"
    assert (await shelf.ask("GET", path, params=blame))[0] == 403
    # It is changed like any other, but cannot be deleted from where one may not look.
    body = {"attributes": shelf.book.values(Title="Renamed")}
    assert (await shelf.ask("PATCH", f"/items/{item['key']}", json=body))[0] == 200
    assert await shelf.ask("DELETE", f"/items/{item['key']}") == (403, "reading_restricted")
    seq = str(placed["ref"]["seq"])
    placement = next(change["id"] for change in placed["changes"] if change["kind"] == "placement")
    await shelf.book.done({"op": "delete", "kind": "placement", "id": placement, "fields": {}})
    assert not await shelf.sees(item["id"]) and await shelf.sees(item["id"], seq)


async def test_what_left_the_document_stays_hidden(world: World) -> None:
    shelf = await Shelf.make(world)
    items = [await shelf.book.item(f"Item {n}", document_id=shelf.secret) for n in range(3)]
    await shelf.book.ask("DELETE", f"/items/{items[0]['key']}")
    placement = items[1]["placements"][0]["placement_id"]
    await shelf.book.done({"op": "delete", "kind": "placement", "id": placement, "fields": {}})
    for state in ("deleted", "unplaced"):
        answer = await shelf.editor.get(
            f"/projects/{shelf.book.key}/items", params={"state": state}
        )
        assert answer.json()["items"] == [], state
    assert [await shelf.sees(item["id"]) for item in items] == [False] * 3
    # Moved to where everybody reads, it is there for everybody.
    place = items[2]["placements"][0]["placement_id"]
    position = {"document_id": shelf.book.document}
    await shelf.book.done({"op": "move", "kind": "placement", "id": place, "position": position})
    assert await shelf.sees(items[2]["id"])


async def test_hidden_items_cannot_be_brought_to_light(world: World) -> None:
    shelf = await Shelf.make(world)
    hidden = await shelf.book.item("Hidden", document_id=shelf.secret)
    own = await shelf.book.item("Own")
    body: dict[str, Any] = {"operations": [shelf.place(hidden["id"])]}
    assert await shelf.ask("POST", "/commits", json=body) == (409, "reference_broken")
    link = {
        "type_id": next(
            item["id"] for item in shelf.book.schema["types"] if item["category"] == "link"
        ),
        "source_id": own["id"],
        "target_id": hidden["id"],
    }
    assert await shelf.ask("POST", "/links", json=link) == (409, "reference_broken")
    body = {"operations": [shelf.place(own["id"], shelf.secret)]}
    assert await shelf.ask("POST", "/commits", json=body) == (409, "reference_broken")
    body["operations"][0]["position"]["document_id"] = str(uuid4())
    assert await shelf.ask("POST", "/commits", json=body) == (409, "reference_broken")
    # A conflict would show what others wrote: it is not looked for.
    stale = {"base": 4, "attributes": shelf.book.values(Title="Mine")}
    assert await shelf.ask("PATCH", f"/items/{hidden['key']}", json=stale) == (
        404,
        "item_not_found",
    )
    assert not await shelf.sees(hidden["id"])


async def test_values_of_an_attribute_are_neither_read_nor_written(world: World) -> None:
    shelf = await Shelf.make(world)
    book = shelf.book
    source = book.attribute("Source")
    item = await book.item("Open")
    filled = {"attributes": book.values(Source="From the customer")}
    assert (await book.ask("PATCH", f"/items/{item['key']}", json=filled)).status_code == 200
    await shelf.restrict(source)
    path = f"/items/{item['key']}"
    read = (await shelf.editor.get(f"/projects/{book.key}{path}")).json()["item"]
    assert source not in read["attributes"] and read["title"] == "Open"
    written = {"attributes": {source: "Mine"}}
    assert await shelf.ask("PATCH", path, json=written) == (403, "reading_restricted")
    renamed = {"attributes": book.values(Title="New")}
    assert (await shelf.ask("PATCH", path, json=renamed))[0] == 200
    assert (await shelf.ask("POST", "/undo"))[0] == 201
    # The value that the editor never saw is still there.
    kept = (await book.get(path))["item"]["attributes"]
    assert kept[source] == "From the customer"
    history = await shelf.editor.get(f"/projects/{book.key}{path}/history")
    assert history.status_code == 200 and "customer" not in history.text
    found = await shelf.editor.get(f"/projects/{book.key}/items", params={"q": "customer"})
    assert found.json()["items"] == []
    change = {"op": "update", "kind": "attribute", "id": source, "fields": {"name": "Origin"}}
    assert (await shelf.ask("POST", "/commits", json={"operations": [change]}))[0] == 403
    # Changing the type would carry the value to another attribute.
    retyped = {"type_id": book.type_id("Test case")}
    assert (await shelf.ask("PATCH", path, json=retyped))[0] in {200, 403}
    assert (await book.get(path))["item"]["attributes"].get(source) == "From the customer"


@pytest.mark.parametrize("branch", ["main", "aside"])
async def test_hidden_values_disturb_no_merge(world: World, branch: str) -> None:
    """Not seeing a value is not changing it: neither when others changed something since, nor in a restore."""
    shelf = await Shelf.make(world)
    book = shelf.book
    source = book.attribute("Source")
    item = await book.item("Open")
    path = f"/items/{item['key']}"
    first = {"attributes": book.values(Source="First")}
    assert (await book.ask("PATCH", path, json=first)).status_code == 200
    on = {"branch": branch}
    if branch != "main":
        assert (await book.ask("POST", "/branches", json={"name": branch})).status_code == 201
    await shelf.restrict(source)
    base = (await book.get("/refs/resolve", ref=branch))["seq"]
    second = {"attributes": book.values(Source="Second", Rationale="<p>Because.</p>")}
    assert (await book.ask("PATCH", path, json=second, params=on)).status_code == 200
    mine = {"base": base, "attributes": book.values(Title="Mine")}
    assert (await shelf.ask("PATCH", path, json=mine, params=on))[0] == 200
    answer = await shelf.editor.patch(
        f"/projects/{book.key}{path}",
        json={"base": base, "attributes": book.values(Title="Conflicting")},
        params=on,
    )
    assert answer.status_code == 409 and "Second" not in answer.text and "First" not in answer.text
    values = (await book.get(path, at=branch))["item"]["attributes"]
    assert values[source] == "Second" and values[book.attribute("Title")] == "Mine"
    restored = {"at": str(base)}
    assert (await shelf.ask("POST", f"{path}/restore", json=restored, params=on))[0] == 200
    values = (await book.get(path, at=branch))["item"]["attributes"]
    assert values[source] == "Second" and values[book.attribute("Title")] == "Open"
    assert (await shelf.ask("DELETE", path, params=on))[0] == 200
    assert (await shelf.ask("POST", "/undo", params=on))[0] == 201
    assert (await book.get(path, at=branch))["item"]["attributes"][source] == "Second"


async def test_caches_and_etags_are_told_apart(world: World) -> None:
    shelf = await Shelf.make(world)
    book = shelf.book
    source = book.attribute("Source")
    item = await book.item("Open")
    filled = {"attributes": book.values(Source="Sourced")}
    assert (await book.ask("PATCH", f"/items/{item['key']}", json=filled)).status_code == 200
    path = f"/projects/{book.key}/documents/{book.document}/rows"
    before = await shelf.editor.get(path)
    assert "Sourced" in before.text
    await shelf.restrict(source)
    again = await shelf.editor.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert again.status_code == 200 and "Sourced" not in again.text
    assert "Sourced" in (await book.client.get(path)).text
    assert "Sourced" not in (await shelf.editor.get(path)).text
    assert (await book.ask("DELETE", f"/restrictions/{source}")).status_code == 204
    assert "Sourced" in (await shelf.editor.get(path)).text


async def test_groups_and_roles_decide_at_once(world: World) -> None:
    shelf = await Shelf.make(world)
    book = shelf.book
    item = await book.item("Hidden", document_id=shelf.secret)
    administrator = await world.administrator()
    group = (await administrator.post("/groups", json={"name": f"G {uuid4()}"})).json()["id"]
    body = {"roles": [], "group_ids": [group]}
    answer = await book.ask("PUT", f"/restrictions/{shelf.secret}", json=body)
    assert answer.status_code == 404, "a group without a role in the project"
    await administrator.put(f"/projects/{book.key}/groups/{group}", json={"role": "viewer"})
    await shelf.restrict(shelf.secret, "commenter", groups=(group,))
    member = f"/groups/{group}/members/{shelf.editor.user.user_id}"
    assert not await shelf.sees(item["id"])
    await administrator.put(member, json={"manages": False})
    assert await shelf.sees(item["id"])
    await administrator.delete(member)
    assert not await shelf.sees(item["id"])
    assert await shelf.sees(item["id"], who=await world.member(book.key, "commenter"))
    assert not await shelf.sees(item["id"], who=await world.member(book.key, "reviewer"))
    assert await shelf.sees(item["id"], who=administrator)
    assert await shelf.sees(item["id"], who=await world.member(book.key, "owner"))


async def test_owners_decide_and_it_is_recorded(world: World) -> None:
    shelf = await Shelf.make(world)
    book = shelf.book
    listed = (await book.client.get(f"/projects/{book.key}/restrictions")).json()
    assert listed == [
        {
            "id": shelf.secret,
            "kind": "document",
            "name": "Secret",
            "roles": ["reviewer"],
            "groups": [],
        }
    ]
    assert (await shelf.ask("GET", "/restrictions"))[0] == 403
    assert (await shelf.ask("DELETE", f"/restrictions/{shelf.secret}"))[0] == 403
    item = await book.item("Some item")
    body = {"roles": ["reviewer"], "group_ids": []}
    answer = await book.ask("PUT", f"/restrictions/{item['id']}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "not_restrictable")
    owners = {"roles": ["owner"], "group_ids": []}
    assert (await book.ask("PUT", f"/restrictions/{book.document}", json=owners)).status_code == 422
    assert (await book.ask("DELETE", f"/restrictions/{book.document}")).status_code == 404
    assert (await book.ask("DELETE", f"/restrictions/{shelf.secret}")).status_code == 204
    assert (await book.ask("GET", "/restrictions")).json() == []
    async with world.owner.session() as session:
        events = (
            await session.execute(
                select(audit_events.c.action, audit_events.c.subject_id).where(
                    audit_events.c.subject_id == shelf.secret
                )
            )
        ).all()
    actions = [action for action, _ in events]
    assert {"restriction:put", "restriction:lift"} <= set(actions)


async def test_whole_project_operations_are_refused_with_a_reason(world: World) -> None:
    shelf = await Shelf.make(world)
    made = await shelf.editor.post(f"/projects/{shelf.book.key}/branches", json={"name": "mine"})
    assert made.status_code == 201, made.text
    merge = {"direction": "merge"}
    path = f"/branches/{made.json()['id']}"
    for method, where, body in (
        ("POST", f"{path}/merge-preview", merge),
        ("POST", f"{path}/merge", merge),
        ("POST", "/verify", None),
        ("GET", "/exports/reqif", None),
        ("GET", "/imports", None),
    ):
        found = await shelf.ask(method, where, json=body)
        assert found == (403, "reading_restricted"), where


async def test_unrestricted_reading_costs_no_statement_more(world: World) -> None:
    shelf = await Shelf.make(world)
    book = shelf.book
    await book.item("One")
    path = f"/documents/{book.document}/rows"
    for client in (book.client, shelf.editor):
        counts = []
        for _ in range(2):
            with sent_by_requests(world.database.engine) as seen:
                answer = await client.get(f"/projects/{book.key}{path}")
                assert answer.status_code == 200
            counts.append(len(seen))
        assert counts[-1] <= 2, seen
