"""Hostile, broken and awkward files: refused with a clear error and nothing left, or taken with what is lost named."""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from reqtrail.features.exchange.errors import ImportRefused
from reqtrail.features.exchange.reqif.index import build_index
from reqtrail.features.exchange.tables import (
    exchange_staged,
    exchange_staged_files,
    exchange_uploads,
)
from reqtrail.features.files.public import attachments
from reqtrail.features.versioning.public import entities
from tests.features.exchange.schema import problems
from tests.features.exchange.trade import Trade, members
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

SHARED = Path(__file__).resolve().parents[5] / "shared"
CORPUS = SHARED / "corpora" / "import"
EXPECTED: dict[str, Any] = (
    json.loads((CORPUS / "expect.json").read_text()) if CORPUS.is_dir() else {}
)
FILES = [name for name in EXPECTED if not name.endswith(".xlsx")]
ACTIVE = (
    *("<script", "onerror", "javascript:", "<svg", "<iframe", "text/html", "url(", "file:///"),
    "evil",
)
needs_corpus = pytest.mark.skipif(not FILES, reason="the shared corpora are not there")


async def _rows(trade: Trade) -> int:
    """Count everything that an import could leave in the project."""
    async with trade.world.owner.read_session() as session:
        project = (await trade.client.get(f"/projects/{trade.key}")).json()["id"]
        total = 0
        for table in (
            *(entities, attachments, exchange_staged, exchange_staged_files, exchange_uploads),
        ):
            count = select(func.count()).where(table.c.project_id == project)
            total += await session.scalar(count) or 0
    return total


@needs_corpus
@pytest.mark.parametrize("name", FILES)
async def test_file_of_the_corpus(world: World, name: str) -> None:
    """Each file is refused, taken, or taken without its active content, as the corpus expects."""
    trade = await Trade.make(world)
    before, head = await _rows(trade), await trade.head()
    job = await trade.bring_file(CORPUS / name)
    if EXPECTED[name]["expect"] == "refuse":
        assert job["state"] == "failed", job
        assert job["error"]["code"] not in {"import_failed", "internal_error"}
        assert len(job["error"]["detail"]) > 20
        assert (await _rows(trade), await trade.head()) == (before, head)
        return
    assert job["state"] == "done", job["error"]
    exported = await trade.fetch(format="reqifz")
    for member, data in members(exported).items():
        if member.endswith(".reqif"):
            assert problems(data, SHARED / "data" / "schema") == []
    if "losses" in EXPECTED[name]["why"]:
        assert {loss["code"] for loss in job["losses"]} & {
            "dangling_reference",
            "relation_without_end",
        }
    if EXPECTED[name]["expect"] == "sanitize":
        await _is_clean(trade, members(exported)[f"{trade.key}.reqif"])


async def _is_clean(trade: Trade, exported: bytes) -> None:
    """Nothing active leaves by the API or the export, and the harmless text survives."""
    documents = (await trade.get("/documents"))["documents"]
    rows = await trade.get(f"/documents/{documents[0]['id']}/rows")
    shown = " ".join(row["item"]["text"] or "" for row in rows["rows"]).lower()
    assert "ok" in shown
    text = exported.decode().lower()
    for mark in ACTIVE:
        assert mark not in text, mark
        assert mark not in shown, mark


@needs_corpus
@pytest.mark.parametrize(
    ("corpus", "name"),
    [("xml_defusedxml_bombs.json", name) for name in ("xmlbomb.xml", "external.xml", "cyclic.xml")],
)
async def test_bombs_are_refused_at_the_door(world: World, corpus: str, name: str) -> None:
    """A bomb through the upload is refused by its declaration, before it is expanded."""
    trade = await Trade.make(world)
    text = json.loads((SHARED / "corpora" / corpus).read_text())[name]
    job = await trade.bring(text.encode(), name)
    assert job["state"] == "failed"
    assert job["error"]["code"] in {"document_type_refused", "not_well_formed"}


