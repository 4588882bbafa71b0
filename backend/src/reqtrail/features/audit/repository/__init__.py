"""Every query of audit."""

from __future__ import annotations

from reqtrail.features.audit.repository.events import (
    insert_event,
    retired_until,
    search,
    stream_events,
)
from reqtrail.features.audit.repository.seals import (
    append_leaves,
    count_unsealed,
    events_of_leaves,
    first_unsealed,
    insert_checkpoint,
    latest_checkpoint,
    list_checkpoints,
    list_leaves,
    lock_tree,
    projects_to_seal,
    strangers,
    take_unsealed,
)

__all__ = [
    "append_leaves",
    "count_unsealed",
    "events_of_leaves",
    "first_unsealed",
    "insert_checkpoint",
    "insert_event",
    "latest_checkpoint",
    "list_checkpoints",
    "list_leaves",
    "lock_tree",
    "projects_to_seal",
    "retired_until",
    "search",
    "stream_events",
    "strangers",
    "take_unsealed",
]
