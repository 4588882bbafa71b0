"""The tables of exchange: the versioned record of each exchanged file, and the identifiers it brought."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from reqtrail.features.versioning.public import versioned_table
from reqtrail.platform.database.metadata import metadata

packages = versioned_table(
    "packages",
    Column("path", Text, nullable=False),
    Column("header", JSONB, nullable=False),
    Column("extra", JSONB, nullable=True),
)
"""One exchanged ReqIF file: its header, name spaces, tool extensions and whatever else the model does not use."""

external_ids = Table(
    "external_ids",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("scope", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("entity_id", Uuid, nullable=False),
    PrimaryKeyConstraint("project_id", "scope", "external_id"),
    ForeignKeyConstraint(
        ["project_id", "entity_id"], ["entities.project_id", "entities.entity_id"]
    ),
    Index(None, "project_id", "entity_id"),
    info={"scope": "tenant"},
)
"""Which entity an identifier of an exchanged file names. ``scope`` is the kind and the file within the exchange."""
