"""Branches: made in one row from any ref, renamed, protected, closed; and baselines, which are as cheap.

Each of these is a commit without content, so that hashes cover the names and where each branch begins.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository
from reqtrail.features.versioning.errors import (
    BranchClosed,
    BranchHasChildren,
    BranchNotMerged,
    BranchTooDeep,
    MergeImpossible,
    RefNameInvalid,
    RefNameTaken,
    RefNotFound,
)
from reqtrail.features.versioning.hashing import GENESIS
from reqtrail.features.versioning.repository import Counter
from reqtrail.features.versioning.service.refs import head_snapshot, reads_as_point, resolve_ref
from reqtrail.features.versioning.service.writer import (
    OpenCommit,
    Writer,
    check_writable,
)
from reqtrail.features.versioning.types import (
    MAIN,
    BaselineState,
    BranchState,
    CommitRequest,
    CommitResult,
    Snapshot,
)
from reqtrail.kit.ids import new_id

MAX_LEVELS = 8
"""So many branches may lie upon each other: a read looks at each of them."""

MAX_NAME = 100


async def create_branch(
    session: AsyncSession,
    project_id: UUID,
    author_id: UUID,
    name: str,
    from_ref: str | None = None,
) -> CommitResult:
    """Make a branch that reads as *from_ref* does (the head of main if None). Cost does not depend on the project.

    Raises:
        RefNameInvalid, RefNameTaken: If it cannot have that name.
        BranchClosed: If the ref lies on a branch that is closed.
        BranchTooDeep: If too many branches would lie upon each other.
        RefInvalid, RefNotFound, RefBeforeProject: If the ref names nothing.
    """
    counter = await _next(session, project_id)
    start = await _start(session, project_id, from_ref)
    name = await _free_name(session, project_id, name)
    branch_id = new_id()
    await repository.insert_branch(
        session,
        {
            "project_id": project_id,
            "branch_id": branch_id,
            "name": name,
            "created_seq": counter.seq,
            "head_seq": 0,
            "head_hash": GENESIS,
            "head_recorded_at": counter.recorded_at,
            "parent_id": start.branch_id,
            "synced_branch_id": start.branch_id,
            "synced_seq": start.seq,
            "merged_seq": counter.seq,
            "redacted_seq": start.redacted_seq,
        },
    )
    await repository.insert_base(session, project_id, branch_id, counter.seq, start.levels[0])
    await repository.insert_ref_name(session, project_id, name, branch_id)
    empty = Snapshot(
        *(project_id, branch_id, name, 0, counter.recorded_at, GENESIS, True),
        redacted_seq=start.redacted_seq,
    )
    request = CommitRequest(
        project_id,
        author_id,
        message=f"Branch “{name}”",
        branch=name,
        kind="branch",
        details={"name": name, "base": base_details(start)},
    )
    opened = OpenCommit(counter, empty)
    writer = Writer(session, request, opened, None, parents=(start.commit_hash,))
    return await writer.close((), below=start.levels)


async def _start(session: AsyncSession, project_id: UUID, from_ref: str | None) -> Snapshot:
    start = await resolve_ref(session, project_id, from_ref)
    parent = await find_branch(session, project_id, start.branch_id)
    if parent.state != "open":
        raise BranchClosed(
            f"“{parent.name}” is closed. Start the branch from an open one, such as {MAIN}."
        )
    if len(start.levels) >= MAX_LEVELS:
        raise BranchTooDeep(
            f"At most {MAX_LEVELS} branches may lie upon each other. Merge one of those below"
            " first."
        )
    return start


async def _next(session: AsyncSession, project_id: UUID) -> Counter:
    counter = await repository.take_sequence(session, project_id)
    if counter is None:
        raise RefNotFound("There is no such project.")
    return counter


def base_details(snapshot: Snapshot) -> dict[str, Any]:
    """Return how a commit records that *snapshot* lies below its branch from now on."""
    return {"branch": str(snapshot.branch_id), "seq": snapshot.seq}


async def rename_branch(
    session: AsyncSession, project_id: UUID, author_id: UUID, branch_id: UUID, name: str
) -> CommitResult:
    """Give an open branch another name; the old one goes on to lead to it.

    Raises:
        RefNameInvalid, RefNameTaken: If it cannot have that name, or is main.
        RefNotFound, BranchClosed: If there is no such branch, or it is closed.
    """
    opened, branch = await _open(session, project_id, branch_id)
    if branch.parent_id is None:
        raise RefNameInvalid(f"{MAIN} keeps its name.")
    name = await _free_name(session, project_id, name, branch.name)
    if name == branch.name:
        return await _give_back(session, opened)
    if name.casefold() != branch.name.casefold():
        await repository.insert_ref_name(session, project_id, name, branch_id)
    await repository.update_branch(session, project_id, [branch_id], name=name)
    return await _note(
        session,
        opened,
        author_id,
        "branch_renamed",
        f"Branch “{branch.name}” renamed to “{name}”",
        {"name": name},
    )


async def protect_branch(
    session: AsyncSession, project_id: UUID, author_id: UUID, branch_id: UUID, protected: bool
) -> CommitResult:
    """Let only owners commit to a branch, or everybody who may write again.

    Raises:
        RefNotFound, BranchClosed: If there is no such branch, or it is closed.
    """
    opened, branch = await _open(session, project_id, branch_id)
    if branch.is_protected == protected:
        return await _give_back(session, opened)
    await repository.update_branch(session, project_id, [branch_id], is_protected=protected)
    word = "protected" if protected else "no longer protected"
    return await _note(
        session,
        opened,
        author_id,
        "branch_protected",
        f"Branch “{branch.name}” {word}",
        {"protected": protected},
    )


async def close_branch(
    session: AsyncSession,
    project_id: UUID,
    author_id: UUID,
    branch_id: UUID,
    *,
    discard: bool = False,
    as_owner: bool = False,
) -> CommitResult:
    """Close a branch that is merged, or discard it with what was never merged. It can be read for ever.

    The children of a merged branch become children of its parent: what they see does not change, and their next
    merge takes the state that they had in common with the closed branch as its base.

    Raises:
        BranchNotMerged: If it has commits that its parent does not have, and shall not be discarded.
        BranchHasChildren: If open branches hang on a branch that shall be discarded.
        BranchProtected, BranchClosed, RefNotFound, MergeImpossible: If it cannot be closed at all.
    """
    opened, branch = await _open(session, project_id, branch_id, as_owner=as_owner)
    if branch.parent_id is None:
        raise MergeImpossible(f"{MAIN} cannot be closed.")
    children = await repository.children_of_branch(session, project_id, branch_id)
    state = await describe(session, branch)
    if discard and children:
        names = ", ".join(f"“{child.name}”" for child in children[:5])
        raise BranchHasChildren(f"Open branches hang on “{branch.name}”: {names}.")
    if not discard and state.ahead:
        raise BranchNotMerged(
            f"“{branch.name}” has {state.ahead} commits that its parent does not have. Merge it, or"
            " discard it."
        )
    word = "discarded" if discard else "merged"
    await repository.update_branch(session, project_id, [branch_id], state=word)
    moved = [child.branch_id for child in children]
    if moved:
        await repository.update_branch(session, project_id, moved, parent_id=branch.parent_id)
    return await _note(
        session,
        opened,
        author_id,
        "branch_closed",
        f"Branch “{branch.name}” {'discarded' if discard else 'closed'}",
        {"state": word, "children": sorted(str(child) for child in moved)},
    )


async def create_baseline(
    session: AsyncSession,
    project_id: UUID,
    author_id: UUID,
    name: str,
    ref: str | None = None,
    description: str = "",
) -> UUID:
    """Give the state at *ref* a name for good; return the id. Cost does not depend on the project.

    Raises:
        RefNameInvalid, RefNameTaken: If it cannot have that name.
        RefInvalid, RefNotFound, RefBeforeProject: If the ref names nothing.
    """
    counter = await _next(session, project_id)
    wanted = await resolve_ref(session, project_id, ref)
    name = await _free_name(session, project_id, name)
    branch = await find_branch(session, project_id, wanted.branch_id)
    head = await head_snapshot(session, project_id, branch)
    baseline_id = new_id()
    await repository.insert_ref_name(session, project_id, name, wanted.branch_id, baseline_id)
    await repository.insert_baseline(
        session,
        {
            "project_id": project_id,
            "baseline_id": baseline_id,
            "name": name,
            "description": description,
            "branch_id": wanted.branch_id,
            "seq": wanted.seq,
            "commit_hash": wanted.commit_hash,
            "made_seq": counter.seq,
        },
    )
    details = {
        "baseline": str(baseline_id),
        "name": name,
        "description": description,
        "seq": wanted.seq,
        "commit": wanted.commit_hash.hex(),
    }
    await _note(
        session, OpenCommit(counter, head), author_id, "baseline", f"Baseline “{name}”", details
    )
    return baseline_id


async def list_baselines(
    session: AsyncSession, project_id: UUID, baseline_id: UUID | None = None
) -> list[BaselineState]:
    """Return the baselines of a project, newest first, or the one with an id."""
    rows = await repository.load_baselines(session, project_id, baseline_id)
    made = await repository.load_commits(session, project_id, (row.made_seq for row in rows))
    branches = {
        row.branch_id: row.name for row in await repository.load_branches(session, project_id)
    }
    return [BaselineState(row, branches[row.branch_id], made[row.made_seq]) for row in rows]


async def list_branches(session: AsyncSession, project_id: UUID) -> list[BranchState]:
    """Return every branch of a project, the oldest first."""
    return [
        await describe(session, row) for row in await repository.load_branches(session, project_id)
    ]


async def describe(session: AsyncSession, branch: Row[Any]) -> BranchState:
    """Return a branch with what it has and its parent has not, and the other way round."""
    project_id, branch_id = branch.project_id, branch.branch_id
    if branch.parent_id is None:
        return BranchState(branch, None, 0, 0)
    levels = await repository.levels_below(session, project_id, branch_id, branch.head_seq)
    own = await repository.count_commits(session, project_id, branch_id, branch.merged_seq)
    ahead = sum(kind != "update" for _, kind, _ in own)
    base = levels[0]
    seen = base.seq if base.branch_id == branch.parent_id else branch.created_seq
    theirs = await repository.count_commits(session, project_id, branch.parent_id, seen)
    behind = sum(
        details.get("merge", {}).get("branch") != str(branch_id) for _, _, details in theirs
    )
    if branch.state != "open":
        return BranchState(branch, base, 0 if branch.state == "merged" else ahead, 0)
    return BranchState(branch, base, ahead, behind)


async def find_branch(session: AsyncSession, project_id: UUID, branch_id: UUID) -> Row[Any]:
    """Return a branch.

    Raises:
        RefNotFound: If the project has none with this id.
    """
    branch = await repository.load_branch_by_id(session, project_id, branch_id)
    if branch is None:
        raise RefNotFound("There is no such branch in this project.")
    return branch


async def _open(
    session: AsyncSession, project_id: UUID, branch_id: UUID, *, as_owner: bool = True
) -> tuple[OpenCommit, Row[Any]]:
    counter = await _next(session, project_id)
    branch = await find_branch(session, project_id, branch_id)
    check_writable(branch, as_owner=as_owner)
    return OpenCommit(counter, await head_snapshot(session, project_id, branch)), branch


async def _note(
    session: AsyncSession,
    opened: OpenCommit,
    author_id: UUID,
    kind: str,
    message: str,
    details: Mapping[str, Any],
) -> CommitResult:
    """Write a commit that changes no content."""
    head = opened.head
    request = CommitRequest(
        head.project_id, author_id, message=message, branch=head.branch, kind=kind, details=details
    )
    return await Writer(session, request, opened, None).close(())


async def _give_back(session: AsyncSession, opened: OpenCommit) -> CommitResult:
    head = opened.head
    await repository.give_back_sequence(session, head.project_id)
    return CommitResult(head.seq, head.commit_hash, head.recorded_at, False, (), {}, head)


async def _free_name(
    session: AsyncSession, project_id: UUID, name: str, own: str | None = None
) -> str:
    """Return *name* in its stored form.

    Raises:
        RefNameInvalid: If it is no name, or would be read as something else.
        RefNameTaken: If a branch or baseline other than *own* has, or had, it.
    """
    name = unicodedata.normalize("NFC", name).strip()
    if not name or len(name) > MAX_NAME:
        raise RefNameInvalid(f"A name has 1 to {MAX_NAME} characters.")
    if "@" in name or any(unicodedata.category(one)[0] in "CZ" and one != " " for one in name):
        raise RefNameInvalid("A name holds no “@”, no line break and no control character.")
    if reads_as_point(name):
        raise RefNameInvalid("A name that is a number or begins with a date would be read as one.")
    taken = await repository.load_ref_name(session, project_id, name)
    if taken is not None and name.casefold() != (own or "").casefold():
        raise RefNameTaken(
            f"“{name}” is, or was, the name of another branch or baseline. Names are given once."
        )
    return name
