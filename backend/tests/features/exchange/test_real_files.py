"""Every real ReqIF file: counted, imported, exported, compared, validated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reqtrail.features.exchange.reqif.canonical import canonical
from tests.features.exchange.schema import problems
from tests.features.exchange.trade import Trade, members
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

SHARED = Path(__file__).resolve().parents[5] / "shared"
FILES = sorted((SHARED / "data" / "reqif").rglob("*.reqif*"))
REFUSED = {"comment_before_xmldecl_small.reqif", "commands__validate__04_empty_file.reqif"}
COUNTS = {
    "spec_objects": "items",
    "spec_relations": "links",
    "specifications": "documents",
    "hierarchies": "placements",
    "relation_groups": "link_groups",
}
TOO_LARGE_TO_VALIDATE = 3_000_000
"""Validating the largest file takes minutes in the validator; its structure is that of the smaller ones."""


def _expected(path: Path) -> dict[str, Any]:
    known = json.loads((SHARED / "data" / "expected_reqif.json").read_text())
    found: dict[str, Any] = known[str(path.relative_to(SHARED / "data"))]
    return found


def _totals(expected: dict[str, Any]) -> dict[str, int]:
    parts = list((expected.get("members") or {"": expected}).values())
    totals = {ours: sum(part[theirs] for part in parts) for theirs, ours in COUNTS.items()}
    for ours, theirs in (
        ("types", "spec_types"),
        ("datatypes", "datatypes"),
        ("attributes", "attr_defs"),
    ):
        totals[ours] = sum(sum(part[theirs].values()) for part in parts)
    return totals


@pytest.mark.skipif(not FILES, reason="the shared ReqIF files are not there")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
async def test_real_file(world: World, path: Path) -> None:
    """Counts are right, and the export equals the file or its difference is named; every export is valid."""
    trade = await Trade.make(world)
    job = await trade.bring_file(path)
    if path.name in REFUSED:
        assert (job["state"], job["error"]["code"]) == ("failed", "not_well_formed")
        assert job["error"]["detail"]
        return
    assert job["state"] == "done", job["error"]
    losses = {loss["code"] for loss in job["losses"]}
    wrong = {
        name: (count, job["counts"][name])
        for name, count in _totals(_expected(path)).items()
        if count != job["counts"][name]
    }
    assert not wrong or losses & {"relation_without_end", "content_missing"}, wrong
    archived = path.suffix == ".reqifz"
    exported = await trade.fetch(format="reqifz" if archived else "reqif")
    before = members(path.read_bytes()) if archived else {"": path.read_bytes()}
    after = members(exported) if archived else {"": exported}
    assert set(before) == set(after)
    for name, data in before.items():
        if not (name.endswith(".reqif") or not archived):
            assert after[name] == data, name
            continue
        if len(data) < TOO_LARGE_TO_VALIDATE:
            assert problems(after[name], SHARED / "data" / "schema") == []
        assert losses or canonical(data) == canonical(
            after[name]
        ), "a difference that nothing names"
