"""A project with one of everything, and an example of each operation that can be asked of it.

``EXAMPLES`` holds what an operation of a project is called with. A new operation, parameter or field of a body without
an example is a test that fails, so nobody can forget to say what a foreign id in it does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.fixtures.api import Client, World

MARKER = "Zyzzyva"
"""Stands in every text of a project, so that an answer which shows any of it is known by it."""
NAME = re.compile(r"\{(\w+)\}")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


class Content:
    """A project with one of everything, by name."""

    def __init__(self, key: str, owner: Client) -> None:
        self.key = key
        self.owner = owner
        self.names: dict[str, str] = {}

    async def post(self, path: str, **options: Any) -> dict[str, Any]:
        """Make something in the project."""
        answer = await self.owner.post(f"/projects/{self.key}{path}", **options)
        assert answer.status_code < 300, answer.text
        return dict(answer.json())


async def make_content(world: World, secret: str) -> Content:
    """Make a project whose texts and names hold *secret*."""
    owner = await world.user()
    made = Content(await world.project(owner, name=f"{secret} project"), owner)
    schema = (await owner.get(f"/projects/{made.key}/schema")).json()
    types = {item["category"]: item for item in schema["types"]}
    document = await made.post("/documents", json={"title": f"{secret} document"})
    ids = {name: str(uuid4()) for name in ("item", "other", "placement", "link")}
    attributes = {item["name"]: item["id"] for item in types["item"]["attributes"]}
    names = {
        **ids,
        "document": document["id"],
        "type": types["item"]["id"],
        "document_type": types["document"]["id"],
        "link_type": types["link"]["id"],
        "attribute": attributes["Title"],
        "restricted": attributes["Text"],
        "branch_name": f"{secret}-branch",
        "baseline_name": f"{secret}-baseline",
    }
    made.names = names
    await made.post(
        "/commits",
        json={"base": 2, "message": secret, "operations": _first(names, secret)},
    )
    item = await owner.get(f"/projects/{made.key}/items/{ids['item']}")
    names["item_key"] = item.json()["item"]["key"]
    names["branch"] = (await made.post("/branches", json={"name": names["branch_name"]}))["id"]
    baseline = {"name": names["baseline_name"], "description": secret}
    names["baseline"] = (await made.post("/baselines", json=baseline))["id"]
    file = await made.post("/files", files={"file": (f"{secret}.png", PNG + secret.encode())})
    names["sha256"] = file["sha256"]
    restriction = f"/projects/{made.key}/restrictions/{names['restricted']}"
    answer = await owner.put(restriction, json={"roles": [], "group_ids": []})
    assert answer.status_code == 200, answer.text
    line = {"file": (f"{secret}.jsonl", secret.encode())}
    names["import"] = (await made.post("/history-imports", files=line))["id"]
    names["job"] = (await made.post("/exports", json={"at": names["branch_name"]}))["id"]
    hook = {"name": f"{secret} hook", "url": f"http://127.0.0.1:1025/{secret}"}
    names["webhook"] = (await made.post("/webhooks", json=hook))["id"]
    invited = {"email": f"{secret.lower()}@example.org", "role": "viewer"}
    names["invitation"] = (await made.post("/invitations", json=invited))["id"]
    administrator = await world.administrator()
    group = await administrator.post("/groups", json={"name": f"{secret} {uuid4()}"})
    names["group"] = group.json()["id"]
    grant = f"/projects/{made.key}/groups/{names['group']}"
    assert (await administrator.put(grant, json={"role": "viewer"})).status_code == 200
    names["member"] = str((await world.member(made.key, "viewer")).user.user_id)
    return made


def _first(names: Mapping[str, str], secret: str) -> list[dict[str, Any]]:
    def create(kind: str, name: str, **fields: Any) -> dict[str, Any]:
        return {"op": "create", "kind": kind, "id": names[name], "fields": fields}

    texts = {names["attribute"]: f"{secret} title"}
    position = {"document_id": names["document"], "parent_id": None}
    ends = {"source_id": names["item"], "target_id": names["other"]}
    return [
        create("item", "item", type_id=names["type"], attributes=texts),
        create("item", "other", type_id=names["type"]),
        {**create("placement", "placement", item_id=names["item"]), "position": position},
        create("link", "link", type_id=names["link_type"], **ends),
    ]


@dataclass(frozen=True)
class Example:
    """What an operation is called with. A text in braces is the name of something in the project.

    Attributes:
        path, query, body, files: What the request holds.
        bodies: Further bodies, where fields exclude each other.
        lists: Fields by which a list is narrowed: a foreign id gives what an unknown one gives, and not a 404.
        free: Fields that may hold what is no part of the project, each with the reason.
    """

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    bodies: tuple[Mapping[str, Any], ...] = ()
    files: Mapping[str, tuple[str, bytes]] | None = None
    lists: frozenset[str] = frozenset()
    free: Mapping[str, str] = field(default_factory=dict)


AT = {"at": "{branch_name}"}
ON = {"branch": "{branch_name}"}
DOCUMENT = {"document_id": "{document}"}
ITEM = {"item": "{item}"}
LINK = {"link_id": "{link}"}
BRANCH = {"branch_id": "{branch}"}
BASELINE = {"baseline_id": "{baseline}"}
IMPORT = {"import_id": "{import}"}
JOB = {"job_id": "{job}"}
WEBHOOK = {"webhook_id": "{webhook}"}
FILE = {"file": ("x.jsonl", b"x")}
CHOICE = {"kind": "item", "id": "{item}", "field": "attributes", "choose": "ours"}
POSITION = {
    "document_id": "{document}",
    "parent_id": "{placement}",
    "before": None,
    "after": None,
}
OPERATION = {
    "op": "create",
    "kind": "placement",
    "id": "{new}",
    "fields": {"item_id": "{other}"},
    "position": POSITION,
}

EXAMPLES: Mapping[str, Example] = {
    "get_project": Example(),
    "update_project": Example(body={"description": "x"}),
    "list_baselines": Example(),
    "create_baseline": Example(body={"name": "mine", "ref": "{branch_name}"}),
    "get_baseline": Example(path=BASELINE),
    "export_baseline": Example(path=BASELINE),
    "list_branches": Example(),
    "create_branch": Example(body={"name": "mine-too", "ref": "{baseline_name}"}),
    "update_branch": Example(path=BRANCH, body={"protected": False}),
    "close_branch": Example(path=BRANCH, query={"discard": "true"}),
    "merge_branch": Example(path=BRANCH, body={"direction": "update", "resolutions": [CHOICE]}),
    "list_merge_jobs": Example(path=BRANCH),
    "preview_merge": Example(path=BRANCH, body={"direction": "update", "resolutions": [CHOICE]}),
    "list_commits": Example(query={"entity": "{item}", "branch": "{branch_name}"}),
    "commit": Example(query=ON, body={"base": 3, "message": "x", "operations": [OPERATION]}),
    "get_commit": Example(path={"seq": "3"}),
    "revert_commit": Example(path={"seq": "3"}),
    "compare": Example(query={"from": "{baseline_name}", "to": "{branch_name}"}),
    "list_documents": Example(query=AT),
    "create_document": Example(query=ON, body={"title": "x", "type_id": "{document_type}"}),
    "get_document": Example(path=DOCUMENT, query=AT),
    "update_document": Example(path=DOCUMENT, query=ON, body={"title": "y"}),
    "get_document_history": Example(path=DOCUMENT, query=AT),
    "get_outline": Example(path=DOCUMENT, query=AT),
    "get_rows": Example(path=DOCUMENT, query=AT),
    "export_reqif": Example(query=AT),
    "upload_file": Example(query=ON, files={"file": ("x.png", PNG)}),
    "get_file": Example(path={"sha256": "{sha256}", "name": "x.png"}),
    "find_in_document": Example(query={"document": "{document}", "q": "title", **AT}),
    "list_project_groups": Example(),
    "remove_project_group": Example(path={"group_id": "{group}"}),
    "put_project_group": Example(path={"group_id": "{group}"}, body={"role": "editor"}),
    "start_history_import": Example(files=FILE),
    "get_entity_history": Example(path={"entity_id": "{item}"}, query=AT),
    "list_imports": Example(),
    "start_import": Example(files={"file": ("x.reqif", b"<x/>")}),
    "get_import": Example(path=IMPORT),
    "cancel_import": Example(path=IMPORT),
    "commit_import": Example(path=IMPORT),
    "list_member_invitations": Example(),
    "invite_member": Example(body={"email": "new@example.org", "role": "viewer"}),
    "withdraw_member_invitation": Example(path={"invitation_id": "{invitation}"}),
    "list_items": Example(query={**AT, "cursor": "{item}"}, lists=frozenset({"cursor"})),
    "create_item": Example(query=ON, body={"type_id": "{type}", "position": POSITION}),
    "delete_item": Example(path=ITEM, query=ON),
    "get_item": Example(path=ITEM, query=AT),
    "update_item": Example(path=ITEM, query=ON, body={"type_id": "{type}"}),
    "blame_item": Example(path=ITEM, query={"attribute": "{attribute}", **AT}),
    "get_item_history": Example(path=ITEM, query=AT),
    "list_links": Example(path=ITEM, query=AT),
    "restore_item": Example(path=ITEM, query=ON, body={"at": "{baseline_name}"}),
    "create_link": Example(
        query=ON,
        body={"type_id": "{link_type}", "source_id": "{other}", "target_id": "{item}"},
    ),
    "delete_link": Example(path=LINK, query=ON),
    "update_link": Example(path=LINK, query=ON, body={"type_id": "{link_type}"}),
    "list_members": Example(),
    "remove_member": Example(path={"user_id": "{member}"}),
    "put_member": Example(
        path={"user_id": "{member}"},
        body={"role": "editor"},
        free={"user_id": "owners may make any account a member, whatever else it is in"},
    ),
    "list_restrictions": Example(),
    "put_restriction": Example(
        path={"entity_id": "{document}"}, body={"roles": ["editor"], "group_ids": ["{group}"]}
    ),
    "lift_restriction": Example(path={"entity_id": "{restricted}"}),
    "redact": Example(body={"entity_id": "{item}", "reason": "a leak"}),
    "redo": Example(query=ON),
    "undo": Example(query=ON),
    "get_undo": Example(query=ON),
    "resolve_ref": Example(query={"ref": "{branch_name}"}),
    "restore": Example(
        query=ON,
        body={"at": "{baseline_name}", "document_id": "{document}"},
        bodies=({"at": "3", "placement_id": "{placement}"}, {"at": "3", "item": "{item}"}),
    ),
    "preview_restore": Example(
        query=ON,
        body={"at": "{baseline_name}", "document_id": "{document}"},
        bodies=({"at": "3", "placement_id": "{placement}"}, {"at": "3", "item": "{item}"}),
    ),
    "get_schema": Example(query=AT),
    "list_audit_events": Example(query={"actor": "{member}"}, lists=frozenset({"actor"})),
    "export_audit_events": Example(query={"actor": "{member}"}, lists=frozenset({"actor"})),
    "get_audit_seal": Example(),
    "verify_audit": Example(),
    "verify_project": Example(),
    "start_export": Example(body={"format": "reqif", **AT}),
    "start_verification": Example(),
    "list_project_jobs": Example(),
    "get_job": Example(path=JOB),
    "cancel_job": Example(path=JOB),
    "retry_job": Example(path=JOB),
    "get_job_result": Example(path=JOB),
    "list_webhooks": Example(),
    "create_webhook": Example(body={"name": "x", "url": "http://127.0.0.1:1025/x"}),
    "update_webhook": Example(path=WEBHOOK, body={"name": "y"}),
    "delete_webhook": Example(path=WEBHOOK),
    "renew_webhook_secret": Example(path=WEBHOOK),
    "test_webhook": Example(path=WEBHOOK),
    "list_webhook_attempts": Example(path=WEBHOOK),
}
"""By operation id."""


def filled(value: Any, names: Mapping[str, str]) -> Any:
    """Return *value* with the name in braces of each of its texts replaced by what *names* says."""
    if isinstance(value, str):
        return NAME.sub(lambda found: names[found[1]], value)
    if isinstance(value, Mapping):
        return {key: filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    return value


TABLES: Mapping[str, str] = {
    "attachments": "get_file",
    "attribute_definitions": "blame_item",
    "baselines": "get_baseline",
    "branches": "update_branch",
    "commits": "compare",
    "documents": "get_document",
    "entities": "get_entity_history",
    "exchange_jobs": "get_import",
    "files": "get_file",
    "group_grants": "remove_project_group",
    "items": "get_item",
    "jobs": "get_job",
    "links": "update_link",
    "memberships": "remove_member",
    "placements": "preview_restore",
    "read_restrictions": "put_restriction",
    "ref_names": "resolve_ref",
    "types": "create_item",
    "webhook_attempts": "list_webhook_attempts",
    "webhooks": "update_webhook",
}
"""The operation whose foreign ids show that the rows of a table stay in their project."""

WITHOUT_DOOR: Mapping[str, str] = {
    "audit_checkpoints": "seals over events, which no operation names",
    "audit_events": "no operation takes the id of an event; lists are of one project",
    "audit_leaves": "as audit_checkpoints",
    "audit_unsealed": "as audit_checkpoints",
    "branch_bases": "reached through branches",
    "datatypes": "no operation takes the id of a datatype but commit, see test_isolation",
    "exchange_staged": "reached through exchange_jobs",
    "exchange_staged_files": "reached through exchange_jobs",
    "exchange_uploads": "reached through exchange_jobs",
    "job_results": "reached through jobs",
    "link_groups": "reached through exports of their project",
    "packages": "reached through exports of their project",
    "project_counters": "one row a project, never shown",
    "seal_buckets": "reached through baselines",
    "seals": "reached through baselines",
}
"""Tables whose rows no request can name, with what stands before them."""
