"""``up``, ``status``, ``version``."""

from __future__ import annotations

import platform
from typing import Annotated

import typer
from pydantic import ValidationError

from reqtrail import __version__
from reqtrail.entrypoints.cli.client import connect
from reqtrail.entrypoints.cli.output import Exit, fail, print_json
from reqtrail.platform.settings import Settings, complaint

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to *app*."""
    app.command("up")(up)
    app.command("status")(status)
    app.command("version")(version)


def up(
    api: Annotated[
        int | None, typer.Option(min=1, max=64, help="How many API processes share the port.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="How many workers share the jobs.")
    ] = None,
) -> None:
    """Run a whole instance in the foreground: PostgreSQL, Valkey, the server and workers, until Ctrl-C.

    Example: reqtrail up --api 2 --workers 2
    """
    counts = {"api_processes": api, "worker_processes": workers}
    given = {name: count for name, count in counts.items() if count is not None}
    try:
        settings = Settings().model_copy(update=given)
    except ValidationError as error:
        raise fail(Exit.USAGE, complaint(error)) from None
    # Only this command needs the server; loading it would cost every other one a second.
    from reqtrail.entrypoints.embedded.errors import StartError
    from reqtrail.entrypoints.embedded.supervisor import run_up

    try:
        code = run_up(settings, typer.echo)
    except StartError as error:
        fail(Exit.FAILED, str(error))
        raise typer.Exit(error.exit_code) from None
    raise typer.Exit(code)


def status(json: Json = False) -> None:
    """Tell whether the server is ready, and who this command line is signed in as.

    Example: reqtrail status --json
    """
    with connect() as client:
        health = client.get("/health/ready")
        user = client.get("/me")
        projects = client.get("/projects")
        url = str(client.http.base_url).rstrip("/")
    if json:
        print_json({"url": url, "health": health, "user": user, "projects": projects})
        return
    state = "is ready" if health["status"] == "ok" else "can be read, and saves nothing at present"
    typer.echo(f"{url} {state}. You are {user['display_name']} <{user['email']}>.")
    for project in projects:
        typer.echo(f"  {project['key']:<10} {project['name']} (version {project['head']['seq']})")


def version(json: Json = False) -> None:
    """Print the version.

    Example: reqtrail version
    """
    if json:
        print_json({"reqtrail": __version__, "python": platform.python_version()})
    else:
        typer.echo(f"reqtrail {__version__}")
