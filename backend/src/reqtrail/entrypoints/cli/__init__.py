"""The command ``reqtrail``."""

from __future__ import annotations

import typer

from reqtrail.entrypoints.cli import (
    accounts,
    audit,
    blaming,
    branches,
    doctor,
    exchange,
    histories,
    history,
    instance,
    keys,
    mails,
    redacting,
    restoring,
)
from reqtrail.entrypoints.cli.output import EXIT_CODES

app = typer.Typer(
    name="reqtrail",
    help=f"Reqtrail: the scalable requirements tracker.\n\n{EXIT_CODES}",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
)
instance.add_to(app)
doctor.add_to(app)
exchange.add_to(app)
histories.add_to(app)
history.add_to(app)
blaming.add_to(app)
restoring.add_to(app)
redacting.add_to(app)
branches.add_to(app)
accounts.add_to(app)
audit.add_to(app)
keys.add_to(app)
mails.add_to(app)


def main() -> None:
    """Run the command line."""
    app()
