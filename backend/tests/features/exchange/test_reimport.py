"""Importing a file again: what the file changed is updated, nothing is doubled, nothing written here is lost unsaid."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from reqtrail.features.exchange.reqif.canonical import canonical
from tests.features.exchange.sample import sample
from tests.features.exchange.trade import Trade, members
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


class Again(Trade):
    """A project with the sample file in it."""

    @classmethod
    async def start(cls, world: World, **changes: Any) -> Again:
        """Make the project and import the sample."""
        made = await cls.make(world)
        again = cls(world, made.client, made.key)
        job = await again.bring(sample(**changes))
        assert job["state"] == "done", job["error"]
        return again

    async def rows(self) -> list[dict[str, Any]]:
        """Return the rows of the document."""
        documents = (await self.get("/documents"))["documents"]
        assert len(documents) == 1
        return list((await self.get(f"/documents/{documents[0]['id']}/rows"))["rows"])

    async def texts(self) -> str:
        """Return the plain texts of the rows, in order, one a line."""
        return "\n".join(row["item"]["title"] for row in await self.rows())

    async def attribute(self, name: str) -> str:
        """Return the id of an attribute of the imported type."""
        schema = await self.get("/schema")
        return next(
            str(item["id"])
            for kind in schema["types"]
            for item in kind["attributes"]
            if item["name"] == name
            and any(other["name"] == "ReqIF.Text" for other in kind["attributes"])
        )

    async def edit(self, position: int, text: str) -> None:
        """Write another text into the item of a row."""
        row = (await self.rows())[position]
        attribute = await self.attribute("ReqIF.Text")
        fields = {"attributes": {attribute: f"<p>{text}</p>"}}
        await self.write(
            {"op": "update", "kind": "item", "id": row["item"]["id"], "fields": fields}
        )

    async def move_last_to_front(self) -> None:
        """Move the last row to the front."""
        document = (await self.get("/documents"))["documents"][0]["id"]
        row = (await self.rows())[-1]
        position = {"document_id": document, "first": True}
        await self.write(
            {"op": "move", "kind": "placement", "id": row["placement_id"], "position": position}
        )


def outcome(job: dict[str, Any]) -> tuple[int, int, int]:
    """Return what an import created, updated and deleted."""
    assert job["state"] == "done", job["error"]
    counts = job["counts"]
    return counts["created"], counts["updated"], counts["deleted"]


async def test_the_same_file_changes_nothing(world: World) -> None:
    """Neither right away nor after edits, which stay, does the same file write anything."""
    again = await Again.start(world)
    head = await again.head()
    assert outcome(await again.bring(sample())) == (0, 0, 0)
    assert await again.head() == head
    await again.edit(0, "Written here.")
    await again.move_last_to_front()
    head = await again.head()
    assert outcome(await again.bring(sample())) == (0, 0, 0)
    assert await again.head() == head
    assert (await again.texts()).splitlines()[1] == "Written here."


async def test_a_new_state_of_the_file_updates_what_changed(world: World) -> None:
    """A text, a value, an object inserted and an order are updated; the export then equals the new file."""
    again = await Again.start(world)
    new = sample(order="Adbca", texts={"b": "Quite new."}, status={"c": "done"})
    created, updated, deleted = outcome(await again.bring(new))
    assert (created, deleted) == (2, 0)
    assert updated == 4  # two items, two placements that left the order of the others
    assert canonical(await again.fetch()) == canonical(new)
    letters = [title.replace("Text of ", "")[:1] for title in (await again.texts()).splitlines()]
    assert letters == ["A", "d", "Q", "c", "a"]


async def test_an_insertion_moves_nothing_else(world: World) -> None:
    """An object at the front is two new entities, and no sibling gets another rank."""
    again = await Again.start(world)
    assert outcome(await again.bring(sample(order="Aabcd"))) == (2, 0, 0)


async def test_both_sides_are_merged(world: World) -> None:
    """Edits of different things stand side by side; of the same thing the file's stands, and that is said."""
    again = await Again.start(world)
    await again.edit(0, "Written here.")
    job = await again.bring(sample(texts={"b": "From the file."}, status={"a": "done"}))
    assert outcome(job) == (0, 2, 0)
    assert job["losses"] == []
    assert (await again.texts()).splitlines()[:2] == ["Written here.", "From the file."]
    # The next state of the file says of the text what the last one said: what was written here still stands.
    job = await again.bring(sample(texts={"b": "Once more."}, status={"a": "done"}))
    assert outcome(job) == (0, 1, 0)
    assert (await again.texts()).splitlines()[:2] == ["Written here.", "Once more."]
    job = await again.bring(sample(texts={"a": "Against it.", "b": "Once more."}), mode="dry_run")
    assert [loss["code"] for loss in job["losses"]] == ["edited_on_both_sides"]
    assert job["losses"][0]["examples"] == [(await again.rows())[0]["item"]["key"]]
    job = await again.bring(sample(texts={"a": "Against it.", "b": "Once more."}))
    assert (await again.texts()).splitlines()[:2] == ["Against it.", "Once more."]
    history = await again.get(f"/items/{(await again.rows())[0]['item']['key']}/history")
    assert "Written here." in str(history)


