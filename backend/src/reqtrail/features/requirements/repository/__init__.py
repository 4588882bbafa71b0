"""Every query of requirements; each reads what is visible at a snapshot."""

from __future__ import annotations

from reqtrail.features.requirements.repository.schema import (
    schema_rows,
    schema_commit,
    uses_of,
)
from reqtrail.features.requirements.repository.document_history import commits_of_document
from reqtrail.features.requirements.repository.documents import (
    children_of,
    count_placements,
    find_document,
    last_document_rank,
    list_documents,
    load_placements,
    placements_of_items,
    placements_referring,
    touched_since,
    tree_rows,
)
from reqtrail.features.requirements.repository.items import (
    find_placed_item,
    item_marks,
    item_titles,
    list_items,
    load_items,
    search_items,
)
from reqtrail.features.requirements.repository.withholding import (
    READINGS,
    commits_with_withheld,
    entities_of_withheld,
    file_is_withheld,
    item_can_be_read,
    without_values,
)
from reqtrail.features.requirements.repository.files import (
    drop_attachments,
    files_called,
    texts_with_objects,
    file_is_referenced,
    files_without_bytes,
    load_files,
)

__all__ = [
    "READINGS",
    "commits_with_withheld",
    "entities_of_withheld",
    "file_is_withheld",
    "item_can_be_read",
    "without_values",
    "drop_attachments",
    "files_called",
    "texts_with_objects",
    "children_of",
    "commits_of_document",
    "count_placements",
    "uses_of",
    "file_is_referenced",
    "files_without_bytes",
    "find_document",
    "find_placed_item",
    "item_marks",
    "item_titles",
    "last_document_rank",
    "list_documents",
    "list_items",
    "load_files",
    "load_items",
    "load_placements",
    "placements_of_items",
    "placements_referring",
    "schema_rows",
    "schema_commit",
    "search_items",
    "touched_since",
    "tree_rows",
]
