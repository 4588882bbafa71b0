"""Redaction: content goes for good, the history stays whole, and nothing serves or needs what is gone."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from reqtrail.features.versioning.errors import (
    ContentRedacted,
    MergeConflict,
    NothingToRedact,
    ResolutionInvalid,
    RevisionNotFound,
    RevisionShown,
)
from reqtrail.features.versioning.public import Problem, diff, history, revert, verify
from reqtrail.features.versioning.service import branches, merging
from reqtrail.features.versioning.service.merge_plan import preview
from reqtrail.features.versioning.service.three_way import Resolution
from tests.factories.engine import Bench, BenchProject, create, delete, restore, update

pytestmark = pytest.mark.anyio

SECRET = "hunter2 & more"


async def _leaked(project: BenchProject) -> tuple[UUID, int, int]:
    """Return an item whose second version holds a secret that the third one took out again, and the two commits."""
    item = await project.create_item({"a": "harmless"})
    leaked = (await project.edit_item(item, {"a": f"password {SECRET}"})).seq
    mended = (await project.edit_item(item, {"a": "password removed"})).seq
    return item, leaked, mended


async def _branch(project: BenchProject, name: str, ref: int | str | None = None) -> UUID:
    async with project.database.session() as session:
        result = await branches.create_branch(
            session, project.project_id, project.author_id, name, None if ref is None else str(ref)
        )
    return result.snapshot.branch_id


async def _stored(project: BenchProject, wanted: str) -> int:
    """Return how many rows of items hold a text, anywhere in them."""
    async with project.database.read_session() as session:
        found: int = await session.scalar(
            text("SELECT count(*) FROM items WHERE project_id = :p AND items::text LIKE :w"),
            {"p": project.project_id, "w": f"%{wanted}%"},
        )
    return found


async def test_the_content_goes_and_everything_else_stays(project: BenchProject) -> None:
    """No row holds it any more; other versions read as before; verification says what was redacted."""
    item, leaked, mended = await _leaked(project)
    result = await project.redact(item, leaked)
    assert await _stored(project, "hunter2") == 0
    state = await project.state("item", item, leaked)
    assert state is not None and state.redacted and state.content["attributes"] == {}
    assert await project.attributes(item, leaked - 1) == {"a": "harmless"}
    assert await project.attributes(item) == {"a": "password removed"}
    report = await project.verify()
    assert report.problems == [] and report.counts["redacted"] == 1
    (redacted,) = report.redacted
    assert (redacted.entity_id, redacted.seq, redacted.commit.seq) == (item, leaked, result.seq)
    assert redacted.commit.message == "A secret"


async def test_all_past_versions_but_what_is_shown(project: BenchProject) -> None:
    """On every branch: what an open branch shows stays, the rest goes, that of closed branches too."""
    item, leaked, mended = await _leaked(project)
    old = await _branch(project, "old", leaked)
    await _branch(project, "gone", leaked)
    await project.commit(update("item", item, attributes={"a": SECRET}), branch="gone")
    async with project.database.session() as session:
        gone = await session.scalar(
            text("SELECT branch_id FROM branches WHERE project_id = :p AND name = 'gone'"),
            {"p": project.project_id},
        )
        await branches.close_branch(
            session, project.project_id, project.author_id, gone, discard=True
        )
    await project.redact(item)
    assert await project.attributes(item, "old") == {"a": f"password {SECRET}"}
    assert await _stored(project, "hunter2") == 1
    async with project.database.session() as session:
        await merging.merge(session, project.project_id, project.author_id, old, "update")
    await project.redact(item)
    assert await _stored(project, "hunter2") == 0
    assert (await project.verify()).problems == []


async def test_only_what_holds_a_text(project: BenchProject) -> None:
    """As stored or as read; marks and entities of rich text do not hide it."""
    item = await project.create_item({"a": "harmless"})
    await project.edit_item(item, {"a": "<div>hun<b>ter2</b> &amp; more</div>"})
    await project.edit_item(item, {"a": "other"})
    await project.edit_item(item, {"a": "now"})
    await project.redact(item, holding=SECRET)
    assert (await project.verify()).counts["redacted"] == 1
    assert await project.attributes(item, 4) == {"a": "other"}
    with pytest.raises(NothingToRedact):
        await project.redact(item, holding=SECRET)


async def test_what_is_shown_is_refused_by_name(project: BenchProject) -> None:
    """With the branch that shows it, also through its base; an unknown version and an empty choice have their own."""
    item, leaked, mended = await _leaked(project)
    await _branch(project, "old", leaked)
    newest = (await project.at("old")).seq
    with pytest.raises(RevisionShown, match="“old” shows"):
        await project.redact(item, leaked)
    with pytest.raises(RevisionShown, match="“main” shows"):
        await project.redact(item, mended)
    with pytest.raises(RevisionShown):
        await project.redact(item, holding="hunter2")
    with pytest.raises(RevisionNotFound):
        await project.redact(item, 1)
    other = await project.create_item({"a": "x"})
    with pytest.raises(NothingToRedact):
        await project.redact(other)
    assert (await project.at()).seq == newest + 1, "a refusal writes nothing"


async def test_a_deleted_thing_can_be_redacted_whole(project: BenchProject) -> None:
    """A deletion keeps the content for a restore: that goes too, and the restore says so."""
    item, *_ = await _leaked(project)
    await project.commit(delete("item", item))
    await project.redact(item)
    assert await _stored(project, "password") == 0
    assert (await project.verify()).problems == []
    with pytest.raises(ContentRedacted):
        await project.commit(restore("item", item, None))


async def test_nothing_is_made_from_what_is_gone(project: BenchProject) -> None:
    """Restore, undo, and an edit that somebody began on it: each is refused, and nothing written."""
    item, leaked, mended = await _leaked(project)
    result = await project.redact(item, leaked)
    for attempt in (
        project.commit(restore("item", item, leaked)),
        project.edit_item(item, {"a": "typed since"}, base=leaked),
        _revert(project, leaked),
        _revert(project, mended),
        _revert(project, result.seq),
    ):
        with pytest.raises(ContentRedacted):
            await attempt
    assert (await project.at()).seq == result.seq
    await project.commit(restore("item", item, leaked - 1))
    assert await project.attributes(item) == {"a": "harmless"}


async def test_an_empty_version_replaces_a_redacted_one(project: BenchProject) -> None:
    """What is gone looks empty, but is not: restoring an empty version upon it is a change."""
    item = await project.create_item({})
    leaked = (await project.edit_item(item, {"a": SECRET})).seq
    await project.edit_item(item, {"a": None})
    await project.redact(item, leaked)
    await _branch(project, "old", leaked)
    shown = await project.state("item", item, "old")
    assert shown is not None and shown.redacted
    result = await project.commit(restore("item", item, leaked - 1), branch="old")
    state = await project.state("item", item, "old")
    assert state is not None and not state.redacted and state.seq_from == result.seq
    assert state.content["attributes"] == {}
    assert (await project.verify()).problems == []


async def _revert(project: BenchProject, seq: int) -> None:
    async with project.database.session() as session:
        await revert(session, project.project_id, seq, project.author_id)


async def test_history_and_differences_say_redacted(project: BenchProject) -> None:
    """Neither an empty text nor silence: two versions that are both gone still differ."""
    item, leaked, mended = await _leaked(project)
    again = (await project.edit_item(item, {"a": f"{SECRET} again"})).seq
    await project.edit_item(item, {"a": "clean"})
    await project.redact(item)
    async with project.database.read_session() as session:
        entries = await history(session, await project.at(), item)
        assert [entry.commit.seq for entry in entries] == [again + 1, again, mended, leaked, 2]
        assert [entry.redacted_after for entry in entries] == [None, again, mended, leaked, 2]
        (change,) = await diff(session, await project.at(leaked), await project.at(again))
        assert (change.redacted_before, change.redacted_after) == (leaked, again)
        assert change.change == "changed"


async def test_a_merge_with_a_redacted_base_asks_for_every_difference(
    project: BenchProject,
) -> None:
    """Nobody knows which side changed what: a side or a value is chosen, never the base and no words."""
    item = await project.create_item({"a": SECRET, "b": "same"})
    branch = await _branch(project, "work")
    await project.commit(update("item", item, attributes={"a": "ours"}), branch="work")
    await project.edit_item(item, {"a": "theirs"})
    await project.redact(item)
    async with project.database.read_session() as session:
        plan = await preview(session, project.project_id, branch, "merge")
        (conflict,) = plan.open_conflicts
        assert conflict.base_redacted and (conflict.field, conflict.field_key) == (
            "attributes",
            "a",
        )
        assert (conflict.base, conflict.ours, conflict.theirs) == (None, "theirs", "ours")
        with pytest.raises(ResolutionInvalid, match="redacted"):
            wrong = Resolution("item", item, "attributes", "a", "base")
            await preview(session, project.project_id, branch, "merge", [wrong])
    with pytest.raises(MergeConflict):
        async with project.database.session() as session:
            await merging.merge(session, project.project_id, project.author_id, branch, "merge")
    right = Resolution("item", item, "attributes", "a", "theirs")
    async with project.database.session() as session:
        await merging.merge(
            *(session, project.project_id, project.author_id, branch, "merge"), resolutions=[right]
        )
    assert await project.attributes(item) == {"a": "ours", "b": "same"}
    assert (await project.verify()).problems == []


FORGERIES = [
    (
        "UPDATE items SET salt = NULL, attributes = '{}' WHERE project_id = :p AND seq_from = :m",
        "no redaction took it away",
    ),
    (
        'UPDATE items SET attributes = \'{"a": "made up"}\' WHERE project_id = :p AND seq_from = :l',
        "What its redaction left was changed",
    ),
    (
        "UPDATE items SET type_id = gen_random_uuid() WHERE project_id = :p AND seq_from = :l",
        "What its redaction left was changed",
    ),
    (
        "UPDATE items SET salt = '\\x00' WHERE project_id = :p AND seq_from = :l",
        "took the content away, but it is there",
    ),
    (
        "UPDATE items SET content_hash = sha256(content_hash)"
        " WHERE project_id = :p AND seq_from = :l",
        "not the one that its redaction kept",
    ),
    (
        'UPDATE items SET attributes = \'{"a": "q"}\' WHERE project_id = :p AND seq_from = :m',
        "does not match its hash",
    ),
    ("UPDATE commits SET message = 'x' WHERE kind = 'redaction' AND project_id = :p", "content"),
    ("UPDATE branches SET redacted_seq = 0 WHERE project_id = :p", "was changed"),
]


@pytest.mark.parametrize(("statement", "said"), FORGERIES)
async def test_verification_tells_redactions_from_forgeries(
    bench: Bench, statement: str, said: str
) -> None:
    """A content that is gone without a commit, what was put in its place, and changes elsewhere: each is named."""
    project = await bench.project()
    item, leaked, mended = await _leaked(project)
    await project.redact(item, leaked)
    async with project.owner.session() as session:
        async with session.begin_nested() as undone:
            values = {"p": project.project_id, "l": leaked, "m": mended}
            used = {name: value for name, value in values.items() if f":{name}" in statement}
            changed = await session.execute(text(statement), used)
            report = await verify(session, project.project_id)
            await undone.rollback()
    assert changed.rowcount > 0  # type: ignore[attr-defined]
    assert any(said in problem.detail for problem in report.problems), report.problems
    assert (await project.verify()).ok


async def test_a_new_kind_of_thing_has_rules_too(project: BenchProject) -> None:
    """Documents keep their place and lose their title."""
    document = (await project.commit(create("document", _ID, title="Secret project"))).seq
    await project.commit(update("document", _ID, title="Public project"))
    await project.redact(_ID)
    state = await project.state("document", _ID, document)
    assert state is not None and state.redacted
    assert (state.content["title"], state.content["rank"]) == ("", "V")
    found: list[Problem] = (await project.verify()).problems
    assert found == []


_ID = UUID("018f0000-0000-7000-8000-00000000d0c5")
