"""A project in which a document and the values of an attribute may not be read by everybody, and its members."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.api.two_projects import PNG, Content, make_content
from tests.fixtures.api import Client, World

SECRET = "Zyzzyva"
"""Stands in every text of the document that is restricted, and in what was said of changes to it."""
VALUE = "Quixotry"
"""Stands in every value of the attribute that is restricted."""
OPEN = "Everyday"
"""Stands in every text that every member may read."""


class Restricted:
    """The project, with the names of what everybody may read in ``content``, and of what they may not in ``hidden``.

    ``viewer`` and ``editor`` may not read what is restricted; ``reader`` may by their role, ``colleague`` by a group.
    ``ids`` and keys are those of all that stands or stood in the document.
    """

    content: Content
    hidden: dict[str, str]
    viewer: Client
    editor: Client
    reader: Client
    colleague: Client
    attribute: str
    document: str
    ids: set[str]

    @property
    def owner(self) -> Client:
        """Whoever owns the project."""
        return self.content.owner

    def path(self, path: str) -> str:
        """Return the path of something in the project."""
        return f"/projects/{self.content.key}{path}"


def _create(kind: str, entity_id: str, **fields: Any) -> dict[str, Any]:
    return {"op": "create", "kind": kind, "id": entity_id, "fields": fields}


async def make_restricted(world: World) -> Restricted:
    """Make the project: hidden items that live, that were deleted, and that were only taken out of their document."""
    made = Restricted()
    content = made.content = await make_content(world, OPEN)
    names = content.names
    lifted = await content.owner.delete(made.path(f"/restrictions/{names['restricted']}"))
    assert lifted.status_code == 204, lifted.text
    schema = (await content.owner.get(made.path("/schema"))).json()
    types = {item["category"]: item for item in schema["types"]}
    attributes = {item["name"]: item["id"] for item in types["item"]["attributes"]}
    made.attribute = attributes["Expected result"]
    await _write_values(made, attributes)
    await _write_document(made, attributes)
    for entity_id in (made.document, made.attribute):
        body = {"roles": ["reviewer"], "group_ids": []}
        answer = await content.owner.put(made.path(f"/restrictions/{entity_id}"), json=body)
        assert answer.status_code == 200, answer.text
    for role in ("viewer", "editor"):
        setattr(made, role, await world.member(content.key, role))
    made.reader = await world.member(content.key, "reviewer")
    made.colleague = await _colleague(world, made)
    return made


async def _write_values(made: Restricted, attributes: dict[str, str]) -> None:
    """Give what everybody may read values of the restricted attribute, on main and on a branch, now and before."""
    content, names = made.content, made.content.names
    await content.post("/commits", json={"base": None, "message": OPEN, "operations": [
        {"op": "update", "kind": "attribute", "id": made.attribute,
         "fields": {"default_value": f"<p>{VALUE} default</p>"}},
        {"op": "update", "kind": "item", "id": names["item"],
         "fields": {"attributes": {made.attribute: f"<p>{VALUE} before</p>"}}},
    ]})  # fmt: skip
    for branch in ("main", names["branch_name"]):
        operation = {
            "op": "update",
            "kind": "item",
            "id": names["item"],
            "fields": {"attributes": {made.attribute: f"<p>{VALUE} {branch}</p>"}},
        }
        await content.post(
            "/commits", params={"branch": branch}, json={"base": None, "operations": [operation]}
        )


async def _write_document(made: Restricted, attributes: dict[str, str]) -> None:
    content, names = made.content, made.content.names
    document = await content.post("/documents", json={"title": f"{SECRET} document"})
    made.document = document["id"]
    file = await content.post("/files", files={"file": (f"{SECRET}.png", PNG + SECRET.encode())})
    ids = {
        name: str(uuid4())
        for name in ("item", "other", "placement", "link", "gone", "taken out", "inner", "p1", "p2")
    }
    made.hidden = {
        **names,
        **{name: ids[name] for name in ("item", "other", "placement", "link")},
        "document": made.document,
        "sha256": file["sha256"],
        "attribute": made.attribute,
    }
    picture = f'<p>{SECRET} text <img src="x" data-path="{file["path"]}" alt=""></p>'
    place = {"document_id": made.document, "parent_id": None}

    def item(name: str) -> dict[str, Any]:
        values = {attributes["Title"]: f"{SECRET} {name}", attributes["Text"]: picture}
        return _create("item", ids[name], type_id=names["type"], attributes=values)

    def placed(placement: str, name: str) -> dict[str, Any]:
        return {
            **_create("placement", ids[placement], item_id=ids[name]),
            "position": place,
        }

    link = {"type_id": names["link_type"], "target_id": ids["item"]}
    await content.post("/commits", json={"base": None, "message": f"{SECRET} began", "operations": [
        item("item"), item("other"), item("gone"), item("taken out"),
        placed("placement", "item"), placed("p1", "gone"), placed("p2", "taken out"),
        placed("inner", "other"),
        _create("link", ids["link"], source_id=names["item"], **link),
    ]})  # fmt: skip
    key = (await content.owner.get(made.path(f"/items/{ids['item']}"))).json()["item"]["key"]
    made.hidden["item_key"] = key
    made.ids = {key, made.document, *ids.values()}
    await content.post("/commits", json={"base": None, "message": f"{SECRET} goes", "operations": [
        {"op": "delete", "kind": "item", "id": ids["gone"], "fields": {}},
        {"op": "delete", "kind": "placement", "id": ids["p2"], "fields": {}},
        {"op": "update", "kind": "item", "id": ids["item"],
         "fields": {"attributes": {attributes["Title"]: f"{SECRET} newer"}}},
    ]})  # fmt: skip
    await _write_elsewhere(made)


async def _write_elsewhere(made: Restricted) -> None:
    """Rename the document on a branch, and make a baseline of main."""
    content = made.content
    later = {"name": "later", "ref": "main"}
    made.hidden["branch_name"] = "later"
    made.hidden["branch"] = (await content.post("/branches", json=later))["id"]
    rename = {
        "op": "update",
        "kind": "document",
        "id": made.document,
        "fields": {"title": f"{SECRET} renamed"},
    }
    await content.post(
        "/commits",
        params={"branch": "later"},
        json={"base": None, "message": f"{SECRET} named", "operations": [rename]},
    )
    sealed = {"name": "with-it", "ref": "main", "description": OPEN}
    made.hidden["baseline_name"] = "with-it"
    made.hidden["baseline"] = (await content.post("/baselines", json=sealed))["id"]


async def _colleague(world: World, made: Restricted) -> Client:
    """Return a viewer whose group may read what is restricted."""
    administrator = await world.administrator()
    group = (await administrator.post("/groups", json={"name": f"Readers {uuid4()}"})).json()["id"]
    grant = made.path(f"/groups/{group}")
    assert (await administrator.put(grant, json={"role": "viewer"})).status_code == 200
    person = await world.user(name="Colleague")
    member = f"/groups/{group}/members/{person.user.user_id}"
    answer = await administrator.put(member, json={"manages": False})
    assert answer.status_code == 200, answer.text
    body = {"roles": ["reviewer"], "group_ids": [group]}
    for entity_id in (made.document, made.attribute):
        answer = await made.owner.put(made.path(f"/restrictions/{entity_id}"), json=body)
        assert answer.status_code == 200, answer.text
    return person
