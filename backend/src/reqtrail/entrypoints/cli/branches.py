"""``branch`` and ``baseline``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from reqtrail.entrypoints.cli.client import Client, connect, download
from reqtrail.entrypoints.cli.following import follow
from reqtrail.entrypoints.cli.output import Exit, console, fail, plain, print_json

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Project = Annotated[str, typer.Option("--project", "-p", help="The project's key, as BRK.")]
Name = Annotated[str, typer.Argument(help="The name of the branch.")]
Prefer = Annotated[
    str | None,
    typer.Option(help="Decide every conflict for one side: `ours` is the side written to."),
]
END_STATES: Final = frozenset({"done", "failed", "dead", "cancelled"})
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; write nothing.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to *app*."""
    branch = typer.Typer(help="Branches: make, list, update, merge, close.", no_args_is_help=True)
    for name, command in (
        ("list", list_branches),
        ("create", create_branch),
        ("update", update_branch),
        ("merge", merge_branch),
        ("close", close_branch),
    ):
        branch.command(name)(command)
    app.add_typer(branch, name="branch")
    baseline = typer.Typer(help="Baselines: make, list, export.", no_args_is_help=True)
    baseline.command("list")(list_baselines)
    baseline.command("create")(create_baseline)
    baseline.command("export")(export_baseline)
    app.add_typer(baseline, name="baseline")


def list_branches(project: Project, json: Json = False) -> None:
    """List the branches of a project with what they and their parents do not have of each other.

    Example: reqtrail branch list --project BRK
    """
    with connect() as client:
        answer = client.get(f"/projects/{project}/branches")
    if json:
        print_json(answer)
        return
    out = console()
    for item in answer["branches"]:
        line = Text(f"{item['name']:<24} ", style="bold")
        line.append(f"{item['state']:<10} version {item['head']['seq']:>6}")
        if item["parent"]:
            line.append(f"  +{item['ahead']} -{item['behind']} against {item['parent']}")
        if item["protected"]:
            line.append("  protected", style="yellow")
        out.print(line)


def create_branch(
    name: Name,
    project: Project,
    at: Annotated[str, typer.Option("--from", help="The version to start from.")] = "main",
    json: Json = False,
) -> None:
    """Make a branch from any version.

    Examples:
    reqtrail branch create winter-tyres --project BRK;
    reqtrail branch create fix-1.2 --from "Release 1.2" --project BRK
    """
    with connect() as client:
        made = client.post(f"/projects/{project}/branches", json={"name": name, "ref": at})
    if json:
        print_json(made)
    else:
        typer.echo(f"{made['name']} starts as version {made['base']} of {made['parent']}.")


def update_branch(
    name: Name, project: Project, prefer: Prefer = None, dry_run: DryRun = False, json: Json = False
) -> None:
    """Take over what the parent of a branch has got since; code 5 if something has to be chosen.

    Example: reqtrail branch update winter-tyres --project BRK
    """
    _merge("update", name, project, prefer, dry_run, json)


def merge_branch(
    name: Name, project: Project, prefer: Prefer = None, dry_run: DryRun = False, json: Json = False
) -> None:
    """Give what a branch has got to its parent; code 5 if something has to be chosen.

    Examples:
    reqtrail branch merge winter-tyres --project BRK --dry-run;
    reqtrail branch merge winter-tyres --project BRK --prefer theirs
    """
    _merge("merge", name, project, prefer, dry_run, json)


def close_branch(
    name: Name,
    project: Project,
    discard: Annotated[
        bool, typer.Option("--discard", help="Close it with what was never merged.")
    ] = False,
    json: Json = False,
) -> None:
    """Close a branch that is merged. It can be read for ever.

    Example: reqtrail branch close winter-tyres --project BRK
    """
    with connect() as client:
        branch = _find(client, project, name)
        path = f"/projects/{project}/branches/{branch['id']}/close"
        closed = client.post(path, params={"discard": discard})
    if json:
        print_json(closed)
    else:
        typer.echo(f"{closed['name']} is {closed['state']}.")


def list_baselines(project: Project, json: Json = False) -> None:
    """List the baselines of a project, newest first.

    Example: reqtrail baseline list --project BRK
    """
    with connect() as client:
        answer = client.get(f"/projects/{project}/baselines")
    if json:
        print_json(answer)
        return
    out = console()
    for item in answer["baselines"]:
        line = Text(f"{item['name']:<24} ", style="bold")
        line.append(f"{item['commit'][:10]} ", style="yellow")
        line.append(f"{item['branch']}@{item['seq']} {item['made_at'][:10]} ")
        line.append(item["author"]["display_name"], style="dim")
        seal = item["seal"] or {"state": "not sealed", "root": None}
        line.append(f"  {seal['state']} {(seal['root'] or '')[:16]}", style="green")
        out.print(line)


