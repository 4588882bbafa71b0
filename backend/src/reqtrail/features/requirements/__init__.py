"""Requirements: documents, items, placements, types, rich text."""
