"""The versioned tables of traceability: what ReqIF calls spec relations and relation groups."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from reqtrail.features.versioning.public import versioned_table

links = versioned_table(
    "links",
    Column("type_id", Uuid, nullable=True),
    Column("source_id", Uuid, nullable=False),
    Column("target_id", Uuid, nullable=False),
    Column("attributes", JSONB, nullable=False),
    Column("extra", JSONB, nullable=True),
    Index(None, "project_id", "branch_id", "source_id"),
    Index(None, "project_id", "branch_id", "target_id"),
    ForeignKeyConstraint(
        ["project_id", "source_id"], ["entities.project_id", "entities.entity_id"]
    ),
    ForeignKeyConstraint(
        ["project_id", "target_id"], ["entities.project_id", "entities.entity_id"]
    ),
)
"""A typed, directed relation between two items."""

link_groups = versioned_table(
    "link_groups",
    Column("type_id", Uuid, nullable=True),
    Column("name", Text, nullable=False),
    Column("source_document_id", Uuid, nullable=True),
    Column("target_document_id", Uuid, nullable=True),
    Column("link_ids", JSONB, nullable=False),
    Column("extra", JSONB, nullable=True),
)
"""A named set of links between two documents; ``link_ids`` is an ordered list of link ids."""