@needs_corpus
def test_xml_suites_never_pass_and_never_crash() -> None:
    """No document of the XML suites is ReqIF: each is refused for a reason of its own, whatever is in it."""
    refused: dict[str, int] = {}
    with gzip.open(SHARED / "corpora" / "xml_w3c.jsonl.gz") as lines:
        samples = [json.loads(line) for line in lines]
    data = [(sample["type"], base64.b64decode(sample["b64"])) for sample in samples]
    for name in ("xml_defusedxml_bombs.json", "xxe_payloadbox.json"):
        found = json.loads((SHARED / "corpora" / name).read_text())
        texts = found.values() if isinstance(found, dict) else found
        data.extend(("hostile", text.encode()) for text in texts)
    for kind, document in data:
        with pytest.raises(ImportRefused) as error:
            build_index(io.BytesIO(document))
        refused[error.value.code] = refused.get(error.value.code, 0) + 1
        assert error.value.detail
        if kind == "valid":
            assert error.value.code in {*("not_reqif", "document_type_refused", "not_well_formed")}
    assert set(refused) == {"not_well_formed", "not_reqif", "document_type_refused"}
    assert sum(refused.values()) == len(data)


@needs_corpus
async def test_hostile_names(world: World) -> None:
    """Names of uploads and of attachments are text: nothing of them is a path, a header or markup."""
    trade = await Trade.make(world)
    names = json.loads((SHARED / "corpora" / "upload_names.json").read_text())
    control = (CORPUS / "control_ok.reqif").read_bytes()
    for name in names[:12]:
        job = await trade.bring(control, f"a{name}", mode="dry_run")
        assert job["state"] == "dry_run_ready", (name, job["error"])
        assert not set(job["file_name"]) & set("/\\\x00\r\n<>\"'")
    archive = io.BytesIO()
    kept = [
        f"x{name}" for name in names if "/" not in name and "\\" not in name and "\x00" not in name
    ]
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("a.reqif", control)
        for name in dict.fromkeys(kept):
            target.writestr(name, name.encode("utf-8", "replace"))
    job = await trade.bring(archive.getvalue(), "names.reqifz")
    assert job["state"] == "done", job["error"]
    assert members(await trade.fetch(format="reqifz")).keys() == members(archive.getvalue()).keys()


async def test_too_deep_a_hierarchy_is_refused(world: World) -> None:
    """A tree deeper than documents may be is refused with the name of its specification."""
    small = _deep(90)
    trade = await Trade.make(world)
    assert (await trade.bring(small))["state"] == "done"
    job = await trade.bring(_deep(110))
    assert (job["state"], job["error"]["code"]) == ("failed", "too_deep")
    assert job["error"]["object"] == "s1"


def _deep(levels: int) -> bytes:
    opening = "".join(
        f'<SPEC-HIERARCHY IDENTIFIER="h{level}" LAST-CHANGE="2026-01-01T00:00:00Z">'
        "<OBJECT><SPEC-OBJECT-REF>o1</SPEC-OBJECT-REF></OBJECT><CHILDREN>"
        for level in range(levels)
    )
    closing = "</CHILDREN></SPEC-HIERARCHY>" * levels
    return (
        '<REQ-IF xmlns="http://www.omg.org/spec/ReqIF/20110401/reqif.xsd"><CORE-CONTENT>'
        '<REQ-IF-CONTENT><SPEC-OBJECTS><SPEC-OBJECT IDENTIFIER="o1"/></SPEC-OBJECTS>'
        '<SPECIFICATIONS><SPECIFICATION IDENTIFIER="s1"><CHILDREN>'
        f"{opening}{closing}"
        "</CHILDREN></SPECIFICATION></SPECIFICATIONS></REQ-IF-CONTENT></CORE-CONTENT></REQ-IF>"
    ).encode()
