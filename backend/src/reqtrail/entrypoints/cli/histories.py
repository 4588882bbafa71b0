"""``import-history``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from reqtrail.entrypoints.cli.client import Client, connect
from reqtrail.entrypoints.cli.exchange import follow_import, make_project
from reqtrail.entrypoints.cli.output import Exit, fail, print_json

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Project = Annotated[str, typer.Option("--project", "-p", help="The project's key, as BRK.")]

LINES: Final = (".jsonl", ".jsonl.gz")
SHOWN: Final = ("documents", "items", "links")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to *app*."""
    app.command("import-history")(import_history)


def import_history(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="One .jsonl or .jsonl.gz with a commit a line, or ReqIF files, the oldest first.",
            dir_okay=False,
        ),
    ],
    project: Project,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME names the end of the history; NAME@POINT a commit of it by its id, or a ReqIF file by its"
            " name. May be repeated."
        ),
    ] = None,
    date: Annotated[
        list[str] | None,
        typer.Option(help="For ReqIF: when each file was written; once a file, in their order."),
    ] = None,
    author: Annotated[
        str | None, typer.Option(help="For ReqIF: who wrote the files; you if left out.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what the import would do.")
    ] = False,
    json: Json = False,
) -> None:
    """Import a history as commits with their own dates and authors. The project is made if it is new.

    Given again, the same history adds nothing and one that has grown adds what is new. An import that was interrupted
    goes on after its last commit.

    Examples:
    reqtrail import-history history.jsonl.gz --project ZEP --baseline 1.0@8cfd2768;
    reqtrail import-history 2024.reqif 2025.reqifz --project BRK --author "Supplier" --baseline A@2024.reqif
    """
    requests = _requests(files, baseline or [], date or [], author)
    results = []
    with connect() as client:
        make_project(client, project)
        for file, form in requests:
            result = _import(client, project, file, form, dry_run=dry_run)
            results.append(result)
            if result["state"] in {"failed", "cancelled"}:
                break
    last = results[-1]
    if json:
        print_json({"project": project, "imports": results})
    else:
        for result in results:
            _print(result)
    if last["state"] in {"failed", "cancelled"}:
        error = last["error"] or {}
        detail = error.get("detail") or f"The import was {last['state']}."
        prefix = f"{last['file']}: " if len(files) > 1 else ""
        raise fail(Exit.REFUSED, f"{prefix}{detail}", problem=error.get("code"))
    if dry_run and any(result["losses"] for result in results):
        raise typer.Exit(int(Exit.FINDINGS))


def _requests(
    files: Sequence[Path], baselines: Sequence[str], dates: Sequence[str], author: str | None
) -> list[tuple[Path, dict[str, Any]]]:
    """Return the files, each with the form that goes along.

    Raises:
        typer.Exit: If they do not go together.
    """
    missing = next((file for file in files if not file.is_file()), None)
    if missing is not None:
        raise fail(Exit.USAGE, f"There is no file {missing}.")
    if any(_is_lines(file) for file in files):
        if len(files) > 1:
            raise fail(Exit.USAGE, "A file of lines holds a whole history: give it alone.")
        if dates or author:
            raise fail(Exit.USAGE, "Each line says its date and its author: leave them out.")
        return [(files[0], {"baseline": list(baselines)})]
    if dates and len(dates) != len(files):
        raise fail(Exit.USAGE, f"There are {len(files)} files and {len(dates)} dates.")
    named = _baselines_by_file(files, baselines)
    requests = []
    for index, file in enumerate(files):
        form: dict[str, Any] = {"baseline": named.get(index, [])}
        if dates:
            form["authored_at"] = _date(dates[index])
        if author:
            form["author"] = author
        requests.append((file, form))
    return requests


def _is_lines(file: Path) -> bool:
    return file.name.lower().endswith(LINES)


def _baselines_by_file(files: Sequence[Path], baselines: Sequence[str]) -> dict[int, list[str]]:
    named: dict[int, list[str]] = {}
    for text in baselines:
        name, _, point = text.partition("@")
        found = [index for index, file in enumerate(files) if point in {str(file), file.name}]
        if not point:
            found = [len(files) - 1]
        if len(found) != 1:
            raise fail(Exit.USAGE, f"“{text}” names {len(found)} of the files.")
        named.setdefault(found[0], []).append(name)
    return named


def _date(text: str) -> str:
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        raise fail(
            Exit.USAGE, f"“{text}” is no date such as 2026-11-01 or 2026-11-01T10:00Z."
        ) from None


def _import(
    client: Client, project: str, file: Path, form: dict[str, Any], *, dry_run: bool
) -> dict[str, Any]:
    with file.open("rb") as stream:
        job = client.post(
            f"/projects/{project}/history-imports",
            files={"file": (file.name, stream)},
            data={"mode": "dry_run" if dry_run else "commit", **form},
        )
    job = follow_import(client, project, job)
    return {
        "import": job["id"],
        "file": str(file),
        **{name: job.get(name) for name in ("state", "counts", "commit", "error")},
        "losses": job.get("losses") or [],
    }


def _print(result: dict[str, Any]) -> None:
    counts = result["counts"] or {}
    if result["state"] in {"failed", "cancelled"}:
        return
    ends = ", ".join(f"{counts.get(name, 0):,} {name}" for name in SHOWN)
    wrote = "would be added" if result["state"] == "dry_run_ready" else "added"
    if "lines" in counts:
        typer.echo(
            f"{result['file']}: {counts['commits']:,} of {counts['lines']:,} commits {wrote},"
            f" {counts['renamed']:,} items with a new UID; {ends} at the end."
        )
    else:
        typer.echo(f"{result['file']}: {ends}.")
    for loss in result["losses"]:
        typer.echo(f"  {loss.get('count', 1)} × {loss['message']} ({loss['code']})")
    if result["commit"]:
        typer.echo(f"The project is at version {result['commit']['seq']} of it.")
    else:
        typer.echo("Nothing was written: this was a dry run.")
