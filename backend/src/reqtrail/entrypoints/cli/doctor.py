"""``doctor``."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from reqtrail.entrypoints.cli.output import Exit, console, print_json

if TYPE_CHECKING:
    from reqtrail.platform.checks.model import Check, Finding

_STYLES = {"ok": "green", "warning": "yellow", "failed": "red"}


def add_to(app: typer.Typer) -> None:
    """Add the command of this module to *app*."""
    app.command("doctor")(doctor)


def doctor(
    timeout: Annotated[
        float, typer.Option(min=0.1, max=120, help="Seconds that one check may take.")
    ] = 5.0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Check this installation, say what is wrong and what to do; code 1 if anything failed.

    It looks at the running local instance whose home is REQTRAIL_HOME, or at what REQTRAIL_DATABASE_URL and the other
    settings name. It changes nothing and shows no secrets.

    Example: reqtrail doctor && echo healthy
    """
    findings = asyncio.run(_diagnose(timeout, shown=not json))
    counts = Counter(str(finding.outcome) for _, finding in findings)
    if json:
        summary = {name: counts[name] for name in _STYLES}
        print_json(
            {
                "ok": not counts["failed"],
                "counts": summary,
                "checks": [_read(check, finding) for check, finding in findings],
            }
        )
    else:
        typer.echo("")
        typer.echo(f"{counts['ok']} ok, {counts['warning']} to look at, {counts['failed']} failed.")
    if counts["failed"]:
        raise typer.Exit(int(Exit.FINDINGS))


async def _diagnose(seconds: float, *, shown: bool) -> list[tuple[Check, Finding]]:
    # Only this command looks at everything; loading the server would cost every other one a second.
    from reqtrail.entrypoints.doctor import diagnose, look_at

    findings, skipped = [], []
    async for check, finding in diagnose(look_at(os.environ, seconds)):
        findings.append((check, finding))
        if finding.code == "not_checked":
            skipped.append(check.title)
        elif shown:
            _show(check, finding)
    if shown and skipped:
        _show_skipped(skipped)
    return findings


def _show(check: Check, finding: Finding) -> None:
    outcome = str(finding.outcome)
    line = Text(f"{outcome:<8}", style=_STYLES[outcome])
    line.append(f"{check.title}: ", style="bold").append(finding.message, style="default")
    out = console()
    out.print(line)
    if finding.advice:
        out.print(Text(f"        {finding.advice} [{check.name}: {finding.code}]", style="dim"))


def _show_skipped(titles: list[str]) -> None:
    """Name all that could not be checked in one line, after what has to be put right first."""
    line = Text(f"{'warning':<8}", style=_STYLES["warning"])
    line.append("Not checked: ", style="bold").append(f"{', '.join(titles)}.", style="default")
    out = console()
    out.print(line)
    out.print(Text("        Put right what failed, then look again. [not_checked]", style="dim"))


def _read(check: Check, finding: Finding) -> dict[str, Any]:
    return {
        "check": check.name,
        "title": check.title,
        "outcome": finding.outcome,
        "code": finding.code,
        "message": finding.message,
        "advice": finding.advice,
        "details": finding.details,
    }
