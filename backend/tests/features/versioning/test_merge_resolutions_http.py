"""Resolutions of a merge by HTTP: a side, words piece by piece, a value of one's own; and what each refuses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.features.requirements.book import Book, Json
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

RICH = "<p>The pump shall stop within <b>12</b> ms of a signal.</p>"


class Forked:
    """A book with one item that main and the branch ``work`` both changed."""

    def __init__(self, book: Book, item: Json, branch: str) -> None:
        self.book, self.item, self.branch = book, item, branch

    @classmethod
    async def make(cls, world: World, name: str, *sides: str) -> Forked:
        """Give the item's attribute *name* the first of *sides*, on the branch the second and on main the third."""
        book = await Book.make(world)
        base, ours, theirs = (
            {name: side if name == "Text" else [book.choice(name, side)]} for side in sides
        )
        item = await book.item("one")
        await book.done(_edit(book, item, base))
        made = await book.ask("POST", "/branches", json={"name": "work"})
        assert made.status_code == 201, made.text
        body = {"operations": [_edit(book, item, ours)]}
        answer = await book.ask("POST", "/commits", params={"branch": "work"}, json=body)
        assert answer.status_code == 201, answer.text
        await book.done(_edit(book, item, theirs))
        return cls(book, item, made.json()["id"])

    async def preview(self, *resolutions: Json, status: int = 200) -> Json:
        """Ask what an update would do."""
        body = {"direction": "update", "resolutions": list(resolutions)}
        path = f"/branches/{self.branch}/merge-preview"
        answer = await self.book.ask("POST", path, json=body)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    async def update(self, *resolutions: Json, status: int = 201) -> Json:
        """Update the branch."""
        body = {"direction": "update", "resolutions": list(resolutions)}
        path = f"/branches/{self.branch}/merge"
        answer = await self.book.ask("POST", path, json=body)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    def resolution(self, name: str, **how: Any) -> Json:
        """Return a resolution for one attribute."""
        place = {"kind": "item", "id": self.item["id"], "field": "attributes"}
        return {**place, "field_key": self.book.attribute(name), **how}

    async def value(self, name: str) -> Any:
        """Return what the branch holds now."""
        shown = await self.book.get(f"/items/{self.item['key']}", at="work")
        return shown["item"]["attributes"][self.book.attribute(name)]


def _edit(book: Book, item: Json, named: Json) -> Json:
    fields = {"attributes": book.values(**named)}
    return {"op": "update", "kind": "item", "id": item["id"], "fields": fields}


async def _rich(world: World) -> Forked:
    ours, theirs = RICH.replace("12", "15"), RICH.replace("12", "10").replace("signal", "command")
    return await Forked.make(world, "Text", RICH, ours, theirs)


async def test_a_text_is_offered_piece_by_piece(world: World) -> None:
    """The preview parts what is merged from what has to be chosen; nothing is written by looking."""
    forked = await _rich(world)
    (conflict,) = (await forked.preview())["conflicts"]
    assert conflict["open"]
    disputed = [piece for piece in conflict["pieces"] if piece["text"] is None]
    assert [(one["base"], one["ours"], one["theirs"]) for one in disputed] == [("12", "15", "10")]
    assert "".join(one["text"] or "…" for one in conflict["pieces"]).strip() == (
        "The pump shall stop within … ms of a command."
    )
    assert "15" in await forked.value("Text")


@pytest.mark.parametrize(("choice", "number"), [("ours", "15"), ("theirs", "10"), ("base", "12")])
async def test_words_are_chosen(world: World, choice: str, number: str) -> None:
    """The choice is one word; the marks around it and the other side's other words stay."""
    forked = await _rich(world)
    chosen = forked.resolution("Text", choose="words", words=[choice])
    (conflict,) = (await forked.preview(chosen))["conflicts"]
    assert (conflict["open"], conflict["chosen"], conflict["words"]) == (False, "words", [choice])
    await forked.update(chosen)
    assert f"<b>{number}</b> ms of a command." in await forked.value("Text")


async def test_a_value_of_ones_own_is_cleaned_like_any_other(world: World) -> None:
    """It is the editor's HTML: active content is left out."""
    forked = await _rich(world)
    value = "<p>The pump shall stop at once.</p><script>alert(1)</script>"
    await forked.update(forked.resolution("Text", choose="value", value=value))
    shown = await forked.value("Text")
    assert "at once" in shown and "alert" not in shown


async def test_a_value_of_ones_own_has_to_fit_its_datatype(world: World) -> None:
    """A choice of an enumeration takes its values only."""
    forked = await Forked.make(world, "Priority", "Could", "Should", "Must")
    refused = await forked.preview(
        forked.resolution("Priority", choose="value", value=["nonsense"]), status=422
    )
    assert refused["code"] == "value_invalid"
    (conflict,) = (await forked.preview())["conflicts"]
    assert conflict["pieces"] is None
    await forked.update(forked.resolution("Priority", choose="value", value=None))
    assert (
        forked.book.attribute("Priority")
        not in (await forked.book.get(f"/items/{forked.item['key']}", at="work"))["item"][
            "attributes"
        ]
    )


@pytest.mark.parametrize(
    "how",
    [
        {"choose": "words", "words": []},
        {"choose": "words", "words": ["ours", "theirs"]},
    ],
)
async def test_choices_that_do_not_fit_write_nothing(world: World, how: Json) -> None:
    """One choice for each piece."""
    forked = await _rich(world)
    refused = await forked.update(forked.resolution("Text", **how), status=422)
    assert refused["code"] == "resolution_invalid"
    assert refused["detail"].startswith("1 piece is to be chosen, not ")
    assert "15" in await forked.value("Text")


async def test_words_of_what_is_no_text_are_refused(world: World) -> None:
    """An enumeration has no words."""
    forked = await Forked.make(world, "Priority", "Could", "Should", "Must")
    refused = await forked.update(
        forked.resolution("Priority", choose="words", words=["ours"]), status=422
    )
    assert refused["code"] == "resolution_invalid"
    assert refused["detail"] == "This value does not merge by word: choose one side of it."


async def test_a_resolution_for_what_is_no_conflict_is_refused(world: World) -> None:
    """Naming something else than a conflict changes nothing."""
    forked = await _rich(world)
    refused = await forked.update(forked.resolution("Title", choose="ours"), status=422)
    assert refused["code"] == "resolution_invalid"
