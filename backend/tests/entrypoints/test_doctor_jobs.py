"""``reqtrail doctor`` says when nobody does what waits in the queues."""

from __future__ import annotations

from tests.fixtures.doctor import Plant, Site, start_once


def test_jobs_that_nobody_does(site: Site, plant: Plant) -> None:
    start_once(site)
    assert site.finds("jobs") == {"ok": "ok"}
    plant(
        "INSERT INTO mails SELECT gen_random_uuid(), 'a@example.org', 's', '', '', 'queued', 0,"
        " now() - interval '1 hour', now() - interval '1 hour', NULL, '', NULL"
    )
    found = site.look()["jobs"]
    assert [(one["code"], one["outcome"]) for one in found] == [("jobs_wait", "warning")]
    assert "Mails wait, 1 of them, the oldest for 60 min." == found[0]["message"]
    plant("UPDATE audit_unsealed SET occurred_at = occurred_at - interval '3 hours'")
    found = site.look()["jobs"]
    assert [(one["code"], one["outcome"]) for one in found] == [("no_worker", "failed")]
    assert "for 3 h" in found[0]["message"]
