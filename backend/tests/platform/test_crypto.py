"""Secrets at rest: what is sealed opens in its own row alone, and rotating keys loses nothing."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from reqtrail.bootstrap.sealed_columns import SEALED_COLUMNS
from reqtrail.bootstrap.vault import prepare_secrets
from reqtrail.entrypoints.web import create_app
from reqtrail.features.files.public import attachments, corrupt, load, store
from reqtrail.platform.crypto import KeysUnusable, SealedColumn, SecretUnreadable, open_vault
from reqtrail.platform.crypto.envelope import decrypt, encrypt, key_of
from reqtrail.platform.crypto.keyring import Keyring, new_key_text
from reqtrail.platform.crypto.rotation import Rotation, master_uses, rotate
from reqtrail.platform.crypto.tables import data_keys
from reqtrail.platform.crypto.vault import vault_of
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.settings import Settings
from tests.factories.engine import Bench
from tests.fixtures.engines import Engines

pytestmark = pytest.mark.anyio


@pytest.fixture
def own(engines: Engines, worker: str, tmp_path: Path) -> Settings:
    """Settings of an instance with a database and a home for itself, which encrypts attachments."""
    url = engines.clone(f"crypto_{worker}")
    return Settings(home=tmp_path / "home", database_url=url, encrypt_attachments=True)


@asynccontextmanager
async def process(settings: Settings, pool_size: int = 4) -> AsyncIterator[Database]:
    """What a process of the product has: a database of its own, with the keys of *settings*.

    It has the login of the owner, as the command has that rotates; no wall is in the way of what tests tamper with.
    """
    assert settings.database_url is not None
    database = Database(make_engine(settings.database_url, role=None, pool_size=pool_size))
    try:
        await prepare_secrets(database, settings)
        yield database
    finally:
        await database.dispose()


async def kept(database: Database, project_id: UUID, data: bytes) -> bytes:
    async with database.session() as session:
        return await store(session, project_id, data)


async def read(database: Database, project_id: UUID, digest: bytes) -> bytes | None:
    async with database.read_session() as session:
        return await load(session, project_id, digest)


async def stored(database: Database, project_id: UUID, digest: bytes) -> bytes:
    async with database.read_session() as session:
        statement = select(attachments.c.data).where(
            attachments.c.project_id == project_id, attachments.c.sha256 == digest
        )
        found: bytes = (await session.scalars(statement)).one()
        return found


def masters(settings: Settings) -> list[str]:
    return (settings.home / "master.keys").read_text().split()


async def test_what_is_stored_is_encrypted_and_read_again(own: Settings) -> None:
    async with process(own) as database:
        project_id = (await Bench(database, database).project()).project_id
        digest = await kept(database, project_id, b"the brake drawing")
        sealed = await stored(database, project_id, digest)
        assert b"brake" not in sealed and len(sealed) == len(b"the brake drawing") + 45
        assert await read(database, project_id, digest) == b"the brake drawing"
        async with database.read_session() as session:
            assert [found async for found in corrupt(session, project_id)] == []
    async with process(own) as database:
        assert await read(database, project_id, digest) == b"the brake drawing"
    key_file = own.home / "master.keys"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600


async def test_a_ciphertext_opens_in_its_own_row_alone(own: Settings) -> None:
    async with process(own) as database:
        bench = Bench(database, database)
        here, there = (await bench.project()).project_id, (await bench.project()).project_id
        one, two = [await kept(database, here, data) for data in (b"one", b"two")]
        other = await kept(database, there, b"one")
        sealed = await stored(database, here, one)
        for project_id, digest in ((here, two), (there, other)):
            async with database.session() as session:
                await session.execute(
                    update(attachments)
                    .where(attachments.c.project_id == project_id, attachments.c.sha256 == digest)
                    .values(data=sealed)
                )
            with pytest.raises(SecretUnreadable):
                await read(database, project_id, digest)
            async with database.read_session() as session:
                told = [text async for _, text in corrupt(session, project_id)]
            assert told == ["The attachment's encrypted bytes were changed."]
        assert await read(database, here, one) == b"one"


async def test_each_project_has_a_data_key_of_its_own(own: Settings) -> None:
    async with process(own) as database:
        bench = Bench(database, database)
        projects = [(await bench.project()).project_id for _ in range(2)]
        keys = set()
        for project_id in projects:
            for data in (b"a", b"b"):
                digest = await kept(database, project_id, data)
                keys.add((project_id, key_of(await stored(database, project_id, digest))))
        assert len(keys) == len({key for _, key in keys}) == 2
        # A data key that was moved to another project opens nothing there.
        async with database.session() as session:
            wrapped = select(data_keys.c.wrapped).where(data_keys.c.project_id == projects[0])
            await session.execute(
                update(data_keys)
                .where(data_keys.c.project_id == projects[1])
                .values(wrapped=wrapped.scalar_subquery())
            )
    assert own.database_url is not None
    database = Database(make_engine(own.database_url, role=None, pool_size=1))
    try:
        with pytest.raises(KeysUnusable, match="was changed"):
            await open_vault(database, own)
            await read(database, projects[1], digest)
    finally:
        await database.dispose()


async def test_many_first_writers_share_one_data_key(own: Settings) -> None:
    async with process(own, pool_size=8) as database:
        project_id = (await Bench(database, database).project()).project_id
        contents = [f"content {number}".encode() for number in range(8)]
        digests = await asyncio.gather(*(kept(database, project_id, data) for data in contents))
        keys = {key_of(await stored(database, project_id, digest)) for digest in digests}
        assert len(keys) == 1


async def test_a_missing_or_wrong_master_key_stops_the_start(own: Settings) -> None:
    async with process(own) as database:
        project_id = (await Bench(database, database).project()).project_id
        digest = await kept(database, project_id, b"data")
        used = vault_of(database).ring.active.key_id
    key_file = own.home / "master.keys"
    right = key_file.read_text()
    key_file.unlink()
    with pytest.raises(KeysUnusable, match=f"{used}, which is not in {key_file}"):
        async with process(own):
            pass
    assert not key_file.exists(), "a second key must never take the place of a lost one"
    key_file.write_text(new_key_text())
    app = create_app(own)
    with pytest.raises(KeysUnusable, match=used):
        async with app.router.lifespan_context(app):
            pass
    wrong = own.model_copy(update={"master_keys": Settings(master_keys=new_key_text()).master_keys})
    with pytest.raises(KeysUnusable, match="REQTRAIL_MASTER_KEYS"):
        async with process(wrong):
            pass
    several = f"{new_key_text()}, {right.strip()}"
    as_setting = own.model_copy(update={"master_keys": Settings(master_keys=several).master_keys})
    async with process(as_setting) as database:
        assert await read(database, project_id, digest) == b"data"


@pytest.mark.parametrize("text", ["", "short", "A" * 43 + "=", "not base64 at all!", "AAAA"])
def test_what_is_no_random_key_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "master.keys").write_text(f"# ours\n{new_key_text()}\n{text or '-'}\n")
    with pytest.raises(KeysUnusable, match="32 random bytes"):
        Keyring(Settings(home=tmp_path))


def test_two_first_starts_end_with_one_key(tmp_path: Path) -> None:
    first, second = Keyring(Settings(home=tmp_path)), Keyring(Settings(home=tmp_path))
    first.make_first()
    second.make_first()
    assert first.active.key_id == second.active.key_id
    assert len(list(tmp_path.iterdir())) == 1


def test_places_are_unambiguous() -> None:
    column = SealedColumn("a.b", attachments, "data", ("x", "y"))
    assert column.place(("ab", "c")) != column.place(("a", "bc"))
    assert column.place((b"ab", b"c")) != SealedColumn("a.", attachments, "data", ("x", "y")).place(
        ("bab", "c")
    )
    with pytest.raises(ValueError, match="x, y"):
        column.place(("ab",))


def test_every_byte_of_a_ciphertext_counts() -> None:
    key, key_id = os.urandom(32), UUID(int=7)
    sealed = encrypt(key, key_id, b"here", b"secret")
    assert decrypt(key, b"here", sealed) == b"secret"
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(SecretUnreadable):
            decrypt(key, b"here", bytes(changed))
    for end in range(len(sealed)):
        with pytest.raises(SecretUnreadable):
            key_of(sealed[:end]) if end < 45 else decrypt(key, b"here", sealed[:end])


async def test_a_new_master_key_wraps_what_an_old_one_did(own: Settings) -> None:
    async with process(own) as server:
        project_id = (await Bench(server, server).project()).project_id
        digest = await kept(server, project_id, b"data")
        before = await stored(server, project_id, digest)
        async with process(own) as command:
            done = await rotate(command, SEALED_COLUMNS, new_master=True)
            assert (done.rewrapped, done.renewed, done.resealed) == (1, 0, 0)
            uses = await master_uses(command)
        assert [(use.active, use.known, use.wraps) for use in uses] == [
            (True, True, 1),
            (False, True, 0),
        ]
        assert await stored(server, project_id, digest) == before
        # A process that started earlier takes the new key up without a restart.
        other = (await Bench(server, server).project()).project_id
        assert await read(server, other, await kept(server, other, b"more")) == b"more"
        async with process(own) as command:
            assert [use.wraps for use in await master_uses(command)] == [2, 0]
    (own.home / "master.keys").write_text(masters(own)[0])
    async with process(own) as restarted:
        assert await read(restarted, project_id, digest) == b"data"


async def test_renewed_data_keys_encrypt_everything_anew(own: Settings) -> None:
    async with process(own) as database:
        project_id = (await Bench(database, database).project()).project_id
        digests = [await kept(database, project_id, bytes([n]) * 9) for n in range(120)]
        before = key_of(await stored(database, project_id, digests[0]))
        done = await rotate(database, SEALED_COLUMNS, renew=True)
        assert (done.renewed, done.resealed, done.unreadable) == (1, 120, 0)
        for number, digest in enumerate(digests):
            assert key_of(await stored(database, project_id, digest)) != before
            assert await read(database, project_id, digest) == bytes([number]) * 9
        again = await rotate(database, SEALED_COLUMNS)
        assert again == Rotation(again.master_id)


async def test_what_cannot_be_read_is_counted_and_left_alone(own: Settings) -> None:
    async with process(own) as database:
        project_id = (await Bench(database, database).project()).project_id
        good, bad = [await kept(database, project_id, data) for data in (b"good", b"bad")]
        broken = (await stored(database, project_id, bad))[:-1] + b"!"
        async with database.session() as session:
            await session.execute(
                update(attachments).where(attachments.c.sha256 == bad).values(data=broken)
            )
        done = await rotate(database, SEALED_COLUMNS, renew=True)
        assert (done.resealed, done.unreadable) == (1, 1)
        assert await read(database, project_id, good) == b"good"
        assert await stored(database, project_id, bad) == broken


async def test_rotating_under_writes_loses_nothing(own: Settings) -> None:
    """Two processes write and read while master and data keys are renewed again and again, some runs cut off."""
    rounds, finished = 12, asyncio.Event()
    async with process(own) as one, process(own) as two, process(own) as command:
        projects = [(await Bench(one, one).project()).project_id for _ in range(2)]
        written: dict[tuple[UUID, bytes], bytes] = {}

        async def write(database: Database, name: str) -> None:
            number = 0
            while not finished.is_set() or number < 20:
                number += 1
                project_id, data = projects[number % 2], f"{name} {number}".encode()
                written[project_id, await kept(database, project_id, data)] = data
                place = [*written][number * 7 % len(written)]
                assert await read(database, *place) == written[place]

        writers = [asyncio.create_task(write(one, "one")), asyncio.create_task(write(two, "two"))]
        try:
            for number in range(rounds):
                run = rotate(command, SEALED_COLUMNS, new_master=number % 3 == 0, renew=True)
                try:
                    await asyncio.wait_for(run, 0.01 * number if number % 2 else 60)
                except TimeoutError:
                    continue  # cut off in the middle of its work
        finally:
            finished.set()
            await asyncio.gather(*writers)
        last = await rotate(command, SEALED_COLUMNS)
        assert last.unreadable == 0
    (own.home / "master.keys").write_text(masters(own)[0])
    async with process(own) as restarted:
        for (project_id, digest), data in written.items():
            assert await read(restarted, project_id, digest) == data
        async with restarted.read_session() as session:
            counted = await session.scalar(select(func.count()).select_from(attachments))
        assert counted == len(written) >= 40
