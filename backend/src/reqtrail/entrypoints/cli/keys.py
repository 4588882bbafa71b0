"""``keys list|make|rotate|rotate-signing``."""

from __future__ import annotations

import base64
import secrets
from dataclasses import asdict
from typing import Annotated

import typer

from reqtrail.entrypoints.cli.output import print_json

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this module to *app*."""
    keys = typer.Typer(
        help="Keys that encrypt stored secrets, and those that sign.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    keys.command("list")(list_keys)
    keys.command("make")(make_key)
    keys.command("rotate")(rotate_keys)
    keys.command("rotate-signing")(rotate_signing)
    app.add_typer(keys, name="keys")


def list_keys(json: Json = False) -> None:
    """List the master keys of the local instance, and how many data keys each of them wraps.

    A master key that wraps none is needed for old backups only.

    Example: reqtrail keys list
    """
    # These commands work on the database itself; loading the server would cost every other one a second.
    from reqtrail.entrypoints.cli import local_keys

    uses = local_keys.list_keys()
    if json:
        print_json([asdict(use) for use in uses])
        return
    for use in uses:
        state = "active" if use.active else "passive" if use.known else "MISSING"
        typer.echo(f"{use.master_id}  {state:<8} wraps {use.wraps} data keys")


def make_key() -> None:
    """Print a new master key for REQTRAIL_MASTER_KEYS or a key file.

    Example: reqtrail keys make
    """
    typer.echo(base64.b64encode(secrets.token_bytes(32)).decode())


def rotate_keys(
    new_master: Annotated[
        bool, typer.Option("--new-master", help="First make a new master key in the key file.")
    ] = False,
    renew: Annotated[
        bool, typer.Option("--renew", help="Replace data keys too and encrypt all secrets anew.")
    ] = False,
    json: Json = False,
) -> None:
    """Wrap all data keys by the active master key, while the instance runs.

    Run it again if it was interrupted; it then goes on.

    Example: reqtrail keys rotate --new-master
    """
    from reqtrail.entrypoints.cli import local_keys

    done = local_keys.rotate_keys(new_master=new_master, renew=renew)
    if json:
        print_json(asdict(done))
        return
    typer.echo(f"Master key {done.master_id} wraps all data keys; {done.rewrapped} had another.")
    if renew or done.resealed:
        typer.echo(
            f"{done.renewed} data keys were replaced, {done.resealed} secrets encrypted anew."
        )
    if done.unreadable:
        typer.echo(f"{done.unreadable} secrets cannot be read and were left as they are.")


def rotate_signing(
    revoke: Annotated[
        bool,
        typer.Option("--revoke", help="Refuse what the former keys signed at once: after a leak."),
    ] = False,
    json: Json = False,
) -> None:
    """Make a new key for access tokens, while the instance runs. Nobody is signed out.

    All API processes sign with it within seconds. What the former key signed stays good until it expires. With --revoke
    it does not; browsers then get new tokens by themselves.

    Example: reqtrail keys rotate-signing
    """
    from reqtrail.entrypoints.cli import local_keys

    kid = local_keys.rotate_signing_key(revoke=revoke)
    if json:
        print_json({"kid": kid, "revoked": revoke})
        return
    typer.echo(f"The new signing key is {kid}.")
    if revoke:
        typer.echo("What the former keys signed is refused from now on.")