def create_baseline(
    name: Annotated[str, typer.Argument(help="The name, given for good.")],
    project: Project,
    at: Annotated[str, typer.Option("--at", help="The version to name.")] = "main",
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    json: Json = False,
) -> None:
    """Give a version a name that never changes its meaning.

    Example: reqtrail baseline create "Release 1.2" --at main@120 --project BRK
    """
    body = {"name": name, "ref": at, "description": description}
    with connect() as client:
        made = client.post(f"/projects/{project}/baselines", json=body)
    if json:
        print_json(made)
    else:
        typer.echo(f"{made['name']} is {made['branch']}@{made['seq']}, {made['commit'][:10]}.")


def export_baseline(
    name: Annotated[str, typer.Argument(help="The name of the baseline.")],
    project: Project,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write; .json.")],
) -> None:
    """Write everything that a sealed baseline names, with proofs that examples/verify_baseline.py checks offline.

    Example: reqtrail baseline export "Release 1.2" --project BRK -o release-1.2.json
    """
    with connect() as client:
        listed = client.get(f"/projects/{project}/baselines")["baselines"]
        found = next((item for item in listed if item["name"] == name), None)
        if found is None:
            raise fail(Exit.REFUSED, f"There is no baseline “{name}”.")
        download(client, f"/projects/{project}/baselines/{found['id']}/proof", {}, output)


def _find(client: Client, project: str, name: str) -> dict[str, Any]:
    listed = client.get(f"/projects/{project}/branches")["branches"]
    found: dict[str, Any] | None = next((item for item in listed if item["name"] == name), None)
    if found is None:
        known = ", ".join(item["name"] for item in listed if item["state"] == "open")
        raise fail(Exit.REFUSED, f"There is no branch “{name}”; open are {known}.")
    return found


def _merge(
    direction: str, name: str, project: str, prefer: str | None, dry_run: bool, json: bool
) -> None:
    if prefer not in (None, "ours", "theirs", "base"):
        raise fail(Exit.USAGE, "--prefer takes ours, theirs or base.")
    with connect() as client:
        branch = _find(client, project, name)
        path = f"/projects/{project}/branches/{branch['id']}"
        preview = _preview(client, path, direction, prefer)
        left = [item for item in preview["conflicts"] if item["open"]]
        if left or dry_run:
            _show(preview, left, json)
            if left:
                raise typer.Exit(int(Exit.CONFLICT))
            return
        asked = {
            "direction": direction,
            "resolutions": preview["resolutions"],
            "branch_seq": preview["branch_seq"],
            "parent_seq": preview["parent_seq"],
        }
        if preview["large"]:
            _merge_by_worker(client, project, f"{path}/merge", asked, json)
            return
        outcome = client.post(f"{path}/merge", json=asked)
    if json:
        print_json(outcome)
    else:
        _tell(outcome["ref"]["branch"], outcome["ref"]["seq"], len(outcome["changes"]))


def _merge_by_worker(
    client: Client, project: str, path: str, asked: dict[str, Any], json: bool
) -> None:
    """Have a worker do a large merge, and show how far it is until it has ended."""
    job = client.post(path, json=asked, prefer="respond-async")
    job = follow(client, f"/projects/{project}/jobs/{job['id']}", job, END_STATES)
    if job["state"] != "done":
        error = job["error"] or {}
        conflict = error.get("code") in {"merge_conflict", "merge_stale"}
        raise fail(
            Exit.CONFLICT if conflict else Exit.REFUSED,
            error.get("detail") or f"The merge was {job['state']}.",
            problem=error.get("code"),
        )
    branch, seq = job["result"]["branch"], job["result"]["seq"]
    if json:
        ref = client.get(f"/projects/{project}/refs/resolve", ref=f"{branch}@{seq}")
        print_json({"ref": ref, "job": job})
    else:
        _tell(branch, seq, job["result"]["changes"])


def _tell(branch: str, seq: int, count: int) -> None:
    typer.echo(f"{branch} is at version {seq}: {count} changed.")


def _preview(client: Client, path: str, direction: str, prefer: str | None) -> dict[str, Any]:
    """Return the preview, with every conflict decided for one side if asked; a choice can bring up others."""
    resolutions: list[dict[str, Any]] = []
    while True:
        body = {"direction": direction, "resolutions": resolutions}
        preview: dict[str, Any] = client.post(f"{path}/merge-preview", json=body)
        chosen = {(one["kind"], one["id"], one["field"], one["field_key"]) for one in resolutions}
        new = [
            {**place, "choose": prefer}
            for item in preview["conflicts"]
            if item["open"]
            and (place := {part: item[part] for part in ("kind", "id", "field", "field_key")})
            and tuple(place.values()) not in chosen
        ]
        if prefer is None or not new:
            return {**preview, "resolutions": resolutions}
        resolutions.extend(new)


def _show(preview: Mapping[str, Any], left: list[dict[str, Any]], json: bool) -> None:
    if json:
        print_json(preview)
        return
    out = console()
    for item in left:
        where = f"{item['kind']} {item['key'] or item['id']}: {item['field']}"
        out.print(Text(item["reason"] or where, style="red"))
        for side in ("base", "ours", "theirs"):
            out.print(Text(f"    {side:<6} {plain(item[side])}"))
    into = preview["ours"]["branch"]
    out.print(f"{len(preview['changes'])} would change in {into}, {len(left)} to be chosen")
