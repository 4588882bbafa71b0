"""``import`` and ``export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from reqtrail.entrypoints.cli.client import API, Client, check, connect, download
from reqtrail.entrypoints.cli.following import follow
from reqtrail.entrypoints.cli.output import Exit, fail, print_json

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Project = Annotated[str, typer.Option("--project", "-p", help="The project's key, as BRK.")]

END_STATES: Final = frozenset({"dry_run_ready", "done", "failed", "cancelled"})
COUNTS: Final = ("documents", "items", "placements", "links", "attachments")


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to *app*."""
    app.command("import")(import_file)
    app.command("export")(export)


def import_file(
    file: Annotated[Path, typer.Argument(help="A .reqif or .reqifz file.", dir_okay=False)],
    project: Project,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what the import would do.")
    ] = False,
    json: Json = False,
) -> None:
    """Import a ReqIF file into a project, which is made if it is new.

    What could not be understood is listed as losses. A dry run with losses ends with code 1.

    Examples:
    reqtrail import supplier.reqifz --project BRK --dry-run;
    reqtrail import supplier.reqifz --project BRK --json
    """
    if not file.is_file():
        raise fail(Exit.USAGE, f"There is no file {file}.")
    with connect() as client:
        make_project(client, project)
        with file.open("rb") as stream:
            job = client.post(
                f"/projects/{project}/imports",
                files={"file": (file.name, stream)},
                data={"mode": "dry_run" if dry_run else "commit"},
            )
        job = follow_import(client, project, job)
    result = _result(job)
    if job["state"] in {"failed", "cancelled"}:
        if json:
            print_json(result)
        error = job.get("error") or {}
        raise fail(
            Exit.REFUSED,
            error.get("detail") or f"The import was {job['state']}.",
            problem=error.get("code"),
        )
    if json:
        print_json(result)
    else:
        _print(result)
    if dry_run and result["losses"]:
        raise typer.Exit(int(Exit.FINDINGS))


def make_project(client: Client, key: str) -> None:
    """Make a project unless it is there."""
    known = client.http.get(f"{API}/projects/{key}")
    if known.status_code != 404:
        check(known)
        return
    client.post("/projects", json={"key": key, "name": key})


def follow_import(client: Client, project: str, job: dict[str, Any]) -> dict[str, Any]:
    """Show how an import goes until it has ended; return it."""
    return follow(client, f"/projects/{project}/imports/{job['id']}", job, END_STATES)


def _result(job: dict[str, Any]) -> dict[str, Any]:
    counts = job.get("counts") or {}
    return {
        "import": job["id"],
        "state": job["state"],
        **{name: counts.get(name, 0) for name in (*COUNTS, "pictures")},
        "counts": counts,
        "losses": job.get("losses") or [],
        "commit": job.get("commit"),
        "error": job.get("error"),
    }


def _print(result: dict[str, Any]) -> None:
    counts = ", ".join(f"{result[name]:,} {name}" for name in COUNTS)
    typer.echo(f"{counts} ({result['pictures']:,} pictures)")
    for loss in result["losses"]:
        typer.echo(f"  {loss.get('count', 1)} × {loss['message']} ({loss['code']})")
    if result["commit"]:
        typer.echo(f"Committed as version {result['commit']['seq']}.")
    else:
        typer.echo("Nothing was written: this was a dry run.")


def export(
    project: Project,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where to write; .reqif or .reqifz.")
    ],
    at: Annotated[
        str | None,
        typer.Option(help="The version: 42, main@42, 2026-11-01. The newest if left out."),
    ] = None,
) -> None:
    """Export a project, now or at any past version, as ReqIF.

    Examples:
    reqtrail export --project BRK -o brk.reqifz;
    reqtrail export --project BRK --at 2026-11-01 -o then.reqif
    """
    params = {"format": "reqifz" if output.suffix == ".reqifz" else "reqif"}
    if at is not None:
        params["at"] = at
    with connect() as client:
        download(client, f"/projects/{project}/exports/reqif", params, output)
