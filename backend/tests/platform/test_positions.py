"""Positions in the log, what is known of the primary, and which host is connected to."""

from __future__ import annotations

import asyncio
import time

import pytest

from reqtrail.platform.circuit import FAILURES
from reqtrail.platform.database.away import PrimaryAway
from reqtrail.platform.database.connecting import writable_host
from reqtrail.platform.database.positions import (
    UNKNOWN,
    Writing,
    end_of_record,
    read_position,
    write_position,
)
from reqtrail.platform.database.primary import BRIEF_SECONDS, Primary

pytestmark = pytest.mark.anyio

PAGE = 8192


@pytest.mark.parametrize("written", ["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF", "1/A"])
def test_a_position_is_read_as_it_is_written(written: str) -> None:
    position = read_position(written)
    assert position is not None and write_position(position) == written


@pytest.mark.parametrize(
    "text", [None, "", "unknown", "1", "1/", "/1", "1/2/3", "-1/2", "G/1", "123456789/1", "1/2\n3"]
)
def test_what_is_no_position_is_none(text: str | None) -> None:
    assert read_position(text) is None


def test_the_end_of_a_record_is_not_the_header_of_the_next_page() -> None:
    assert end_of_record(5 * PAGE + 24, PAGE) == 5 * PAGE
    assert end_of_record(5 * PAGE + 32, PAGE) == 5 * PAGE + 32
    assert end_of_record(5 * PAGE - 8, PAGE) == 5 * PAGE - 8


def test_an_answer_says_the_newest_position_or_that_it_is_not_known() -> None:
    written = Writing()
    said = [written.header]
    for position in (read_position("1/A"), None):
        written.note(position)
        said.append(written.header)
    assert said == [None, "1/A", UNKNOWN]


def _refuse() -> None:
    raise ConnectionRefusedError


def test_the_primary_is_worth_waiting_for_a_few_seconds() -> None:
    now = 0.0
    primary = Primary(monotonic=lambda: now)

    def state() -> tuple[bool, bool]:
        return primary.is_away, primary.is_briefly_away

    assert state() == (False, False)
    for _ in range(FAILURES):
        with pytest.raises(PrimaryAway), primary.asked():
            _refuse()
    assert state() == (True, True)
    asked = False
    with pytest.raises(PrimaryAway), primary.asked():
        asked = True
    assert not asked  # it is left alone for a moment
    now = BRIEF_SECONDS + 0.1
    assert state() == (True, False)
    now += 60
    with primary.asked():
        pass
    assert state() == (False, False)


async def test_a_host_that_swallows_connections_does_not_use_up_the_time_of_the_others() -> None:
    """The first one takes connections and says nothing, the second one refuses: both are tried, each for its time."""
    tried = 0

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tried
        tried += 1
        await reader.read()
        writer.close()

    async with await asyncio.start_server(swallow, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connect = writable_host(0.3)
        began = time.monotonic()
        with pytest.raises(PrimaryAway):
            await connect(
                host=["127.0.0.1", "127.0.0.1"], port=[port, 1], user="nobody", database="none"
            )
        assert 0.25 < time.monotonic() - began < 5
        assert tried == 1
