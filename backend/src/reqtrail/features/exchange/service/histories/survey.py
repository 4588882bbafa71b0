"""The first pass over a history: every line is read, checked and replayed before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reqtrail.features.exchange.errors import HistoryInvalid
from reqtrail.features.exchange.history.content import Names
from reqtrail.features.exchange.history.lines import Line, read_lines
from reqtrail.features.exchange.history.replay import Replay, Step
from reqtrail.features.exchange.service.work import Work
from reqtrail.features.exchange.types import Losses

DANGLING: Final = (
    "relation_to_nothing",
    "A relation names a UID that does not exist at that time; it is a link as soon as it does.",
)
REWRITTEN: Final = (
    "The project has commits of this history that the file does not have, or has in another order: it was"
    " rewritten since. Import it into a new project."
)


@dataclass
class Survey:
    """What a file holds.

    Attributes:
        lines: Its commits.
        fresh: Those that this import writes, or wrote already.
        counts: Changes of those by kind of change: created, updated, deleted, renamed.
        ends: How much there is after the last commit.
        points: The commit ids of the baselines asked for, by name.
    """

    lines: int = 0
    fresh: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    ends: Mapping[str, int] = field(default_factory=dict)
    losses: Losses = field(default_factory=Losses)
    points: dict[str, str] = field(default_factory=dict)

    def as_counts(self) -> dict[str, int]:
        """Return the counts as the job shows them."""
        outcome = ("created", "updated", "deleted", "renamed")
        return {
            **self.ends,
            "lines": self.lines,
            "commits": self.fresh,
            **{name: self.counts[name] for name in outcome},
        }


def make_survey(
    path: Path,
    names: Names,
    imported: Collection[str],
    own: Collection[str],
    baselines: Mapping[str, str],
    work: Work,
) -> Survey:
    """Read the file at *path*. It runs in a thread of its own.

    Args:
        imported: The commits of this history that the project has.
        own: Those among them that this import wrote before it was interrupted.
        baselines: The points of the baselines asked for, by name.

    Raises:
        BrokenLine, BadArchive, ArchiveTooLarge: If the file is not what it must be.
        HistoryInvalid: If it is not the one that the project knows, or has no such point.
        Cancelled, LeaseLost: If the work must end.
    """
    replay, survey = Replay(names), Survey()
    commits: list[str] = []
    known = missing = 0
    for line in read_lines(path):
        step = replay.apply(line)
        commits.append(line.commit)
        if line.commit in imported:
            known += 1
        else:
            missing += 1
        if missing and line.commit in imported:
            raise HistoryInvalid(f"Line {line.number}: {REWRITTEN}", line=line.number)
        if line.commit not in imported or line.commit in own:
            _count(survey, step)
        work.advance(1)
    if missing and known != len(imported):
        raise HistoryInvalid(REWRITTEN)
    survey.lines, survey.ends = len(commits), replay.counts
    survey.points = {name: _point(point, commits) for name, point in baselines.items()}
    return survey


def _count(survey: Survey, step: Step) -> None:
    survey.fresh += 1
    survey.counts["renamed"] += len(step.renamed)
    for where in step.dangling:
        survey.losses.add(*DANGLING, where=f"line {step.line.number}: {where}")
    for want in step.wants:
        if want.before is None:
            survey.counts["created"] += 1
        elif want.after is None:
            survey.counts["deleted"] += 1
        elif want.before != want.after:
            survey.counts["updated"] += 1


def _point(point: str, commits: list[str]) -> str:
    if not point:
        return commits[-1]
    found = [commit for commit in commits if commit.startswith(point)]
    if len(found) != 1 and point not in found:
        word = "no commit" if not found else f"{len(found)} commits"
        raise HistoryInvalid(f"The history has {word} “{point}”, of which a baseline is asked for.")
    return point if point in found else found[0]


def first_line(path: Path) -> Line:
    """Return the first commit of the file at *path*, whose id is the name of the history.

    Raises:
        BrokenLine, BadArchive, ArchiveTooLarge: If it is not what it must be.
    """
    return next(read_lines(path))
