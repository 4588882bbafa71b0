"""``audit``: the record of who did what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from reqtrail.entrypoints.cli.client import Client, connect, download
from reqtrail.entrypoints.cli.output import Exit, console, fail, plain, print_json

audit = typer.Typer(
    help="Search, export and verify the record of who did what, when and from where.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

FORMATS: Final = {".csv": "csv", ".jsonl": "jsonl"}

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Project = Annotated[
    str | None,
    typer.Option(
        "--project", "-p", help="The project's key; without it everything (administrators)."
    ),
]
Actor = Annotated[str | None, typer.Option(help="Id of the account that did it.")]
Action = Annotated[str | None, typer.Option(help="As member:put, or member for all.")]
Subject = Annotated[str | None, typer.Option(help="Id or kind of what it is about.")]
Words = Annotated[str | None, typer.Option("--text", help="Words in the event.")]
Since = Annotated[str | None, typer.Option(help="The first moment, as 2026-11-01T00:00Z.")]
Until = Annotated[str | None, typer.Option(help="The first moment after.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to *app*."""
    audit.command("list")(list_events)
    audit.command("export")(export)
    audit.command("verify")(verify)
    app.add_typer(audit, name="audit")


def _path(project: str | None) -> str:
    return f"/projects/{project}/audit" if project else "/audit"


def list_events(
    project: Project = None,
    actor: Actor = None,
    action: Action = None,
    subject: Subject = None,
    words: Words = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000)] = 50,
    json: Json = False,
) -> None:
    """List events, newest first.

    Example: reqtrail audit list --project BRK --action member --since 2026-11-01T00:00Z
    """
    asked = {
        "actor": actor,
        "action": action,
        "subject": subject,
        "q": words,
        "since": since,
        "until": until,
    }
    with connect() as client:
        events = _pages(client, _path(project), limit, asked)
    if json:
        print_json(events)
        return
    out = console()
    for event in events:
        line = Text(f"{event['occurred_at'][:19].replace('T', ' ')} ", style="dim")
        line.append(
            f"{event['action']:<24} ", style="red" if event["outcome"] != "done" else "bold"
        )
        line.append(_who(event))
        line.append(f" {event['subject_kind'] or ''} {event['subject_id'] or ''}".rstrip())
        out.print(line)


def _pages(client: Client, path: str, limit: int, asked: dict[str, Any]) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    cursor = None
    while len(events) < limit:
        size = min(200, limit - len(events))
        page = client.get(path, limit=size, cursor=cursor, **asked)
        events += page["events"]
        cursor = page["next"]
        if cursor is None:
            break
    return events


def _who(event: dict[str, Any]) -> str:
    who = event["actor"]["display_name"] if event["actor"] else event["proof"]
    return f"{plain(who)} from {event['address']}" if event["address"] else plain(who)


def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="A .csv or .jsonl file.")],
    project: Project = None,
    action: Action = None,
    since: Since = None,
    until: Until = None,
) -> None:
    """Write events to a file, oldest first. The export is an event itself.

    Example: reqtrail audit export --project BRK --since 2026-11-01T00:00Z -o november.csv
    """
    form = FORMATS.get(output.suffix.lower())
    if form is None:
        raise fail(Exit.USAGE, "The file must end with .csv or .jsonl.")
    params = {"format": form, "action": action, "since": since, "until": until}
    given = {name: value for name, value in params.items() if value is not None}
    with connect() as client:
        download(client, f"{_path(project)}/export", given, output)


def verify(project: Project = None, json: Json = False) -> None:
    """Recompute the record and name what was removed, changed or put in; code 1 if anything was.

    Example: reqtrail audit verify && echo untouched
    """
    with connect() as client:
        report = client.post(f"{_path(project)}/verify", timeout=None)
    if json:
        print_json(report)
    else:
        print_report(report)
    if not report["ok"]:
        raise typer.Exit(int(Exit.FINDINGS))


def print_report(report: dict[str, Any]) -> None:
    """Print what a verification of the record found."""
    for problem in report["problems"]:
        typer.echo(f"{problem['what']}: {problem['detail']}")
    found = "The record agrees with its seals" if report["ok"] else "The record was tampered with"
    tail = f", {report['unsealed']} not sealed yet" if report["unsealed"] else ""
    typer.echo(f"{found}: {report['sealed']} events sealed{tail}.")
