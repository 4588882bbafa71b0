"""The versioned tables of requirements: what ReqIF calls specifications, spec objects, hierarchies and types.

Attribute *values* are JSON by attribute id: string, integer, real and date as their lexical text (numbers are kept as
decimal strings so that nothing is rounded), boolean as true/false, enumeration as a list of enumeration value ids,
rich text (XHTML) as source text. ``extra`` keeps, verbatim, what an import brought and the model does not use.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from reqtrail.features.versioning.public import versioned_table

documents = versioned_table(
    "documents",
    Column("title", Text, nullable=False),
    Column("type_id", Uuid, nullable=True),
    Column("attributes", JSONB, nullable=False),
    Column("rank", Text, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("extra", JSONB, nullable=True),
)
"""A specification: an ordered tree of placements."""

items = versioned_table(
    "items",
    Column("type_id", Uuid, nullable=True),
    Column("attributes", JSONB, nullable=False),
    Column("extra", JSONB, nullable=True),
)
"""Typed content with attributes: a requirement, a heading, a note, a test case."""

placements = versioned_table(
    "placements",
    Column("document_id", Uuid, nullable=False),
    Column("parent_id", Uuid, nullable=True),
    Column("item_id", Uuid, nullable=True),
    Column("rank", Text, nullable=False),
    Column("extra", JSONB, nullable=True),
    Index(None, "project_id", "branch_id", "document_id"),
    Index(None, "project_id", "branch_id", "item_id"),
    Index(None, "project_id", "branch_id", "parent_id"),
    ForeignKeyConstraint(
        ["project_id", "document_id"], ["entities.project_id", "entities.entity_id"]
    ),
    ForeignKeyConstraint(["project_id", "item_id"], ["entities.project_id", "entities.entity_id"]),
)
"""Where an item stands in a document. ``parent_id`` is a placement; siblings order by (rank, entity_id)."""

types = versioned_table(
    "types",
    Column("category", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("rank", Text, nullable=False),
    Column("presentation", JSONB, nullable=False),
    Column("extra", JSONB, nullable=True),
)
"""``category``: item, document, link or link_group. ``presentation`` of an item type: ``{"style": "requirement" |
"heading" | "information" | "test", "title": attribute id or null, "text": attribute id or null}``."""

attribute_definitions = versioned_table(
    "attribute_definitions",
    Column("type_id", Uuid, nullable=False),
    Column("datatype_id", Uuid, nullable=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("multi_valued", Boolean, nullable=False),
    Column("default_value", JSONB, nullable=True),
    Column("rank", Text, nullable=False),
    Column("extra", JSONB, nullable=True),
)
"""An attribute of a type. A default is shown, it is not content of the items."""

datatypes = versioned_table(
    "datatypes",
    Column("base", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("constraints", JSONB, nullable=False),
    Column("enum_values", JSONB, nullable=False),
    Column("extra", JSONB, nullable=True),
)
"""``base``: string, integer, real, boolean, date, enumeration or xhtml. ``constraints``: ``{"min", "max",
"max_length", "accuracy"}`` as decimal strings.
``enum_values``: ``[{"id", "name", "key", "color", "extra"}]`` in order."""

files = versioned_table(
    "files",
    Column("path", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("package_id", Uuid, nullable=True),
    Column("extra", JSONB, nullable=True),
    ForeignKeyConstraint(
        ["project_id", "sha256"], ["attachments.project_id", "attachments.sha256"]
    ),
    Index(None, "project_id", "sha256"),
)
"""A named attachment: rich text refers to it by ``path``; the bytes are addressed by their SHA-256."""
