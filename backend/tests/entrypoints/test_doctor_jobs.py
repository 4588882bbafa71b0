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


def test_nobody_queues_what_is_due(site: Site, plant: Plant) -> None:
    start_once(site)
    plant("DELETE FROM schedules")
    plant("INSERT INTO schedules (name, next_at) VALUES ('cleanup', now() - interval '1 minute')")
    assert site.finds("jobs") == {"ok": "ok"}
    plant("UPDATE schedules SET next_at = now() - interval '3 hours'")
    (found,) = site.look()["jobs"]
    assert (found["code"], found["outcome"]) == ("no_scheduler", "warning")
    assert "for 3 h" in found["message"]


def test_queues_without_a_worker(site: Site, plant: Plant) -> None:
    start_once(site, demo=True)
    hour = "now() - interval '1 hour'"
    plant(
        "INSERT INTO jobs (project_id, job_id, kind, author_id, state, priority, payload, attempts, most_attempts,"
        " run_at, renewals, phase, done, total, cancel_requested, created_at) SELECT project_id, gen_random_uuid(),"
        f" 'exchange.import', user_id, 'queued', 20, '{{}}', 0, 5, {hour}, 0, 'queued', 0, 0, false, {hour}"
        " FROM projects, users LIMIT 1"
    )
    plant(
        f"INSERT INTO mails SELECT gen_random_uuid(), 'a@example.org', 's', '', '', 'queued', 0, {hour}, {hour},"
        " NULL, '', NULL"
    )
    # What these wait for happened just now: a seal that was asked for, a commit that nobody has been told of.
    plant(
        "INSERT INTO seals SELECT project_id, branch_id, seq, hash, 'pending', 0, 0, '', NULL, NULL, NULL, NULL, NULL,"
        " 0, NULL, now(), NULL FROM commits WHERE seq = 1"
    )
    plant(
        "INSERT INTO webhooks SELECT project_id, gen_random_uuid(), 'w', '', '', false, true, 0, false, 0,"
        f" {hour}, NULL, {hour} FROM projects"
    )
    found = site.look()["jobs"]
    assert [(one["code"], one["outcome"]) for one in found] == [("jobs_wait", "warning")] * 2
    assert {one["message"].partition(" ")[0] for one in found} == {"Exchange.import", "Mails"}
    plant(f"UPDATE seals SET requested_at = {hour}")
    plant(f"UPDATE commits SET recorded_at = {hour}")
    found = site.look()["jobs"]
    assert {one["code"] for one in found} == {"jobs_wait"}
    said = [one["message"] for one in found]
    assert "Exchange.import jobs wait, 1 of them, the oldest for 60 min." in said
    assert "Webhooks wait, 1 of them, the oldest for 60 min." in said
    assert "Seals of baselines wait, 1 of them, the oldest for 60 min." in said and len(said) == 4
    # What somebody works on does not wait.
    plant("UPDATE seals SET state = 'sealing', lease_until = now() + interval '1 hour'")
    plant("UPDATE webhooks SET leased_until = now() + interval '1 hour'")
    plant("UPDATE jobs SET state = 'running', lease_until = now() + interval '1 hour'")
    plant("UPDATE mails SET due_at = now() + interval '1 hour'")
    assert site.finds("jobs") == {"ok": "ok"}
