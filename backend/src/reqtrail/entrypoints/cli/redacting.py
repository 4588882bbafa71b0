"""``redact``."""

from __future__ import annotations

import sys
from typing import Annotated
from uuid import UUID

import typer

from reqtrail.entrypoints.cli.client import Client, connect
from reqtrail.entrypoints.cli.output import Exit, fail, print_json

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Project = Annotated[str, typer.Option("--project", "-p", help="The project's key, as BRK.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to *app*."""
    app.command("redact")(redact)


def redact(
    name: Annotated[str, typer.Argument(help="The item's key, or the id of anything else.")],
    project: Project,
    reason: Annotated[
        str,
        typer.Option(help="Why; kept for ever, so it must not repeat what is removed."),
    ],
    version: Annotated[
        list[int] | None,
        typer.Option("--version", "-v", help="Only what this version wrote; may be repeated."),
    ] = None,
    holding: Annotated[
        str,
        typer.Option(help="Only versions with this text; - reads it from standard input."),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Remove for good what past versions of a thing hold, on every branch. For owners. It cannot be undone.

    Without --version and --holding every version goes that no open branch shows. What is shown has to be edited or
    deleted first. Hashes stay: verify goes on to find every other change, and names what was redacted.

    Examples:
    reqtrail redact BRK-42 --version 17 --reason "Name of a patient" --project BRK;
    echo "$SECRET" | reqtrail redact BRK-42 --holding - --reason "Leaked key" --project BRK --yes
    """
    if holding == "-":
        holding = sys.stdin.readline().rstrip("\n")
        if not holding:
            raise fail(Exit.USAGE, "Nothing was given on standard input.")
    if not yes:
        typer.confirm(f"Remove past content of {name} for good?", abort=True, err=True)
    with connect() as client:
        body = {
            "entity_id": _id(client, project, name),
            "reason": reason,
            "sequences": version or [],
            "holding": holding,
        }
        answer = client.post(f"/projects/{project}/redactions", json=body)
    if json:
        print_json(answer)
        return
    for item in answer["redacted"]:
        typer.echo(f"redacted: version {item['seq']} of the {item['kind']} {item['id']}")
    typer.echo(f"{answer['ref']['branch']} is at version {answer['ref']['seq']}.")


def _id(client: Client, project: str, name: str) -> str:
    try:
        return str(UUID(name))
    except ValueError:
        return str(client.get(f"/projects/{project}/items/{name}")["item"]["id"])
