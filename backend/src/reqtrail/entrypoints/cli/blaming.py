"""``blame``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from reqtrail.entrypoints.cli.client import connect
from reqtrail.entrypoints.cli.output import console, print_json

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Project = Annotated[str, typer.Option("--project", "-p", help="The project's key, as BRK.")]

_AUTHOR_WIDTH = 24


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to *app*."""
    app.command("blame")(blame)


def blame(
    key: Annotated[str, typer.Argument(help="The item's key.")],
    project: Project,
    attribute: Annotated[
        str, typer.Option("--attribute", "-a", help="The attribute's name or id.")
    ] = "Text",
    at: Annotated[str, typer.Option(help="The version; `main` is the newest.")] = "main",
    json: Json = False,
) -> None:
    """Show who wrote which words of a text: version, day, author, and the words.

    Examples:
    reqtrail blame BRK-42 --project BRK;
    reqtrail blame BRK-42 --attribute Title --at "Release 1.2" --project BRK
    """
    with connect() as client:
        answer = client.get(f"/projects/{project}/items/{key}/blame", attribute=attribute, at=at)
    if json:
        print_json(answer)
        return
    out = console()
    for span in answer["spans"]:
        author = span["author"]["display_name"][:_AUTHOR_WIDTH]
        head = Text(f"{span['seq']:>6} ", style="bold")
        head.append(f"{span['authored_at'][:10]} ", style="dim")
        head.append(f"{author:<{_AUTHOR_WIDTH}} ", style="yellow")
        first, *others = span["text"].rstrip().splitlines() or [""]
        out.print(head.append(first))
        for line in others:
            out.print(Text(" " * (len(head.plain) - len(first)) + line))
    if not answer["spans"]:
        out.print(f"{answer['key']} has no {answer['attribute']} at version {answer['ref']['seq']}")