async def test_what_the_file_holds_no_more_goes(world: World) -> None:
    """Its placement and its links go with an object; it can be restored; what the project built on stays."""
    again = await Again.start(world)
    rows = await again.rows()
    types = (await again.get("/schema"))["types"]
    own = next(kind["id"] for kind in types if kind["name"] == "relates to")
    await again.write(
        {
            "op": "create",
            "kind": "link",
            "fields": {
                "source_id": rows[0]["item"]["id"],
                "target_id": rows[2]["item"]["id"],
                "type_id": own,
            },
        }
    )
    new = sample(order="ab", links="ab")
    job = await again.bring(new, mode="dry_run")
    assert (
        job["counts"]["deleted"] == 4
    )  # the placements of c and d, the item d, the link from b to c
    assert [loss["code"] for loss in job["losses"]] == ["gone_but_in_use"]
    job = await again.bring(new)
    assert job["counts"]["deleted"] == 4
    assert len(await again.rows()) == 2
    deleted = (await again.get("/items", state="deleted"))["items"]
    unplaced = (await again.get("/items", state="unplaced"))["items"]
    assert [item["key"] for item in deleted] == [rows[3]["item"]["key"]]
    assert [item["key"] for item in unplaced] == [rows[2]["item"]["key"]]
    assert outcome(await again.bring(sample(order="abd", links="ab")))[0] == 0
    assert len(await again.rows()) == 3
    assert (await again.rows())[2]["item"]["key"] == rows[3]["item"]["key"]


async def test_two_files_do_not_touch_each_other(world: World) -> None:
    """A second file with other specifications is added; both leave again as they came, in one archive."""
    again = await Again.start(world)
    other = _other_file()
    assert outcome(await again.bring(other))[2] == 0
    assert len((await again.get("/documents"))["documents"]) == 2
    answer = await again.client.get(
        f"/projects/{again.key}/exports/reqif", params={"format": "reqif"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "export_needs_archive")
    files = members(await again.fetch(format="reqifz"))
    assert sorted(canonical(data) for data in files.values()) == sorted(
        [canonical(sample()), canonical(other)]
    )


def _archive(data: bytes, picture: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("spec.reqif", data)
        archive.writestr("image.png", picture)
    return target.getvalue()


async def test_attachments_of_two_suppliers_are_not_mixed_up(world: World) -> None:
    """Both send an ``image.png``: neither text shows the other's, that is said, and each leaves with its own."""
    picture = '<xhtml:object data="image.png" type="image/png">a picture</xhtml:object>'
    first, second = sample(texts={"a": picture}), _other_file(texts={"a": picture})
    again = Again(world, *(await _client_and_key(world)))
    ours, theirs = b"\x89PNG\r\n\x1a\nfirst", b"\x89PNG\r\n\x1a\nsecond"
    job = await again.bring(_archive(first, ours), "first.reqifz")
    assert (job["state"], job["losses"]) == ("done", [])
    assert "<img" in (await again.rows())[0]["item"]["text"]
    job = await again.bring(_archive(second, theirs), "second.reqifz")
    assert (job["state"], [loss["code"] for loss in job["losses"]]) == (
        "done",
        ["attachment_name_shared"],
    )
    for document in (await again.get("/documents"))["documents"]:
        rows = (await again.get(f"/documents/{document['id']}/rows"))["rows"]
        assert "<img" not in rows[0]["item"]["text"]
        assert "a picture" in rows[0]["item"]["text"]
    exported = await again.fetch(format="reqifz")
    files = members(exported)
    assert sorted(files) == ["1/image.png", "1/spec.reqif", "2/image.png", "2/spec.reqif"]
    pairs = {files[f"{number}/image.png"]: files[f"{number}/spec.reqif"] for number in (1, 2)}
    assert canonical(pairs[ours]) == canonical(first)
    assert canonical(pairs[theirs]) == canonical(second)
    elsewhere = await Trade.make(world)
    assert (await elsewhere.bring(exported, "both.reqifz"))["state"] == "done"
    assert sorted(members(await elsewhere.fetch(format="reqifz"))) == sorted(files)


async def _client_and_key(world: World) -> tuple[Any, str]:
    made = await Trade.make(world)
    return made.client, made.key


def _other_file(**changes: Any) -> bytes:
    """Return the sample as another supplier would have made it: everything has another identifier."""
    data = sample(title="Door control", **changes)
    for ours, theirs in ((b'"s-1"', b'"s-2"'), (b"o-", b"p-"), (b"h-", b"i-"), (b"r-", b"q-")):
        data = data.replace(ours, theirs)
    return data
