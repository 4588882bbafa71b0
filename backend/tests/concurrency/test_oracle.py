"""The oracle tells a right merge from a wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.concurrency.oracle import merged

BASE, OURS, THEIRS = "a b c d", "a x b c d", "a b d y"


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "got"),
    [
        (BASE, OURS, THEIRS, "a x b d y"),
        (BASE, OURS, BASE, OURS),
        (
            "<p>a b</p><p>c</p>",
            "<p>a</p><p>c</p>",
            "<p>a b</p><p>c d</p>",
            "<div><p>a</p> c d</div>",
        ),
        (["1"], ["1", "2"], [], ["2"]),
        (None, None, "one", "one"),
        ((1, "p"), (2, "q"), (1, "p"), (2, "q")),
    ],
)
def test_right_merges_pass(base: Any, ours: Any, theirs: Any, got: Any) -> None:
    assert not list(merged("field", base, ours, theirs, got))


@pytest.mark.parametrize(
    ("rule", "base", "ours", "theirs", "got"),
    [
        ("lost", BASE, OURS, THEIRS, OURS),
        ("lost", BASE, OURS, THEIRS, THEIRS),
        ("resurrected", BASE, OURS, THEIRS, "a x b c d y"),
        ("resurrected", BASE, OURS, THEIRS, "a x b d y z"),
        ("doubled", BASE, OURS, THEIRS, "a x x b d y"),
        ("disordered", BASE, OURS, THEIRS, "a b x d y"),
        ("lost", ["1"], ["2"], ["3"], ["3"]),
        ("lost", "one", "two", "three", "three"),
        ("lost", (1, "p"), (2, "q"), (3, "r"), (3, "r")),
        ("lost", (1, "p"), (2, "q"), (1, "p"), (1, "p")),
    ],
)
def test_wrong_merges_are_named(rule: str, base: Any, ours: Any, theirs: Any, got: Any) -> None:
    found = list(merged("field", base, ours, theirs, got))
    assert any(one.startswith(f"{rule}: ") for one in found), found
