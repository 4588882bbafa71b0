"""Seals: right at every ref and on every branch, incremental, and taken up again where a process died."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest
from sqlalchemy import text

from reqtrail.features.versioning.sealing import (
    NotSealed,
    SealState,
    jobs,
    proof,
    repository,
    request_seal,
    run_pending_seals,
    seal_state,
)
from reqtrail.features.versioning.sealing.building import build
from reqtrail.features.versioning.sealing.forms import BUCKETS
from reqtrail.features.versioning.service import branches, merging
from reqtrail.features.versioning.service.merge_plan import UPDATE
from reqtrail.kit.ids import new_id
from tests.factories.engine import Bench, BenchProject, create, delete, restore, update
from tests.features.versioning.sealing.sealed import (
    baseline,
    plain_seal,
    populated,
    sealed,
    some_ids,
    state,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("nothing_waits")]
EXPIRED = timedelta(seconds=-1)


async def test_a_seal_is_the_root_over_everything_visible(bench: Bench) -> None:
    """At the head and in the past, as the documentation says it is computed."""
    project = await populated(bench)
    for ref in ("main", "3", "1"):
        snapshot = await project.at(ref)
        seal = await sealed(project, snapshot)
        assert seal.state is SealState.SEALED and seal.commit_hash == snapshot.commit_hash
        assert (seal.root, seal.leaf_count) == await plain_seal(project, ref)
        assert seal.next_bucket == BUCKETS and seal.finished_at is not None


@pytest.mark.parametrize("together", [1, 3, 100_000])
async def test_a_large_commit_is_checked_in_parts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    """What a commit wrote has the digest that its hash covers, however many parts it is read in."""
    monkeypatch.setattr(repository, "_JOINED_CHANGES", together)
    project = await populated(bench, items=30)
    assert (await sealed(project, await project.at(3))).state is SealState.SEALED


async def test_an_empty_project_has_a_seal(project: BenchProject) -> None:
    seal = await sealed(project, await project.at())
    assert (seal.root, seal.leaf_count) == await plain_seal(project, "main")
    assert seal.leaf_count == 0


async def test_what_happens_later_changes_no_seal(bench: Bench) -> None:
    """A baseline asked for before, and sealed after, further commits has the root that it had."""
    project = await populated(bench)
    root, _ = await plain_seal(project, "main")
    snapshot = await baseline(project, "1.0")
    for item in await some_ids(project, "item", snapshot):
        await project.edit_item(item, {"a": "later"})
    await run_pending_seals(project.database)
    assert (await state(project, snapshot)).root == root


async def test_later_seals_hash_only_what_was_touched(bench: Bench) -> None:
    """Random edits between seals, also of branches and after updates: equal to a seal made from nothing."""
    chance = random.Random(5)
    project = await populated(bench, items=400)
    first = await sealed(project, await project.at())
    async with project.database.session() as session:
        made = await branches.create_branch(
            session, project.project_id, project.author_id, "work", "main"
        )
    work = made.snapshot.branch_id
    for step in range(10):
        branch = chance.choice(["main", "work"])
        ids = await some_ids(project, "item", await project.at(branch))
        one, two, three = chance.sample(ids, 3)
        await project.commit(
            update("item", one, attributes={"a": f"step {step}"}),
            create("item", new_id(), attributes={"a": "new"}),
            branch=branch,
        )
        await project.commit(delete("item", two), branch=branch)
        gone = await project.commit(delete("item", three), branch=branch)
        await project.commit(restore("item", three, gone.seq - 1), branch=branch)
        if step % 3 == 2:
            async with project.database.session() as session:
                await merging.merge(session, project.project_id, project.author_id, work, UPDATE)
        if step % 2 or branch == "work":
            seal = await sealed(project, await project.at(branch))
            assert (seal.root, seal.leaf_count) == await plain_seal(project, branch)
            assert 0 < seal.rehashed <= 50 < first.rehashed, step


async def test_a_killed_process_loses_only_its_last_range(bench: Bench) -> None:
    """The next one goes on where ranges were saved; what the dead one still tries is refused."""
    project = await populated(bench, items=300)
    snapshot = await baseline(project, "1.0")
    async with project.database.session() as session:
        dead = await repository.claim(session, EXPIRED)
    assert dead is not None and dead.seq == snapshot.seq
    async with project.database.read_session() as session:
        done = [bucket async for bucket in build(session, snapshot, 0)][: 2 * jobs.RANGE]
    await jobs._save(project.database, dead, done[: jobs.RANGE])
    assert (await state(project, snapshot)).next_bucket == jobs.RANGE
    assert await run_pending_seals(project.database) == 1
    seal = await state(project, snapshot)
    assert (seal.root, seal.leaf_count) == await plain_seal(project, "1.0")
    assert seal.attempts == 2
    with pytest.raises(jobs.LeaseLost):
        await jobs._save(project.database, dead, done[jobs.RANGE :])
    assert (await state(project, snapshot)).root == seal.root


async def test_several_workers_share_what_waits(bench: Bench) -> None:
    """Each seal is made once, by one of them, and a lease keeps the others off."""
    project = await populated(bench)
    await project.edit_item((await some_ids(project, "item", await project.at()))[0], {"a": "x"})
    snapshots = [await baseline(project, f"b{seq}", str(seq)) for seq in range(1, 6)]
    taken = await asyncio.gather(*(run_pending_seals(project.database) for _ in range(3)))
    assert sum(taken) == 5
    for snapshot in snapshots:
        seal = await state(project, snapshot)
        assert (seal.state, seal.attempts) == (SealState.SEALED, 1)
        assert seal.root == (await plain_seal(project, snapshot.seq))[0]


async def test_a_lease_is_kept_while_a_seal_is_made(bench: Bench) -> None:
    """The heartbeat renews a short lease, so nobody else takes the seal."""
    project = await populated(bench)
    snapshot = await baseline(project, "1.0")
    lease = timedelta(seconds=0.3)
    async with project.database.session() as session:
        held = await repository.claim(session, lease)
    assert held is not None
    async with jobs._heartbeat(project.database, held, lease):
        await asyncio.sleep(0.7)
        assert await run_pending_seals(project.database) == 0
    async with asyncio.timeout(10):
        while not await run_pending_seals(project.database):
            await asyncio.sleep(0.05)
    assert (await state(project, snapshot)).state is SealState.SEALED


async def test_a_seal_that_kills_its_process_is_given_up_and_may_be_asked_for_again(
    bench: Bench,
) -> None:
    project = await populated(bench)
    snapshot = await baseline(project, "1.0")
    for _ in range(jobs.MAX_ATTEMPTS):
        async with project.database.session() as session:
            assert await repository.claim(session, EXPIRED) is not None
    await run_pending_seals(project.database)
    failed = await state(project, snapshot)
    assert failed.state is SealState.FAILED and "taken up 5 times" in str(failed.error)
    async with project.database.read_session() as session:
        with pytest.raises(NotSealed, match="taken up 5 times"):
            await proof(session, snapshot, "item", new_id())
    seal = await sealed(project, snapshot)
    assert (seal.state, seal.error) == (SealState.SEALED, None)
    assert seal.root == (await plain_seal(project, "1.0"))[0]


async def test_asking_again_changes_nothing(bench: Bench) -> None:
    project = await populated(bench)
    snapshot = await project.at()
    async with project.database.read_session() as session:
        nobody = await seal_state(session, project.project_id, snapshot.branch_id, snapshot.seq)
        assert nobody is None
        with pytest.raises(NotSealed, match="make a baseline"):
            await proof(session, snapshot, "item", new_id())
    async with project.database.session() as session:
        waiting = await request_seal(session, project.project_id, snapshot)
        assert waiting.state is SealState.PENDING
        with pytest.raises(NotSealed, match="being made"):
            await proof(session, snapshot, "item", new_id())
    seal = await sealed(project, snapshot)
    assert await sealed(project, snapshot) == seal


async def test_a_broken_history_is_not_sealed(bench: Bench) -> None:
    """A commit whose hash is not that of what it wrote gets no seal, but a sentence."""
    project = await populated(bench)
    snapshot = await baseline(project, "1.0")
    async with project.owner.session() as session:
        await session.execute(
            text("UPDATE commits SET message = 'forged' WHERE project_id = :p AND seq = :s"),
            {"p": project.project_id, "s": snapshot.seq},
        )
    await run_pending_seals(project.database)
    failed = await state(project, snapshot)
    assert failed.state is SealState.FAILED and "verify the project" in str(failed.error)


async def test_seals_build_on_no_broken_bucket(bench: Bench) -> None:
    """Leaves that an earlier seal left and somebody changed are not used for a later one."""
    project = await populated(bench, items=100)
    await sealed(project, await project.at())
    async with project.owner.session() as session:
        await session.execute(
            text(
                "UPDATE seal_buckets SET members = set_byte(members, 20, 255 -"
                " get_byte(members, 20)) WHERE project_id = :p"
            ),
            {"p": project.project_id},
        )
    await project.edit_item((await some_ids(project, "item", await project.at()))[0], {"a": "x"})
    failed = await sealed(project, await project.at())
    assert failed.state is SealState.FAILED and "is not what it was" in str(failed.error)
