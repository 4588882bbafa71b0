"""What an import makes of a file's types and documents, for its report."""

from __future__ import annotations

from typing import Any

from reqtrail.features.exchange.repository.staged import StagedRow


class MappingReport:
    """Collects the mapping while entities go by in the order of their kinds."""

    def __init__(self) -> None:
        self._datatypes: dict[str, str] = {}
        self._types: dict[str, dict[str, Any]] = {}
        self._documents: dict[str, dict[str, Any]] = {}

    def note(self, row: StagedRow, is_new: bool) -> None:
        """Take one entity; ``is_new`` says whether the project lacks it so far."""
        fields, entity_id = row.fields, str(row.entity_id)
        state = "new" if is_new else "known"
        if row.kind == "datatype":
            self._datatypes[entity_id] = fields["name"]
        elif row.kind == "type":
            self._types[entity_id] = {
                "identifier": (fields["extra"] or {}).get("id", ""),
                "name": fields["name"],
                "category": fields["category"],
                "state": state,
                "items": 0,
                "attributes": [],
            }
        elif row.kind == "attribute" and fields["type_id"] in self._types:
            self._types[fields["type_id"]]["attributes"].append(
                {
                    "name": fields["name"],
                    "base": (fields["extra"] or {}).get("b", "string"),
                    "datatype": self._datatypes.get(fields["datatype_id"] or "", ""),
                    "state": state,
                }
            )
        elif row.kind == "document":
            self._documents[entity_id] = {"title": fields["title"], "placements": 0, "state": state}
        elif row.kind == "placement" and fields["document_id"] in self._documents:
            self._documents[fields["document_id"]]["placements"] += 1
        elif row.kind in {"item", "link"} and fields["type_id"] in self._types:
            self._types[fields["type_id"]]["items"] += 1

    def as_json(self) -> dict[str, Any]:
        """Return the mapping as JSON shows it, in the order of the file."""
        return {
            "types": list(self._types.values()),
            "documents": list(self._documents.values()),
        }
