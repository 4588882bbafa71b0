"""What the features give the version engine: kinds, rules, presenters, adopters, verifiers, cascades, redaction."""

from __future__ import annotations

from reqtrail.features.exchange.public import KINDS as EXCHANGE_KINDS
from reqtrail.features.exchange.public import drop_dry_runs
from reqtrail.features.requirements.public import KINDS as REQUIREMENTS_KINDS
from reqtrail.features.requirements.public import READINGS as REQUIREMENTS_READINGS
from reqtrail.features.requirements.public import (
    adopt_value,
    check_reading,
    check_structure,
    commits_with_withheld,
    drop_unreferenced,
    entities_of_withheld,
    files_only_in,
    present_contents,
    register_item_cascade,
    register_restore_companion,
    verify_attachments,
)
from reqtrail.features.traceability.public import KINDS as TRACEABILITY_KINDS
from reqtrail.features.traceability.public import READINGS as TRACEABILITY_READINGS
from reqtrail.features.traceability.public import (
    check_links,
    delete_links_of_items,
    links_to_restore,
)
from reqtrail.features.versioning.public import (
    forget_values,
    register_adopter,
    Reading,
    Traces,
    register_kind,
    register_presenter,
    register_reading,
    register_redaction,
    register_rule,
    register_traces,
    register_verifier,
    verify_seals,
)
from reqtrail.platform.jobs.queue import drop_results


def register_kinds() -> None:
    """Make everything known to the engine; calling it again changes nothing."""
    for kind in (*REQUIREMENTS_KINDS, *TRACEABILITY_KINDS, *EXCHANGE_KINDS):
        register_kind(kind)
    # First, since what others refuse may name what is withheld.
    register_rule("requirements.reading", check_reading)
    register_rule("requirements.structure", check_structure)
    register_rule("traceability.links", check_links)
    for name in ("item", "document", "link"):
        register_presenter(name, present_contents)
    for kind in (*REQUIREMENTS_KINDS, *TRACEABILITY_KINDS):
        register_adopter(kind.name, adopt_value)
    register_verifier("requirements.attachments", verify_attachments)
    register_verifier("versioning.seals", verify_seals)
    register_redaction("requirements.files", companions=files_only_in, sweeper=drop_unreferenced)
    register_redaction("exchange.dry_runs", sweeper=drop_dry_runs)
    # It locks the merges that wait, before those under way begin anew: none is taken up with what it loses here.
    register_redaction("versioning.merges", sweeper=forget_values)
    register_redaction("jobs.results", sweeper=drop_results)
    register_item_cascade("traceability.links", delete_links_of_items)
    register_restore_companion("traceability.links", links_to_restore)
    for table, reading in (*REQUIREMENTS_READINGS, *TRACEABILITY_READINGS):
        register_reading(table, reading)
    for kind in EXCHANGE_KINDS:
        register_reading(kind.table, Reading.WHOLE)
    register_traces(Traces(commits_with_withheld, entities_of_withheld))
