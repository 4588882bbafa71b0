"""The secret and the master keys."""

from __future__ import annotations

from typing import Final

from reqtrail.kit.secret_strength import weakness
from reqtrail.platform.checks.model import (
    Check,
    Finding,
    Installation,
    failed,
    fine,
    in_thread,
    warning,
)
from reqtrail.platform.crypto import KeysUnusable
from reqtrail.platform.crypto.keyring import Keyring
from reqtrail.platform.crypto.vault import check_vault
from reqtrail.platform.settings import MAKE_A_SECRET


async def _secret(installation: Installation) -> Finding:
    return await in_thread(lambda: _look_at_secret(installation))


def _look_at_secret(installation: Installation) -> Finding:
    settings, path = installation.settings, installation.settings.home / "secret.key"
    make = f"Make one with `{MAKE_A_SECRET}`."
    if "secret_key" in installation.invalid:
        return failed("secret_weak", "REQTRAIL_SECRET_KEY can be guessed.", make)
    if settings.secret_key is not None:
        return fine("REQTRAIL_SECRET_KEY is strong.")
    try:
        found = weakness(path.read_bytes().strip().decode("utf-8", "replace"))
    except FileNotFoundError:
        return warning(
            "secret_missing",
            f"There is no secret yet: neither REQTRAIL_SECRET_KEY nor {path}.",
            "Start the instance, which makes one; set the variable where several machines serve.",
        )
    except OSError as error:
        return failed(
            "secret_unreadable",
            f"{path} cannot be read: {error.strerror}.",
            "Give the file to the user that runs Reqtrail.",
        )
    if found is not None:
        return failed("secret_weak", f"The secret in {path} {found}.", make)
    return fine(f"The secret in {path} is strong.")


async def _master(installation: Installation) -> Finding:
    try:
        ring = await in_thread(lambda: Keyring(installation.settings))
    except KeysUnusable as error:
        return failed("master_key_invalid", str(error), "Put the right key back from your backup.")
    if ring.keys:
        count = len(ring.keys)
        return fine(f"{ring.source} has {count} master key{'s' * (count > 1)}.", keys=count)
    return warning(
        "master_key_missing",
        f"There is no master key in {ring.source}.",
        "The first start makes one. If there was one before, put it back from your backup.",
    )


async def _opens(installation: Installation) -> Finding:
    try:
        ring = await in_thread(lambda: Keyring(installation.settings))
        used = await check_vault(installation.opened(), ring)
    except KeysUnusable as error:
        return failed(
            "master_key_wrong", str(error), "Nothing starts without it: put the key back first."
        )
    if not used:
        return fine("The database holds no secrets yet.")
    return fine("The master keys open the secrets of the database.")


CHECKS: Final = (
    Check("keys.secret", "Secret", _secret),
    Check("keys.master", "Master keys", _master),
    Check("keys.data", "Stored secrets", _opens, needs=("database.migrations", "keys.master")),
)
