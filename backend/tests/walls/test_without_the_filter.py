"""A build whose application says yes to everybody about every project: an outsider still sees nothing of it."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Select, insert, literal, select, text

from reqtrail.api import openapi
from reqtrail.entrypoints.web import create_app
from reqtrail.features.access import repository
from reqtrail.features.access.public import Actor, ProjectContext, Role
from reqtrail.features.access.tables import memberships
from reqtrail.features.identity.public import Credential
from reqtrail.features.projects import repository as projects_repository
from reqtrail.features.projects.tables import projects
from reqtrail.kit import clock
from reqtrail.platform.database.engine import Database
from reqtrail.platform.settings import Settings
from tests.features.requirements.book import Book
from tests.fixtures.api import Client, World
from tests.walls.rows import WALLED

pytestmark = pytest.mark.anyio

MARK = "Zebrafish"
PNG = b"\x89PNG\r\n\x1a\n" + MARK.encode()
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


class Secret:
    """A project full of a word that nobody else may read, and the ids of what is in it."""

    def __init__(self, book: Book, project_id: UUID, ids: dict[str, str]) -> None:
        self.book, self.project_id, self.ids = book, project_id, ids


async def _made(answer: httpx.Response) -> Any:
    assert answer.status_code < 300, answer.text
    return answer.json()


def _first_id(answer: Any) -> str:
    found = re.search(r'"id":"([0-9a-f-]{36})"', json.dumps(answer, separators=(",", ":")))
    assert found is not None, answer
    return found[1]


@pytest.fixture
async def secret(world: World) -> Secret:
    book = await Book.make(world)
    await _made(await book.ask("PATCH", "", json={"name": f"{MARK} project"}))
    await _made(await book.ask("PATCH", f"/documents/{book.document}", json={"title": MARK}))
    items = [await book.item(f"{MARK} {number}") for number in range(2)]
    picture = await _made(await book.ask("POST", "/files", files={"file": ("a.png", PNG)}))
    link_type = next(kind for kind in book.schema["types"] if kind["category"] == "link")
    await _made(
        await book.ask(
            "POST",
            "/links",
            json={
                "type_id": link_type["id"],
                "source_id": items[0]["id"],
                "target_id": items[1]["id"],
            },
        )
    )
    links = await book.get(f"/items/{items[0]['id']}/links")
    branch = await _made(await book.ask("POST", "/branches", json={"name": MARK}))
    baseline = await _made(await book.ask("POST", "/baselines", json={"name": f"{MARK} 1"}))
    files = {"file": (f"{MARK}.reqif", b"<x/>")}
    job = await _made(await book.ask("POST", "/imports", files=files))
    project = await book.get("")
    ids = {
        "project": book.key,
        "document_id": book.document,
        "item": items[0]["id"],
        "other": items[1]["id"],
        "entity_id": items[0]["id"],
        "link_id": _first_id(links),
        "branch_id": _first_id(branch),
        "baseline_id": _first_id(baseline),
        "import_id": job["id"],
        "user_id": str(book.client.user.user_id),
        "sha256": picture["sha256"],
        "name": "a.png",
        "seq": "2",
    }
    return Secret(book, UUID(project["id"]), ids)


@pytest.fixture
def no_filter(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The visible-scope query finds every project, and everybody is its owner."""
    asked = repository.find_visible_project

    async def everything(
        session: Any, credential: Credential, key: str
    ) -> tuple[Actor | None, ProjectContext | None]:
        actor, _ = await asked(session, credential, key)
        async with world.owner.read_session() as other:
            row = (await other.execute(select(projects).where(projects.c.key == key))).one_or_none()
        if actor is None or row is None:
            return actor, None
        return actor, ProjectContext(row.project_id, row.key, row.name, False, Role.OWNER, actor)

    def all_projects(actor: Actor) -> Select[Any]:
        return select(projects, literal(Role.OWNER.value).label("role")).select_from(projects)

    monkeypatch.setattr(repository, "find_visible_project", everything)
    monkeypatch.setattr(projects_repository, "visible_projects", all_projects)


BODIES: dict[str, Any] = {
    "update_project": {"name": "Mine"},
    "put_member": {"role": "viewer"},
    "create_document": {"title": "Mine"},
    "update_document": {"title": "Mine"},
    "create_branch": {"name": "mine"},
    "update_branch": {"name": "mine"},
    "create_baseline": {"name": "mine"},
    "merge_branch": {"direction": "merge"},
    "preview_merge": {"direction": "merge"},
    "update_item": {"attributes": {}},
    "restore_item": {"at": "1"},
    "update_link": {"attributes": {}},
}


