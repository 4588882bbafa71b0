"""``log``, ``diff``, ``verify``."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from reqtrail.entrypoints.cli.audit import print_report
from reqtrail.entrypoints.cli.client import API, Client, check, connect, write_file
from reqtrail.entrypoints.cli.output import Exit, console, diff_text, fail, plain, print_json
from reqtrail.entrypoints.cli.report_data import gather
from reqtrail.entrypoints.cli.report_html import render
from reqtrail.kit import clock

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Project = Annotated[str, typer.Option("--project", "-p", help="The project's key, as BRK.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to *app*."""
    app.command("log")(log)
    app.command("diff")(diff)
    app.command("verify")(verify)


def log(
    project: Project,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500)] = 50,
    before: Annotated[int | None, typer.Option(help="Only commits before this one.")] = None,
    json: Json = False,
) -> None:
    """List the commits of a project, newest first.

    Example: reqtrail log --project BRK -n 10
    """
    with connect() as client:
        answer = client.get(f"/projects/{project}/commits", limit=limit, before=before)
    if json:
        print_json(answer)
        return
    out = console()
    for commit in answer["commits"]:
        line = Text(f"{commit['seq']:>6} ", style="bold")
        line.append(f"{commit['commit'][:10]} ", style="yellow")
        # What an import brought has the date that it had where it came from.
        line.append(f"{commit['authored_at'][:16].replace('T', ' ')} ", style="dim")
        line.append(f"{commit['author']['display_name']}: {commit['message'] or commit['kind']}")
        out.print(line)


def diff(
    a: Annotated[str, typer.Argument(help="The older version: 3, main@3, 2026-11-01.")],
    b: Annotated[str, typer.Argument(help="The newer version; `main` is the newest.")],
    project: Project,
    html: Annotated[
        bool, typer.Option("--html", help="Write a page to keep or to print; needs --output.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write the page; .html.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what changed between two versions, by word: [-taken away-]{+added+}.

    Examples:
    reqtrail diff 3 main --project BRK;
    reqtrail diff 2026-11-01 main --project BRK --json;
    reqtrail diff "Release 1.1" "Release 1.2" --project BRK --html -o changes.html
    """
    if html != (output is not None) or (html and json):
        raise fail(Exit.USAGE, "A page is written by --html with --output, and without --json.")
    if output is not None:
        with connect() as client:
            report = gather(
                lambda path, **params: client.get(f"/projects/{project}{path}", **params),
                *(project, a, b),
            )
        page = render(report, clock.now().isoformat(timespec="seconds"))
        write_file(output, page.encode("utf-8", "replace"))
        return
    with connect() as client:
        answer = client.get(f"/projects/{project}/compare", **{"from": a, "to": b})
        if json:
            print_json(answer)
            return
        names = _Names(client, project, b)
    out = console()
    for change in answer["changes"]:
        _print_change(out.print, change, names)
    out.print(f"{len(answer['changes'])} changed")


class _Names:
    """Names of attributes and of enumeration values, so that a person can read a difference."""

    def __init__(self, client: Client, project: str, at: str) -> None:
        schema = client.get(f"/projects/{project}/schema", at=at)
        self._attributes: dict[str, str] = {
            attribute["id"]: attribute["name"]
            for kind in schema["types"]
            for attribute in kind["attributes"]
        }
        self._values: dict[str, str] = {
            value["id"]: value["name"]
            for datatype in schema["datatypes"]
            for value in datatype["enum_values"]
        }

    def field(self, change: Mapping[str, Any]) -> str:
        """Return what a person calls the field of a change."""
        key = change.get("key")
        return self._attributes.get(key, key) if key else str(change["field"])

    def value(self, value: Any) -> str:
        """Return a value as a person reads it."""
        if isinstance(value, list):
            return ", ".join(self._values.get(str(item), plain(item)) for item in value)
        return plain(value)


_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


def _print_change(show: Any, change: Mapping[str, Any], names: _Names) -> None:
    sign, style = _SIGNS[change["change"]]
    show(Text(f"{sign} {change['kind']} {change['key'] or change['id']}", style=style))
    for side in ("before", "after"):
        redaction = change[f"redacted_{side}"]
        if redaction is not None:
            why = f"{redaction['author']['display_name']}: {redaction['reason']}"
            show(Text(f"    {side}: redacted by version {redaction['seq']}, {why}", style="dim"))
    if change["change"] != "changed":
        return
    for field in change["fields"]:
        line = Text(f"    {names.field(field)}: ")
        line.append_text(diff_text(names.value(field["before"]), names.value(field["after"])))
        show(line)


def verify(project: Project, json: Json = False) -> None:
    """Recompute every hash of a project's history; code 1 if anything disagrees. Names what was redacted.

    For owners it verifies the audit log of the project too. The command waits for the answer; to have a worker verify
    a large project, and read the report later, press "Verify history" among the project's jobs in the browser.

    Example: reqtrail verify --project BRK && echo untouched
    """
    with connect() as client:
        report = client.post(f"/projects/{project}/verify", timeout=None)
        record = _verify_record(client, project)
    if json:
        print_json({**report, "audit": record})
    else:
        for problem in report["problems"]:
            where = f" (version {problem['seq']})" if problem["seq"] is not None else ""
            typer.echo(f"{problem['what']}: {problem['detail']}{where}")
        for item in report["redacted"]:
            typer.echo(
                f"redacted: version {item['seq']} of the {item['kind']} {item['id']}, by version"
                f" {item['redacted_by']}"
            )
        read = ", ".join(f"{count} {name}" for name, count in sorted(report["counts"].items()))
        typer.echo(f"{'Everything agrees' if report['ok'] else 'Problems were found'}: {read}.")
        if record is not None:
            print_report(record)
    if not report["ok"] or (record is not None and not record["ok"]):
        raise typer.Exit(int(Exit.FINDINGS))


def _verify_record(client: Client, project: str) -> dict[str, Any] | None:
    """Return the report on the project's audit log; None for who may not read it."""
    answer = client.http.post(f"{API}/projects/{project}/audit/verify", timeout=None)
    if answer.status_code == HTTPStatus.FORBIDDEN:
        return None
    check(answer)
    report: dict[str, Any] = answer.json()
    return report
