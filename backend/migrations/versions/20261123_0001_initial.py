"""The first schema: accounts, projects, the version engine and everything that it versions.

Foreign keys are made last and as constraints of their own, so that the tables can be distributed by project first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from reqtrail.kit import clock
from reqtrail.platform.database.partitions import (
    YEARS_AHEAD,
    cold_partition_statement,
    hot_partition_statements,
)

revision = "20261123_0001"
down_revision = None
branch_labels = None
depends_on = None

VERSIONED_TABLES = (
    "attribute_definitions",
    "datatypes",
    "documents",
    "files",
    "items",
    "link_groups",
    "links",
    "packages",
    "placements",
    "types",
)


def upgrade() -> None:
    make_tables()
    make_partitions()
    make_foreign_keys()


def make_tables() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("is_administrator", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("token_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("response", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_table(
        "projects",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_projects")),
        sa.UniqueConstraint("key", name=op.f("uq_projects_key")),
    )
    op.create_table(
        "refresh_families",
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=True),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("family_id", name=op.f("pk_refresh_families")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_refresh_families_token_hash")),
    )
    op.create_table(
        "attachments",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "sha256", name=op.f("pk_attachments")),
    )
    op.create_table(
        "branches",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_seq", sa.BigInteger(), nullable=False),
        sa.Column("head_seq", sa.BigInteger(), nullable=False),
        sa.Column("head_hash", sa.LargeBinary(), nullable=False),
        sa.Column("head_recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "branch_id", name=op.f("pk_branches")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_branches_project_id_name")),
    )
    op.create_table(
        "entities",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "entity_id", name=op.f("pk_entities")),
        sa.UniqueConstraint("project_id", "key", name=op.f("uq_entities_project_id_key")),
    )
    op.create_table(
        "exchange_jobs",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("losses", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("commit_seq", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "job_id", name=op.f("pk_exchange_jobs")),
    )
    op.create_table(
        "memberships",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "user_id", name=op.f("pk_memberships")),
    )
    op.create_table(
        "project_counters",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_item_number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_project_counters")),
    )
    op.create_table(
        "attribute_definitions",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("type_id", sa.Uuid(), nullable=False),
        sa.Column("datatype_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("multi_valued", sa.Boolean(), nullable=False),
        sa.Column("default_value", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("rank", sa.Text(), nullable=False),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint(
            "project_id",
            "branch_id",
            "entity_id",
            "seq_from",
            "superseded_at",
            name=op.f("pk_attribute_definitions"),
        ),
        postgresql_partition_by="RANGE (superseded_at)",
    )
    op.create_table(
        "commits",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parents", postgresql.ARRAY(sa.LargeBinary()), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("authored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "seq", name=op.f("pk_commits")),
    )
    op.create_table(
        "datatypes",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("constraints", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("enum_values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint(
            "project_id",
            "branch_id",
            "entity_id",
            "seq_from",
            "superseded_at",
            name=op.f("pk_datatypes"),
        ),
        postgresql_partition_by="RANGE (superseded_at)",
    )
    op.create_table(
        "documents",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("type_id", sa.Uuid(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rank", sa.Text(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint(
            "project_id",
            "branch_id",
            "entity_id",
            "seq_from",
            "superseded_at",
            name=op.f("pk_documents"),
        ),
        postgresql_partition_by="RANGE (superseded_at)",
    )
    op.create_table(
        "exchange_staged",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "job_id", "ordinal", name=op.f("pk_exchange_staged")),
    )
    op.create_table(
        "exchange_staged_files",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "project_id", "job_id", "sha256", name=op.f("pk_exchange_staged_files")
        ),
    )
    op.create_table(
        "exchange_uploads",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(
            "project_id", "job_id", "ordinal", name=op.f("pk_exchange_uploads")
        ),
    )
    op.create_table(
        "files",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("package_id", sa.Uuid(), nullable=True),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint(
            "project_id",
            "branch_id",
            "entity_id",
            "seq_from",
            "superseded_at",
            name=op.f("pk_files"),
        ),
        postgresql_partition_by="RANGE (superseded_at)",
    )
    op.create_table(
        "items",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("type_id", sa.Uuid(), nullable=True),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint(
            "project_id",
            "branch_id",
            "entity_id",
            "seq_from",
            "superseded_at",
            name=op.f("pk_items"),
        ),
        postgresql_partition_by="RANGE (superseded_at)",
    )
    op.create_table(
        "link_groups",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("type_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source_document_id", sa.Uuid(), nullable=True),
        sa.Column("target_document_id", sa.Uuid(), nullable=True),
        sa.Column("link_ids", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint(
            "project_id",
            "branch_id",
            "entity_id",
            "seq_from",
            "superseded_at",
            name=op.f("pk_link_groups"),
        ),
        postgresql_partition_by="RANGE (superseded_at)",
    )
    op.create_table(
        "links",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("type_id", sa.Uuid(), nullable=True),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("attributes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint(
            "project_id",
            "branch_id",
            "entity_id",
            "seq_from",
            "superseded_at",
            name=op.f("pk_links"),
        ),
        postgresql_partition_by="RANGE (superseded_at)",
    )
    op.create_table(
        "packages",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("header", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint(
            "project_id",
            "branch_id",
            "entity_id",
            "seq_from",
            "superseded_at",
            name=op.f("pk_packages"),
        ),
        postgresql_partition_by="RANGE (superseded_at)",
    )
    op.create_table(
        "placements",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("item_id", sa.Uuid(), nullable=True),
        sa.Column("rank", sa.Text(), nullable=False),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint(
            "project_id",
            "branch_id",
            "entity_id",
            "seq_from",
            "superseded_at",
            name=op.f("pk_placements"),
        ),
        postgresql_partition_by="RANGE (superseded_at)",
    )
    op.create_table(
        "types",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("seq_from", sa.BigInteger(), nullable=False),
        sa.Column("seq_to", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("rank", sa.Text(), nullable=False),
        sa.Column("presentation", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("extra", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint(
            "project_id",
            "branch_id",
            "entity_id",
            "seq_from",
            "superseded_at",
            name=op.f("pk_types"),
        ),
        postgresql_partition_by="RANGE (superseded_at)",
    )
    op.create_index(op.f("ix_api_tokens_user_id"), "api_tokens", ["user_id"], unique=False)
    op.create_index(op.f("ix_projects_created_by"), "projects", ["created_by"], unique=False)
    op.create_index(
        op.f("ix_refresh_families_user_id"), "refresh_families", ["user_id"], unique=False
    )
    op.create_index(
        op.f("ix_exchange_jobs_author_id"), "exchange_jobs", ["author_id"], unique=False
    )
    op.create_index(
        op.f("ix_exchange_jobs_project_id_created_at"),
        "exchange_jobs",
        ["project_id", "created_at"],
        unique=False,
    )
    op.create_index(op.f("ix_memberships_user_id"), "memberships", ["user_id"], unique=False)
    op.create_index(
        op.f("ix_attribute_definitions_project_id_branch_id_seq_from_seq_to"),
        "attribute_definitions",
        ["project_id", "branch_id", "seq_from", "seq_to"],
        unique=False,
    )
    op.create_index(op.f("ix_commits_author_id"), "commits", ["author_id"], unique=False)
    op.create_index(
        op.f("ix_commits_project_id_branch_id_recorded_at"),
        "commits",
        ["project_id", "branch_id", "recorded_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_commits_project_id_branch_id_seq"),
        "commits",
        ["project_id", "branch_id", "seq"],
        unique=False,
    )
    op.create_index(
        op.f("ix_datatypes_project_id_branch_id_seq_from_seq_to"),
        "datatypes",
        ["project_id", "branch_id", "seq_from", "seq_to"],
        unique=False,
    )
    op.create_index(
        op.f("ix_documents_project_id_branch_id_seq_from_seq_to"),
        "documents",
        ["project_id", "branch_id", "seq_from", "seq_to"],
        unique=False,
    )
    op.create_index(
        op.f("ix_files_project_id_branch_id_seq_from_seq_to"),
        "files",
        ["project_id", "branch_id", "seq_from", "seq_to"],
        unique=False,
    )
    op.create_index(
        op.f("ix_files_project_id_sha256"), "files", ["project_id", "sha256"], unique=False
    )
    op.create_index(
        op.f("ix_items_project_id_branch_id_seq_from_seq_to"),
        "items",
        ["project_id", "branch_id", "seq_from", "seq_to"],
        unique=False,
    )
    op.create_index(
        op.f("ix_link_groups_project_id_branch_id_seq_from_seq_to"),
        "link_groups",
        ["project_id", "branch_id", "seq_from", "seq_to"],
        unique=False,
    )
    op.create_index(
        op.f("ix_links_project_id_branch_id_seq_from_seq_to"),
        "links",
        ["project_id", "branch_id", "seq_from", "seq_to"],
        unique=False,
    )
    op.create_index(
        op.f("ix_links_project_id_branch_id_source_id"),
        "links",
        ["project_id", "branch_id", "source_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_links_project_id_branch_id_target_id"),
        "links",
        ["project_id", "branch_id", "target_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_packages_project_id_branch_id_seq_from_seq_to"),
        "packages",
        ["project_id", "branch_id", "seq_from", "seq_to"],
        unique=False,
    )
    op.create_index(
        op.f("ix_placements_project_id_branch_id_document_id"),
        "placements",
        ["project_id", "branch_id", "document_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_placements_project_id_branch_id_item_id"),
        "placements",
        ["project_id", "branch_id", "item_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_placements_project_id_branch_id_parent_id"),
        "placements",
        ["project_id", "branch_id", "parent_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_placements_project_id_branch_id_seq_from_seq_to"),
        "placements",
        ["project_id", "branch_id", "seq_from", "seq_to"],
        unique=False,
    )
    op.create_index(
        op.f("ix_types_project_id_branch_id_seq_from_seq_to"),
        "types",
        ["project_id", "branch_id", "seq_from", "seq_to"],
        unique=False,
    )


def make_partitions() -> None:
    this_year = clock.now().year
    for table in VERSIONED_TABLES:
        for statement in hot_partition_statements(table):
            op.execute(statement)
        for year in range(this_year, this_year + YEARS_AHEAD + 1):
            op.execute(cold_partition_statement(table, year))


def make_foreign_keys() -> None:
    op.create_foreign_key(
        op.f("fk_api_tokens_user_id"), "api_tokens", "users", ["user_id"], ["user_id"]
    )
    op.create_foreign_key(
        op.f("fk_idempotency_keys_user_id"), "idempotency_keys", "users", ["user_id"], ["user_id"]
    )
    op.create_foreign_key(
        op.f("fk_projects_created_by"), "projects", "users", ["created_by"], ["user_id"]
    )
    op.create_foreign_key(
        op.f("fk_refresh_families_user_id"), "refresh_families", "users", ["user_id"], ["user_id"]
    )
    op.create_foreign_key(
        op.f("fk_attachments_project_id"), "attachments", "projects", ["project_id"], ["project_id"]
    )
    op.create_foreign_key(
        op.f("fk_branches_project_id"), "branches", "projects", ["project_id"], ["project_id"]
    )
    op.create_foreign_key(
        op.f("fk_entities_project_id"), "entities", "projects", ["project_id"], ["project_id"]
    )
    op.create_foreign_key(
        op.f("fk_exchange_jobs_author_id"), "exchange_jobs", "users", ["author_id"], ["user_id"]
    )
    op.create_foreign_key(
        op.f("fk_exchange_jobs_project_id"),
        "exchange_jobs",
        "projects",
        ["project_id"],
        ["project_id"],
    )
    op.create_foreign_key(
        op.f("fk_memberships_project_id"), "memberships", "projects", ["project_id"], ["project_id"]
    )
    op.create_foreign_key(
        op.f("fk_memberships_user_id"), "memberships", "users", ["user_id"], ["user_id"]
    )
    op.create_foreign_key(
        op.f("fk_project_counters_project_id"),
        "project_counters",
        "projects",
        ["project_id"],
        ["project_id"],
    )
    op.create_foreign_key(
        op.f("fk_attribute_definitions_project_id_entity_id"),
        "attribute_definitions",
        "entities",
        ["project_id", "entity_id"],
        ["project_id", "entity_id"],
    )
    op.create_foreign_key(
        op.f("fk_commits_project_id_branch_id"),
        "commits",
        "branches",
        ["project_id", "branch_id"],
        ["project_id", "branch_id"],
    )
    op.create_foreign_key(
        op.f("fk_commits_author_id"), "commits", "users", ["author_id"], ["user_id"]
    )
    op.create_foreign_key(
        op.f("fk_datatypes_project_id_entity_id"),
        "datatypes",
        "entities",
        ["project_id", "entity_id"],
        ["project_id", "entity_id"],
    )
    op.create_foreign_key(
        op.f("fk_documents_project_id_entity_id"),
        "documents",
        "entities",
        ["project_id", "entity_id"],
        ["project_id", "entity_id"],
    )
    op.create_foreign_key(
        op.f("fk_exchange_staged_project_id_job_id"),
        "exchange_staged",
        "exchange_jobs",
        ["project_id", "job_id"],
        ["project_id", "job_id"],
    )
    op.create_foreign_key(
        op.f("fk_exchange_staged_files_project_id_job_id"),
        "exchange_staged_files",
        "exchange_jobs",
        ["project_id", "job_id"],
        ["project_id", "job_id"],
    )
    op.create_foreign_key(
        op.f("fk_exchange_uploads_project_id_job_id"),
        "exchange_uploads",
        "exchange_jobs",
        ["project_id", "job_id"],
        ["project_id", "job_id"],
    )
    op.create_foreign_key(
        op.f("fk_files_project_id_entity_id"),
        "files",
        "entities",
        ["project_id", "entity_id"],
        ["project_id", "entity_id"],
    )
    op.create_foreign_key(
        op.f("fk_files_project_id_sha256"),
        "files",
        "attachments",
        ["project_id", "sha256"],
        ["project_id", "sha256"],
    )
    op.create_foreign_key(
        op.f("fk_items_project_id_entity_id"),
        "items",
        "entities",
        ["project_id", "entity_id"],
        ["project_id", "entity_id"],
    )
    op.create_foreign_key(
        op.f("fk_link_groups_project_id_entity_id"),
        "link_groups",
        "entities",
        ["project_id", "entity_id"],
        ["project_id", "entity_id"],
    )
    op.create_foreign_key(
        op.f("fk_links_project_id_entity_id"),
        "links",
        "entities",
        ["project_id", "entity_id"],
        ["project_id", "entity_id"],
    )
    op.create_foreign_key(
        op.f("fk_links_project_id_source_id"),
        "links",
        "entities",
        ["project_id", "source_id"],
        ["project_id", "entity_id"],
    )
    op.create_foreign_key(
        op.f("fk_links_project_id_target_id"),
        "links",
        "entities",
        ["project_id", "target_id"],
        ["project_id", "entity_id"],
    )
    op.create_foreign_key(
        op.f("fk_packages_project_id_entity_id"),
        "packages",
        "entities",
        ["project_id", "entity_id"],
        ["project_id", "entity_id"],
    )
    op.create_foreign_key(
        op.f("fk_placements_project_id_document_id"),
        "placements",
        "entities",
        ["project_id", "document_id"],
        ["project_id", "entity_id"],
    )
    op.create_foreign_key(
        op.f("fk_placements_project_id_item_id"),
        "placements",
        "entities",
        ["project_id", "item_id"],
        ["project_id", "entity_id"],
    )
    op.create_foreign_key(
        op.f("fk_placements_project_id_entity_id"),
        "placements",
        "entities",
        ["project_id", "entity_id"],
        ["project_id", "entity_id"],
    )
    op.create_foreign_key(
        op.f("fk_types_project_id_entity_id"),
        "types",
        "entities",
        ["project_id", "entity_id"],
        ["project_id", "entity_id"],
    )


def downgrade() -> None:
    op.drop_table("types")
    op.drop_table("placements")
    op.drop_table("packages")
    op.drop_table("links")
    op.drop_table("link_groups")
    op.drop_table("items")
    op.drop_table("files")
    op.drop_table("exchange_uploads")
    op.drop_table("exchange_staged_files")
    op.drop_table("exchange_staged")
    op.drop_table("documents")
    op.drop_table("datatypes")
    op.drop_table("commits")
    op.drop_table("attribute_definitions")
    op.drop_table("project_counters")
    op.drop_table("memberships")
    op.drop_table("exchange_jobs")
    op.drop_table("entities")
    op.drop_table("branches")
    op.drop_table("attachments")
    op.drop_table("refresh_families")
    op.drop_table("projects")
    op.drop_table("idempotency_keys")
    op.drop_table("api_tokens")
    op.drop_table("users")