def _requests(
    app: FastAPI, secret: Secret, attacker: Client
) -> list[tuple[str, str, dict[str, Any]]]:
    """Return (method, path, options) of a request to every route of a project, with ids that are right."""
    found = []
    for route in openapi.routes_of(app):
        path = _filled(
            str(route.path_format), {**secret.ids, "user_id": str(attacker.user.user_id)}
        )
        if "{project}" not in str(route.path):
            continue
        body = dict(BODIES.get(str(route.operation_id), {}))
        if route.operation_id == "commit":
            body = {"base": None, "operations": [_removal(secret)]}
        options: dict[str, Any] = {"json": body}
        if "import" in str(route.operation_id) or route.operation_id == "upload_file":
            options = {"files": {"file": ("mine.png", PNG[:8])}}
        for method in sorted(route.methods or ()):
            sent = options if method in CHANGING - {"DELETE"} else {}
            if route.operation_id == "find_in_document":
                sent = {"params": {"document": secret.ids["document_id"], "q": MARK}}
            found.append((method, path.removeprefix("/api/v1"), sent))
    return found


def _filled(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"{(\w+)}", lambda name: ids.get(name[1], str(uuid4())), path)


def _removal(secret: Secret) -> dict[str, Any]:
    return {"op": "delete", "kind": "item", "id": secret.ids["item"]}


async def _stored(owner: Database, project_id: UUID) -> dict[str, str]:
    """Return a digest of what every table holds of a project."""
    found = {}
    async with owner.read_session() as session:
        for table in WALLED:
            rows = await session.execute(
                text(f"SELECT t::text FROM {table.name} t WHERE project_id = :p ORDER BY 1"),
                {"p": project_id},
            )
            lines = "\n".join(row[0] for row in rows)
            found[table.name] = hashlib.sha256(lines.encode()).hexdigest()
    return found


async def test_an_outsider_sees_and_changes_nothing(
    world: World, secret: Secret, no_filter: None
) -> None:
    """Every route of a project, with every id right, while the application takes the outsider for an owner."""
    outsider = await world.user()
    before = await _stored(world.owner, secret.project_id)
    told = []
    for method, path, options in _requests(world.app, secret, outsider):
        answer = await outsider.request(method, path, **options)
        if (
            MARK in answer.text.replace(f"{MARK} project", "")
            or any(value in answer.text for value in (secret.ids["sha256"], secret.ids["link_id"]))
            and answer.status_code < 400
        ):
            told.append((method, path, answer.status_code, answer.text[:200]))
        if method in CHANGING and answer.status_code < 300 and answer.text not in ("", "{}"):
            assert "preview" in path or path.endswith("/verify"), (method, path, answer.text[:200])
    assert told == []
    assert await _stored(world.owner, secret.project_id) == before
    listed = (await outsider.get("/projects")).json()
    assert secret.book.key not in {project["key"] for project in listed}


async def test_members_work_as_ever(world: World, secret: Secret, no_filter: None) -> None:
    """The wall is not simply closed: who is in the project reads and writes in the same build."""
    item = await secret.book.get(f"/items/{secret.ids['item']}")
    assert MARK in str(item)
    await _made(await secret.book.commit(_removal(secret)))


async def test_without_the_wall_the_same_build_is_open(
    settings: Settings, world: World, secret: Secret, no_filter: None
) -> None:
    """What the others prove is the wall: a login that the policies do not bind shows everything, and is never ready."""
    app = create_app(settings.model_copy(update={"database_role": None}))
    async with app.router.lifespan_context(app):
        open_world = World(app)
        outsider = await open_world.user()
        item = await outsider.get(f"/projects/{secret.book.key}/items/{secret.ids['item']}")
        assert item.status_code == 200 and MARK in item.text
        ready = await outsider.get("/health/ready")
        assert (ready.status_code, ready.json()["database"]) == (503, "not walled")
        await open_world.aclose()


async def test_a_faulty_list_shows_only_the_projects_of_the_actor(
    world: World, secret: Secret, no_filter: None
) -> None:
    other = await Book.make(world)
    listed = (await other.client.get("/projects")).json()
    assert [project["key"] for project in listed] == [other.key]
    async with world.owner.session() as session:
        await session.execute(
            insert(memberships).values(
                project_id=secret.project_id,
                user_id=other.client.user.user_id,
                role="viewer",
                created_at=clock.now(),
            )
        )
    listed = (await other.client.get("/projects")).json()
    assert {project["key"] for project in listed} == {other.key, secret.book.key}
