"""Edits of the schema: they change what was edited, and keep what an imported file says besides."""

from __future__ import annotations

import pytest

from tests.features.exchange.sample import sample
from tests.features.exchange.trade import Trade
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


async def test_renaming_a_value_keeps_what_the_file_says_of_it(world: World) -> None:
    """The client never sees a value's identifier in the file; writing the values back must not lose it."""
    trade = await Trade.make(world)
    assert (await trade.bring(sample()))["state"] == "done"
    before = (await trade.fetch()).decode()
    assert before.count('LONG-NAME="Done"') == 1
    schema = await trade.get("/schema")
    datatype = next(
        item
        for item in schema["datatypes"]
        if item["name"] == "Status" and len(item["enum_values"]) == 2
    )
    values = [
        {**value, "name": "Finished" if value["name"] == "Done" else value["name"]}
        for value in datatype["enum_values"]
    ]
    fields = {"enum_values": values}
    await trade.write({"op": "update", "kind": "datatype", "id": datatype["id"], "fields": fields})
    element = next(line for line in before.split("<") if 'LONG-NAME="Done"' in line)
    identifier = next(part for part in element.split() if part.startswith("IDENTIFIER="))
    after = (await trade.fetch()).decode()
    renamed = next(line for line in after.split("<") if 'LONG-NAME="Finished"' in line)
    assert identifier in renamed and 'LONG-NAME="Done"' not in after


async def test_an_attribute_moves_by_a_rank_between_two_others(world: World) -> None:
    """The schema tells the ranks that a client needs to put one attribute between two."""
    trade = await Trade.make(world)
    kind = (await trade.get("/schema"))["types"][0]
    first, second, *_, last = kind["attributes"]
    assert first["rank"] < second["rank"] < last["rank"]
    await trade.write(
        {
            **{"op": "update", "kind": "attribute", "id": last["id"]},
            "fields": {"rank": first["rank"] + "V"},
        }
    )
    names = [item["name"] for item in (await trade.get("/schema"))["types"][0]["attributes"]]
    assert names[:3] == [first["name"], last["name"], second["name"]]
