"""Contents of requirements in the form that leaves by API, for comparisons."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements.service.items import present_attributes
from reqtrail.features.requirements.service.schema import load_schema
from reqtrail.features.versioning.public import Content, Snapshot


async def present_contents(
    session: AsyncSession, snapshot: Snapshot, contents: list[Content]
) -> list[Content]:
    """Return contents that have attributes with each rich text as safe HTML."""
    schema = await load_schema(session, snapshot)
    shown = await present_attributes(
        session, snapshot, schema, [content.get("attributes", {}) for content in contents]
    )
    return [
        {**content, "attributes": attributes} if "attributes" in content else content
        for content, attributes in zip(contents, shown, strict=True)
    ]
