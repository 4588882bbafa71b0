"""``user add|list|reset-password`` and ``token create``."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from reqtrail.entrypoints.cli.client import connect
from reqtrail.entrypoints.cli.output import print_json

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Email = Annotated[str, typer.Argument(help="The account's e-mail address.")]
Password = Annotated[
    str | None,
    typer.Option(
        envvar="REQTRAIL_NEW_PASSWORD",
        help="The password; without it one is made and printed.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to *app*."""
    users = typer.Typer(help="Accounts.", no_args_is_help=True, rich_markup_mode=None)
    users.command("add")(add_user)
    users.command("list")(list_users)
    users.command("reset-password")(reset_password)
    app.add_typer(users, name="user")
    tokens = typer.Typer(help="API tokens.", no_args_is_help=True, rich_markup_mode=None)
    tokens.command("create")(create_token)
    app.add_typer(tokens, name="token")


def add_user(
    email: Email,
    name: Annotated[str, typer.Option(help="The name that others see.")],
    password: Password = None,
    administrator: Annotated[bool, typer.Option("--administrator")] = False,
    json: Json = False,
) -> None:
    """Make an account (administrators).

    Example: reqtrail user add ada@example.org --name "Ada Lovelace"
    """
    chosen = password or secrets.token_urlsafe(15)
    body = {
        "email": email,
        "display_name": name,
        "password": chosen,
        "is_administrator": administrator,
    }
    with connect() as client:
        made = client.post("/users", json=body)
    shown = {} if password else {"password": chosen}
    if json:
        print_json({**made, **shown})
        return
    typer.echo(f"Made the account {made['email']} ({made['display_name']}).")
    if shown:
        typer.echo(f"Its password, shown this once: {chosen}")


def list_users(json: Json = False) -> None:
    """List all accounts (administrators).

    Example: reqtrail user list
    """
    with connect() as client:
        users = client.get("/users")
    if json:
        print_json(users)
        return
    for user in users:
        marks = [
            word
            for word, is_so in (
                ("administrator", user["is_administrator"]),
                ("disabled", not user["active"]),
            )
            if is_so
        ]
        suffix = f" ({', '.join(marks)})" if marks else ""
        typer.echo(f"{user['email']:<40} {user['display_name']}{suffix}")


def reset_password(email: Email, password: Password = None, json: Json = False) -> None:
    """Set a password directly in the local instance's database; the account's sign-ins and tokens end.

    This is the administrator's way back in. It needs access to the machine, not a password.

    Example: reqtrail user reset-password admin@reqtrail.local
    """
    # Only this command works on the database itself; loading the server would cost every other one a second.
    from reqtrail.entrypoints.cli import local

    chosen = local.set_password(email, password)
    shown = {} if password else {"password": chosen}
    if json:
        print_json({"email": email, **shown})
        return
    typer.echo(f"The password of {email} was set.")
    if shown:
        typer.echo(f"It is, shown this once: {chosen}")


def create_token(
    name: Annotated[str, typer.Option(help="What the token is for.")],
    days: Annotated[
        int | None,
        typer.Option(
            min=1, max=3650, help="Days until it ends; as long as the instance allows if left out."
        ),
    ] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            help="A permission it shall have, such as document:read; repeatable. All of yours if left out."
        ),
    ] = None,
    project: Annotated[
        list[str] | None,
        typer.Option(
            help="A project it shall be good for; repeatable. All that you see if left out."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Make an API token that acts as you, or for less than you may do; it is printed this once.

    Example: reqtrail token create --name ci --days 90 --project BRK --allow project:read --allow document:read
    """
    body = {"name": name, "days": days, "permissions": allow or None, "projects": project or None}
    with connect() as client:
        made = client.post("/me/tokens", json=body)
    if json:
        print_json(made)
    else:
        typer.echo(made["token"])
