"""Who wrote which word, by HTTP: through edits, branches, merges, undo and restores."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.features.requirements.book import Book, Json
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

Pieces = list[tuple[str, int]]


async def _write(book: Book, item: Json, branch: str = "main", **named: Any) -> int:
    """Change an item; return the sequence."""
    answer = await book.ask(
        "PATCH",
        f"/items/{item['key']}",
        params={"branch": branch},
        json={"attributes": book.values(**named)},
    )
    assert answer.status_code == 200, answer.text
    return int(answer.json()["ref"]["seq"])


async def _blame(book: Book, item: Json, attribute: str = "Title", **params: Any) -> Pieces:
    found = await book.get(f"/items/{item['key']}/blame", attribute=attribute, **params)
    return [(span["text"], span["seq"]) for span in found["spans"]]


async def _head(book: Book, at: str = "main") -> int:
    return int((await book.get("/refs/resolve", ref=at))["seq"])


async def _branch(book: Book, name: str) -> str:
    made = await book.ask("POST", "/branches", json={"name": name})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def _merge(book: Book, branch_id: str, direction: str, **body: Any) -> int:
    path = f"/branches/{branch_id}/merge"
    answer = await book.ask("POST", path, json={"direction": direction, **body})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["ref"]["seq"])


async def test_each_word_names_commit_author_and_time(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("the car brakes")
    first = await _head(book)
    editor = await world.member(book.key, "editor")
    answer = await editor.patch(
        f"/projects/{book.key}/items/{item['key']}",
        json={"attributes": book.values(Title="the car stops fast"), "message": "Say it shortly"},
    )
    second = answer.json()["ref"]["seq"]
    found = await book.get(f"/items/{item['key']}/blame", attribute=book.attribute("Title"))
    assert (found["key"], found["attribute"], found["ref"]["seq"]) == (
        *(item["key"], "Title"),
        second,
    )
    commits = {entry["seq"]: entry for entry in (await book.get("/commits"))["commits"]}
    assert [span["text"] for span in found["spans"]] == ["the car ", "stops fast"]
    for span, seq, client in zip(
        found["spans"], (first, second), (book.client, editor), strict=True
    ):
        assert span["seq"] == seq
        assert span["author"] == {
            "id": str(client.user.user_id),
            "display_name": client.user.display_name,
        }
        assert span["authored_at"] == commits[seq]["authored_at"]
        assert span["message"] == commits[seq]["message"]
    assert await _blame(book, item, at=first) == [("the car brakes", first)]


async def test_rich_text_counts_by_what_is_read(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("one")
    first = await _write(book, item, Text="<p>The car &amp; its <b>brakes</b></p><p>work</p>")
    await _write(book, item, Text="<p>The <i>car</i> &amp; its brakes</p><p>work</p>")
    third = await _write(book, item, Text="<p>The car &amp; its brakes</p><p>always work</p>")
    pieces = await _blame(book, item, "text")
    assert pieces == [("The car & its brakes\n", first), ("always ", third), ("work", first)]


async def test_a_merge_wrote_only_what_neither_side_brought(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("alpha beta gamma delta epsilon")
    first = await _head(book)
    branch = await _branch(book, "winter")
    there = await _write(book, item, "winter", Title="alpha beta gamma delta snow epsilon")
    here = await _write(book, item, Title="sun alpha beta gamma delta epsilon")
    merged = await _merge(book, branch, "merge")
    whole = [("sun ", here), ("alpha beta gamma delta ", first), ("snow ", there)]
    assert await _blame(book, item) == [*whole, ("epsilon", first)]
    assert merged not in {seq for _, seq in await _blame(book, item)}
    assert await _blame(book, item, at="winter") == [
        *(("alpha beta gamma delta ", first), ("snow ", there), ("epsilon", first)),
    ]
    await _merge(book, branch, "update")
    later = await _write(book, item, "winter", Title="sun alpha beta gamma delta snow ice epsilon")
    assert await _blame(book, item, at="winter") == [*whole, ("ice ", later), ("epsilon", first)]


async def test_a_chosen_word_is_its_writers_and_an_own_value_is_the_merges(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("stop within 50 m")
    first = await _head(book)
    branch = await _branch(book, "winter")
    there = await _write(book, item, "winter", Title="stop within 60 m")
    await _write(book, item, Title="stop within 40 m")
    place = {
        **{"kind": "item", "id": item["id"], "field": "attributes"},
        "field_key": book.attribute("Title"),
    }
    await _merge(book, branch, "update", resolutions=[{**place, "choose": "ours"}])
    assert await _blame(book, item, at="winter") == [
        *(("stop within ", first), ("60 ", there), ("m", first)),
    ]
    own = {**place, "choose": "value", "value": "stop within 55 m"}
    await _write(book, item, Title="stop within 45 m")
    merged = await _merge(book, branch, "merge", resolutions=[own])
    assert await _blame(book, item) == [
        *(("stop within ", first), ("55 ", merged), ("m", first)),
    ]


async def test_what_comes_back_is_its_first_authors(world: World) -> None:
    """After a deletion, an undo, a restore of one item and of a document."""
    book = await Book.make(world)
    item = await book.item("one two three")
    first = await _head(book)
    await _write(book, item, Title="all written anew")
    assert (await book.ask("POST", "/undo")).status_code == 201
    assert await _blame(book, item) == [("one two three", first)]
    added = await _write(book, item, Title="zero")
    body = {"at": str(first)}
    assert (await book.ask("POST", f"/items/{item['key']}/restore", json=body)).status_code == 200
    assert await _blame(book, item) == [("one two three", first)]
    assert await _blame(book, item, at=added) == [("zero", added)]
    place = item["placements"][0]["placement_id"]
    await book.done({"op": "delete", "kind": "placement", "id": place, "items": True})
    refused = await book.ask("GET", f"/items/{item['key']}/blame", params={"attribute": "Title"})
    assert (refused.status_code, refused.json()["code"]) == (404, "item_not_found")
    whole = {"at": str(added), "document_id": book.document}
    assert (await book.ask("POST", "/restore", json=whole)).status_code == 201
    assert await _blame(book, item) == [("zero", added)]


@pytest.mark.parametrize(
    ("item", "attribute", "at", "status", "code"),
    [
        ("own", "Nonsense", "main", 404, "attribute_not_found"),
        ("own", "00000000-0000-7000-8000-000000000000", "main", 404, "attribute_not_found"),
        ("own", "Status", "main", 422, "attribute_not_text"),
        ("own", "", "main", 422, "validation_failed"),
        ("own", "Title", "nowhere", 404, "ref_not_found"),
        ("own", "Title", "1", 404, "item_not_found"),
        ("NOPE-1", "Title", "main", 404, "item_not_found"),
    ],
)
async def test_refusals(
    world: World, item: str, attribute: str, at: str, status: int, code: str
) -> None:
    book = await Book.make(world)
    made = await book.item("one")
    key = made["key"] if item == "own" else item
    answer = await book.ask("GET", f"/items/{key}/blame", params={"attribute": attribute, "at": at})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


async def test_a_text_that_is_not_there_has_no_pieces_and_answers_are_kept(world: World) -> None:
    book = await Book.make(world)
    item = await book.item("one")
    assert await _blame(book, item, "Text") == []
    path = f"/items/{item['key']}/blame?attribute=Title"
    tag = (await book.ask("GET", path)).headers["etag"]
    again = await book.ask("GET", path, headers={"If-None-Match": tag})
    assert again.status_code == 304


class _Words:
    """Texts of words that are each written once, on several branches: so each has one author, whatever is merged."""

    def __init__(self, book: Book, item: Json, random: Random) -> None:
        self.book, self.item, self.random = book, item, random
        self.branches: dict[str, str] = {}
        self.written: dict[str, int] = {}

    async def step(self) -> None:
        """Write or take away a word, make a branch, or merge one either way."""
        branch = self.random.choice(["main", *self.branches])
        kind = self.random.choice(["write", "write", "write", "take", "branch", "merge", "update"])
        if kind == "branch" and len(self.branches) < 3:
            name = f"side{len(self.branches)}"
            body = {"name": name, "ref": branch}
            answer = await self.book.ask("POST", "/branches", json=body)
            assert answer.status_code == 201, answer.text
            self.branches[name] = answer.json()["id"]
        elif kind in {"merge", "update"} and branch != "main":
            await self._merge(self.branches[branch], kind)
        else:
            words = (await self._title(branch)).split()
            index = self.random.randrange(1, len(words) + 1)
            if kind == "take" and len(words) > 2:
                del words[index - 1 or 1]
                await _write(self.book, self.item, branch, Title=" ".join(words))
            else:
                word = f"w{len(self.written)}"
                words.insert(index, word)
                text = " ".join(words)
                self.written[word] = await _write(self.book, self.item, branch, Title=text)

    async def _merge(self, branch_id: str, direction: str) -> None:
        path, body = f"/branches/{branch_id}", {"direction": direction}
        preview = (await self.book.ask("POST", f"{path}/merge-preview", json=body)).json()
        side = self.random.choice(["ours", "theirs"])
        chosen = [
            {part: conflict[part] for part in ("kind", "id", "field", "field_key")}
            | {"choose": side}
            for conflict in preview["conflicts"]
        ]
        await _merge(self.book, branch_id, direction, resolutions=chosen)

    async def _title(self, at: str) -> str:
        item = (await self.book.get(f"/items/{self.item['key']}", at=at))["item"]
        return str(item["attributes"][self.book.attribute("Title")])

    async def check(self) -> None:
        """Each word of each branch is the commit's that wrote it."""
        for branch in ("main", *self.branches):
            pieces = await _blame(self.book, self.item, at=branch)
            assert "".join(text for text, _ in pieces) == await self._title(branch)
            for text, seq in pieces:
                for word in text.split():
                    assert self.written[word] == seq, (word, pieces)


@pytest.mark.parametrize("seed", range(4))
async def test_each_word_has_the_author_that_wrote_it_whatever_was_merged(
    world: World, seed: int
) -> None:
    book = await Book.make(world)
    item = await book.item("START")
    words = _Words(book, item, Random(seed))
    words.written["START"] = await _head(book)
    for _ in range(40):
        await words.step()
    await words.check()
    assert len(words.branches) == 3 and len(words.written) > 10
