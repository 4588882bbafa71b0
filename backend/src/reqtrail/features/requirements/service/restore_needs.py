"""What restored contents need besides themselves: types, attributes, datatypes, values of enumerations, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from reqtrail.features.requirements.types import Attribute, Schema
from reqtrail.features.versioning.public import Action, Operation


@dataclass
class Needs:
    """What the contents that were seen use.

    Attributes:
        types: The types that they have.
        values: By attribute that they have a value of: the enumeration values among it.
        texts: Their rich texts, which can hold files.
    """

    types: set[UUID] = field(default_factory=set)
    values: dict[str, set[str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def see(self, content: Mapping[str, Any], schema: Schema) -> None:
        """Add what *content* uses, as *schema* explains it."""
        if content.get("type_id") is not None:
            self.types.add(content["type_id"])
        for name, value in (content.get("attributes") or {}).items():
            chosen = self.values.setdefault(name, set())
            if isinstance(value, list):
                chosen.update(str(entry) for entry in value)
            elif isinstance(value, str) and "object" in value and schema.is_rich(name):
                self.texts.append(value)


def schema_operations(
    needs: Needs, source: Schema, head: Schema, source_seq: int, head_seq: int
) -> Iterator[Operation]:
    """Yield what brings back the parts of a schema that are needed and gone.

    What is still there stays as it is now, with what became of it since: other items use it too. An enumeration only
    gets back the values that are used.
    """

    def bring_back(kind: str, entity_id: UUID) -> Operation:
        return Operation(Action.RESTORE, kind, entity_id, base_seq=head_seq, from_seq=source_seq)

    for type_id in sorted((needs.types & source.types.keys()) - head.types.keys()):
        yield bring_back("type", type_id)
    gone = _gone_attributes(needs, source, head)
    for attribute in gone:
        yield bring_back("attribute", attribute.id)
    datatypes = {attribute.datatype_id for attribute in gone if attribute.datatype_id}
    for datatype_id in sorted((datatypes & source.datatypes.keys()) - head.datatypes.keys()):
        yield bring_back("datatype", datatype_id)
    for datatype_id, entries in _gone_values(needs, source, head).items():
        fields = {"enum_values": [*head.datatypes[datatype_id].enum_values, *entries]}
        yield Operation(Action.UPDATE, "datatype", datatype_id, fields, base_seq=head_seq)


def _gone_attributes(needs: Needs, source: Schema, head: Schema) -> list[Attribute]:
    """Return the attributes of types that come back, and those of other types that there are values of."""
    return [
        attribute
        for name, attribute in source.attributes.items()
        if name not in head.attributes
        and attribute.type_id in needs.types
        and (attribute.type_id not in head.types or name in needs.values)
    ]


def _gone_values(needs: Needs, source: Schema, head: Schema) -> dict[UUID, list[Mapping[str, Any]]]:
    """Return, by datatype that is still there, the entries of used values that it has lost."""
    result: dict[UUID, list[Mapping[str, Any]]] = {}
    for name, chosen in needs.values.items():
        attribute = source.attributes.get(name)
        datatype_id = attribute.datatype_id if attribute else None
        if datatype_id is None or not chosen:
            continue
        now, then = head.datatypes.get(datatype_id), source.datatypes.get(datatype_id)
        if now is None or then is None:
            continue
        entries = result.setdefault(datatype_id, [])
        known = {str(entry["id"]) for entry in (*now.enum_values, *entries)}
        entries.extend(
            entry
            for entry in then.enum_values
            if str(entry["id"]) in chosen and str(entry["id"]) not in known
        )
    return {datatype_id: entries for datatype_id, entries in result.items() if entries}
