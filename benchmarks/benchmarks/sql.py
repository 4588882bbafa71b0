"""The denominators: the same work as bare SQL on the current rows."""

ITEM = """
SELECT e.key, i.attributes FROM entities e
JOIN items_hot i ON i.project_id = e.project_id AND i.entity_id = e.entity_id
WHERE e.project_id = $1 AND e.key = $2"""

ROWS = """
SELECT e.key, i.attributes FROM placements_hot p
JOIN items_hot i ON i.project_id = p.project_id AND i.branch_id = p.branch_id AND i.entity_id = p.item_id
JOIN entities e ON e.project_id = i.project_id AND e.entity_id = i.entity_id
WHERE p.project_id = $1 AND p.document_id = $2 ORDER BY p.rank LIMIT $3"""

OUTLINE = """
SELECT e.key, p.entity_id, p.parent_id, p.rank, i.attributes ->> $3 AS title FROM placements_hot p
JOIN items_hot i ON i.project_id = p.project_id AND i.branch_id = p.branch_id AND i.entity_id = p.item_id
JOIN entities e ON e.project_id = i.project_id AND e.entity_id = i.entity_id
WHERE p.project_id = $1 AND p.document_id = $2 ORDER BY p.rank"""

SCRATCH = """
CREATE TABLE IF NOT EXISTS bench_heads (id uuid PRIMARY KEY, version bigint NOT NULL);
CREATE TABLE IF NOT EXISTS bench_versions (
  id uuid NOT NULL, version bigint NOT NULL, attributes jsonb NOT NULL, PRIMARY KEY (id, version));"""

SAVE_VERSION = "INSERT INTO bench_versions VALUES ($1, $2, $3)"
SAVE_HEAD = """
INSERT INTO bench_heads VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version"""

FIRST_SEAL = """
SELECT extract(epoch FROM finished_at - requested_at)::float8 FROM seals
WHERE project_id = $1 ORDER BY requested_at LIMIT 1"""

WRITTEN_BYTES = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::int8"
"""All that the write-ahead log holds and ever held: pages that are changed for the first time since a checkpoint are
written whole, so a change in many places costs more of it than the same change in few."""
