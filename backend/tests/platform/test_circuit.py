"""The circuit breaker: when it opens, who may try, when it closes again."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import generate_latest

from reqtrail.platform.circuit import FAILURES, LONGEST_SECONDS, Circuit, CircuitOpen
from reqtrail.platform.metrics import registry

pytestmark = pytest.mark.anyio


class Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


class Dependency:
    """Something that is away or answers, and counts how often it was asked."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.error: BaseException | None = OSError("away")
        self.asked = 0

    def ask(self) -> None:
        with self.circuit.call(OSError):
            self.asked += 1
            if self.error is not None:
                raise self.error


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dependency(clock: Clock) -> Dependency:
    return Dependency(Circuit("a test", monotonic=clock, spread=lambda: 1.0))


def open_it(dependency: Dependency) -> None:
    for _ in range(FAILURES):
        with pytest.raises(OSError, match="away"):
            dependency.ask()
    assert dependency.circuit.is_open


def test_what_fails_again_and_again_is_asked_no_more(dependency: Dependency) -> None:
    open_it(dependency)
    for _ in range(10):
        with pytest.raises(CircuitOpen):
            dependency.ask()
    assert dependency.asked == FAILURES
    shown = generate_latest(registry).decode()
    assert 'reqtrail_circuit_open{dependency="a test"} 1.0' in shown
    assert 'reqtrail_circuit_refused_total{dependency="a test"}' in shown


def test_a_failure_now_and_then_opens_nothing(dependency: Dependency) -> None:
    for _ in range(5 * FAILURES):
        dependency.error = OSError("away")
        with pytest.raises(OSError, match="away"):
            dependency.ask()
        dependency.error = None
        dependency.ask()
    assert not dependency.circuit.is_open


def test_an_answer_closes_it_after_the_pause(dependency: Dependency, clock: Clock) -> None:
    open_it(dependency)
    dependency.error = None
    clock.at += 0.6
    dependency.ask()
    dependency.ask()
    assert not dependency.circuit.is_open
    assert dependency.asked == FAILURES + 2


def test_pauses_grow_up_to_a_bound(dependency: Dependency, clock: Clock) -> None:
    open_it(dependency)
    pauses = []
    for _ in range(6):
        before = clock.at
        while True:
            clock.at += 0.1
            asked = dependency.asked
            with pytest.raises(OSError):
                dependency.ask()
            if dependency.asked > asked:
                break
            assert clock.at < before + 2 * LONGEST_SECONDS
        pauses.append(clock.at - before)
    assert pauses == pytest.approx([0.5, 1, 2, 4, 5, 5], abs=0.15)


def test_a_refusal_is_an_answer(dependency: Dependency) -> None:
    dependency.error = ValueError("no such command")
    for _ in range(2 * FAILURES):
        with pytest.raises(ValueError, match="no such"):
            dependency.ask()
    assert dependency.asked == 2 * FAILURES


async def test_of_many_one_tries(dependency: Dependency, clock: Clock) -> None:
    """Whoever comes while one tries does not wait for it; a cancelled try leaves the next one to another."""
    open_it(dependency)
    clock.at += 1
    begun, answers = asyncio.Event(), asyncio.Event()

    async def try_it() -> None:
        with dependency.circuit.call(OSError):
            begun.set()
            await answers.wait()

    trying = asyncio.create_task(try_it())
    await begun.wait()
    with pytest.raises(CircuitOpen):
        dependency.ask()
    trying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await trying
    assert dependency.circuit.is_open
    begun.clear()
    second = asyncio.create_task(try_it())
    await begun.wait()
    answers.set()
    await second
    assert not dependency.circuit.is_open
