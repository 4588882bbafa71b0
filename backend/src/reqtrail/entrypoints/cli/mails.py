"""``mails``."""

from __future__ import annotations

from typing import Annotated

import typer

from reqtrail.entrypoints.cli.client import connect
from reqtrail.entrypoints.cli.output import print_json

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def add_to(app: typer.Typer) -> None:
    """Add the command of this module to *app*."""
    app.command("mails")(list_mails)


def list_mails(
    to: Annotated[str | None, typer.Option(help="Only mails to this address.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many of the newest.")] = 20,
    json: Json = False,
) -> None:
    """List the newest mails (administrators); without an SMTP server, with their text.

    Example: reqtrail mails --to ada@example.org
    """
    with connect() as client:
        answer = client.get("/admin/mails", limit=limit)
    mails = [mail for mail in answer["mails"] if to is None or mail["recipient"] == to.lower()]
    if json:
        print_json({**answer, "mails": mails})
        return
    if answer["local_sink"]:
        typer.echo("The local sink keeps these mails: no SMTP server is set, so none is sent.\n")
    for mail in mails:
        typer.echo(f"{mail['created_at'][:19]}  {mail['state']:<7} {mail['recipient']}")
        typer.echo(f"  {mail['subject']}")
        if mail["error"]:
            typer.echo(f"  {mail['error']}")
        for line in mail["text"].splitlines():
            typer.echo(f"  | {line}".rstrip())
        typer.echo("")
