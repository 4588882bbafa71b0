"""Running the import of a history of replay lines: surveyed as a whole, then written line by line.

A broken file leaves nothing behind, because it is found out before the first line is written. A process that dies
leaves whole commits behind, and whoever takes the import over goes on after them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reqtrail.features.exchange.errors import HistoryInvalid
from reqtrail.features.exchange.history.content import Names
from reqtrail.features.exchange.history.lines import Line, read_lines
from reqtrail.features.exchange.history.replay import Replay, Step
from reqtrail.features.exchange.repository import histories, jobs
from reqtrail.features.exchange.service.histories.claims import (
    make_baselines,
    rehearse_baselines,
    split_baselines,
)
from reqtrail.features.exchange.service.histories.survey import Survey, first_line, make_survey
from reqtrail.features.exchange.service.histories.writing import LineWriter
from reqtrail.features.exchange.service.work import Work, fetch_upload
from reqtrail.features.exchange.types import HistoryRequest, JobState, Losses
from reqtrail.features.requirements.public import default_id, load_schema
from reqtrail.features.versioning.public import resolve_ref
from reqtrail.kit import clock
from reqtrail.kit.one_thread import OneThread
from reqtrail.platform.database.engine import Database


async def run_lines(database: Database, work: Work, request: HistoryRequest, folder: Path) -> None:
    """Import the history that was uploaded, or report what that would do.

    Raises:
        ImportRefused, RefNameTaken, RefNameInvalid: If nothing was or will be written because of what was asked for.
        HistoryStopped: If something in the project is in the way of a line.
        Cancelled, LeaseLost: If the work must end.
    """
    job, path = work.job, folder / "upload"
    await fetch_upload(database, job, path)
    with OneThread("history") as thread:
        work.enter("reading", 0)
        first = await thread.run(first_line, path)
        names, imported, own = await _known(database, work, first)
        survey = await thread.run(
            make_survey, path, names, imported, own, split_baselines(request.baselines), work
        )
        points = {name: imported.get(commit) for name, commit in survey.points.items()}
        await rehearse_baselines(database, job, points)
        if job.dry_run:
            await _report(database, work, survey)
            return
        losses = Losses(survey.losses)
        writer = LineWriter(database, work, names.root, imported, losses, as_owner=request.as_owner)
        async with database.session() as session:
            await work.keep(session)
            await jobs.update_job(session, job, state=JobState.COMMITTING)
        work.enter("writing", survey.lines)
        steps = _steps(path, names)
        while (step := await thread.run(next, steps, None)) is not None:
            await writer.write(step)
    await _finish(database, work, survey, imported, losses)


def _steps(path: Path, names: Names) -> Iterator[Step]:
    replay = Replay(names)
    for line in read_lines(path):
        yield replay.apply(line)


async def _known(
    database: Database, work: Work, first: Line
) -> tuple[Names, dict[str, int], set[str]]:
    """Return how the history names things, the versions of its commits that are there, and which of them are ours."""
    job = work.job
    async with database.read_session() as session:
        rows = await histories.imported_lines(session, job.project_id, first.commit)
        if not rows:
            begins = (first.commit, *first.parents)
            if await histories.any_imported(session, job.project_id, begins):
                raise HistoryInvalid(
                    "The file begins in the middle of a history that the project has: give the file with the whole"
                    " history, and what is new in it is added.",
                    line=first.number,
                )
        schema = await load_schema(session, await resolve_ref(session, job.project_id, None))
    wanted = default_id(job.project_id, "type", "Specification")
    names = Names(job.project_id, first.commit, wanted if wanted in schema.types else None)
    imported = {row.commit: row.seq for row in rows}
    return names, imported, {row.commit for row in rows if row.job == str(job.job_id)}


async def _report(database: Database, work: Work, survey: Survey) -> None:
    async with database.session() as session:
        await work.rest(
            session,
            {"dry_run": True},
            state=JobState.DRY_RUN_READY,
            counts=survey.as_counts(),
            losses=survey.losses.as_json(),
        )


async def _finish(
    database: Database, work: Work, survey: Survey, imported: dict[str, int], losses: Losses
) -> None:
    job = work.job
    async with database.session() as session:
        points = {name: imported[commit] for name, commit in survey.points.items()}
        await make_baselines(session, job, points)
        seq = max(imported.values())
        # Before the job is locked: its lease is renewed until then.
        await jobs.clear(session, job.project_id, job.job_id)
        await work.rest(
            session,
            {"seq": seq},
            state=JobState.DONE,
            counts=survey.as_counts(),
            losses=losses.as_json(),
            commit_seq=seq,
            finished_at=clock.now(),
        )
