"""``restore``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from reqtrail.entrypoints.cli.client import Client, connect
from reqtrail.entrypoints.cli.output import Exit, console, fail, print_json

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Project = Annotated[str, typer.Option("--project", "-p", help="The project's key, as BRK.")]

_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to *app*."""
    app.command("restore")(restore)


def restore(
    name: Annotated[str, typer.Argument(help="The item's key, or the document's title or id.")],
    project: Project,
    at: Annotated[str, typer.Option("--at", help="The version to restore from.")],
    document: Annotated[
        bool, typer.Option("--document", help="NAME is a document: restore all of it.")
    ] = False,
    subtree: Annotated[
        bool, typer.Option("--subtree", help="Restore all that stood below the item, too.")
    ] = False,
    within: Annotated[
        str | None,
        typer.Option("--within", help="With --subtree: the document, if it stood in several."),
    ] = None,
    branch: Annotated[str, typer.Option(help="The branch to write to.")] = "main",
    message: Annotated[str, typer.Option("--message", "-m", help="Why.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; write nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Bring an item, a chapter or a document back to its state at a version, as a new version.

    Types, links and whatever else it needs come back with it. What was added later stays.

    Examples:
    reqtrail restore BRK-42 --at 2026-11-01 --project BRK;
    reqtrail restore BRK-7 --subtree --at "Release 1.2" --project BRK --dry-run;
    reqtrail restore "System requirements" --document --at main@120 --project BRK
    """
    if document and (subtree or within):
        raise fail(
            Exit.USAGE, "A document is restored whole: --subtree and --within are for items."
        )
    with connect() as client:
        if document:
            scope = {"document_id": _document(client, project, name, at)}
        elif subtree:
            scope = {"placement_id": _placement(client, project, name, at, within)}
        else:
            scope = {"item": name}
        if dry_run:
            path, body = "restore-preview", {"at": at, **scope}
        else:
            path, body = "restore", {"at": at, "message": message, **scope}
        answer = client.post(f"/projects/{project}/{path}", json=body, params={"branch": branch})
    if json:
        print_json(answer)
    elif dry_run:
        _show(answer["changes"])
    else:
        ref = answer["ref"]
        typer.echo(f"{ref['branch']} is at version {ref['seq']}: {_counted(answer['changes'])}.")


def _document(client: Client, project: str, name: str, at: str) -> str:
    """Return the id of the document that *name* meant at a version."""
    listed = client.get(f"/projects/{project}/documents", at=at)["documents"]
    found = [item for item in listed if name in (item["id"], item["title"])]
    if len(found) != 1:
        titles = ", ".join(f"“{item['title']}” ({item['id']})" for item in found or listed)
        what = "Several documents are" if found else "No document was"
        raise fail(Exit.REFUSED, f"{what} called “{name}” at {at}: {titles or 'there was none'}.")
    return str(found[0]["id"])


def _placement(client: Client, project: str, key: str, at: str, within: str | None) -> str:
    """Return where an item stood at a version, if that is one place."""
    item = client.get(f"/projects/{project}/items/{key}", at=at)["item"]
    places = item["placements"] or []
    if within is not None:
        document = _document(client, project, within, at)
        places = [place for place in places if place["document_id"] == document]
    if not places:
        raise fail(Exit.REFUSED, f"{key} stood in no such document at {at}.")
    if len(places) > 1:
        raise fail(
            Exit.USAGE,
            f"{key} stood in {len(places)} places at {at}: name one document with --within.",
        )
    return str(places[0]["placement_id"])


def _show(changes: Sequence[Mapping[str, Any]]) -> None:
    out = console()
    for change in changes:
        sign, style = _SIGNS[change["change"]]
        fields = ", ".join(dict.fromkeys(field["field"] for field in change["fields"]))
        line = Text(f"{sign} {change['kind']} {change['key'] or change['id']}", style=style)
        out.print(line.append(f"  {fields}" if change["change"] == "changed" else "", style="dim"))
    out.print(f"would change: {_counted(changes)}; nothing was written")


def _counted(changes: Sequence[Mapping[str, Any]]) -> str:
    counts = Counter(str(change["kind"]).replace("_", " ") for change in changes)
    return ", ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in counts.items())
