"""``reqtrail doctor`` finds what is wrong with settings, files, Redis and mail: each test plants it for real."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import AuthResult
from redis import Redis

from reqtrail.entrypoints.embedded.valkey import EmbeddedValkey
from reqtrail.platform.checks import redis as redis_checks
from tests.fixtures.disk import small_disk
from tests.fixtures.doctor import Site
from tests.fixtures.engines import end_processes_below
from tests.fixtures.instance import free_port

as_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")


def test_it_prints_a_line_for_each_check_and_what_to_do(site: Site) -> None:
    said = site.run(databse_url="x", code=0).stdout
    assert "ok      PostgreSQL: PostgreSQL " in said
    assert "warning Names of settings: REQTRAIL_DATABSE_URL is no setting" in said
    assert "Correct or remove this variable. [settings.known: setting_unknown]" in said
    assert " to look at, 0 failed." in said
    assert "\x1b[" not in said
    said = site.run(port="http", code=1).stdout
    assert "failed  Settings: REQTRAIL_PORT: Input should be a valid integer" in said


def test_it_prints_json_alone(site: Site) -> None:
    report = json.loads(site.run("--json", code=0).stdout)
    names = [one["check"] for one in report["checks"]]
    assert report["ok"] is True and names[0] == "settings"
    assert {"database", "redis", "home", "files", "jobs", "mail", "server", "browser"} < {*names}
    report = json.loads(site.run("--json", port="http", code=1).stdout)
    assert report["ok"] is False and report["counts"]["failed"] == 1


def test_it_makes_nothing(site: Site) -> None:
    site.run(secret_key=None, master_keys=None, audit_keys=None)
    assert [*site.home.iterdir()] == []
    absent = site.home / "absent"
    assert site.finds("home", home=str(absent)) == {"home_missing": "warning"}
    assert not absent.exists()


def test_settings_that_are_wrong_do_not_hide_the_others(site: Site) -> None:
    site.hidden += ["hunter22", "weakweak"]
    found = site.look(
        port="http",
        bcrypt_rounds="99",
        secret_key="weakweak",
        redis_url="redis://:hunter22@127.0.0.1:1/0",
        smtp_host="mail.example.org",
        smtp_security="none",
        smtp_password="hunter22",
    )
    wrong = {one["details"]["setting"] for one in found["settings"]}
    # The last one is found only once the settings are valid one by one.
    assert wrong == {"port", "bcrypt_rounds", "secret_key", "smtp_password"}
    assert [one["code"] for one in found["keys.secret"]] == ["secret_weak"]
    assert [one["code"] for one in found["database"]] == ["ok"]


def test_a_password_that_is_a_word_of_every_sentence(site: Site) -> None:
    """It is not shown as what it is, and the advice can still be read."""
    url = "postgresql://reqtrail:reqtrail@127.0.0.1:1/reqtrail"
    found = site.look(database_url=url, redis_url="redis://:warn-1234@h:1")
    assert "•" not in json.dumps(found, ensure_ascii=False)
    assert not [one for one in _texts(found) if ":reqtrail@" in one or "warn-1234" in one]
    # One that is in a sentence nevertheless is hidden there.
    said = site.run(database_url="postgresql://ada:planetary@127.0.0.1:1/planetary").output
    assert "planetary" not in said


def _texts(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    return [one[name] for each in found.values() for one in each for name in ("message", "advice")]


def test_a_setting_that_is_misspelt(site: Site) -> None:
    site.hidden.append("hunter22")
    found = site.look(redis_ulr="redis://:hunter22@host")["settings.known"]
    assert [one["outcome"] for one in found] == ["warning"]
    assert "Is REQTRAIL_REDIS_URL meant?" in found[0]["message"]
    assert site.finds("settings.known", url="http://127.0.0.1", token="rqt_x") == {"ok": "ok"}


@pytest.mark.parametrize(
    ("settings", "code", "outcome"),
    [
        ({"trusted_proxies": "0.0.0.0/0"}, "trusted_proxies_too_wide", "failed"),
        ({"outbound_allow": "::/0"}, "outbound_allow_too_wide", "failed"),
        ({"public_url": "http://r.example.org"}, "public_url_without_tls", "warning"),
        ({"host": "0.0.0.0"}, "any_host_served", "warning"),
        ({"metrics_port": "9464", "metrics_host": "0.0.0.0"}, "metrics_open", "warning"),
        ({"bcrypt_rounds": "4"}, "hash_cheap", "warning"),
        ({"registration": "1"}, "registration_open", "warning"),
        ({"trusted_proxies": "10.0.0.0/8 ::1", "outbound_allow": "chat.example.org"}, "ok", "ok"),
        ({"public_url": "https://r.example.org", "host": "0.0.0.0"}, "ok", "ok"),
    ],
)
def test_settings_that_are_dangerous(
    site: Site, settings: dict[str, str], code: str, outcome: str
) -> None:
    assert site.finds("settings.safe", **settings) == {code: outcome}


def test_secrets_of_the_home(site: Site) -> None:
    def judged() -> dict[str, str]:
        return site.finds("keys.secret", secret_key=None)

    file = site.home / "secret.key"
    assert judged() == {"secret_missing": "warning"}
    file.write_text("changeme" * 8)
    assert judged() == {"secret_weak": "failed"}
    file.write_text(base64.b64encode(os.urandom(48)).decode())
    assert judged() == {"ok": "ok"}
    file.unlink()
    file.mkdir()
    assert judged() == {"secret_unreadable": "failed"}
    assert site.finds("keys.master", master_keys=None) == {"master_key_missing": "warning"}
    assert site.finds("keys.audit", audit_keys=None) == {"audit_key_missing": "warning"}
    (site.home / "audit.keys").mkdir()
    assert site.finds("keys.audit", audit_keys=None) == {"audit_key_unreadable": "failed"}


def test_files_that_others_may_read(site: Site, tmp_path: Path) -> None:
    assert site.finds("files") == {"ok": "ok"}
    file = site.home / "secret.key"
    file.write_text("x")
    file.chmod(0o640)
    assert site.finds("files") == {"file_open_to_group": "warning"}
    file.chmod(0o604)
    found = site.look()["files"]
    assert [(one["code"], one["outcome"]) for one in found] == [("file_open", "failed")]
    assert f"chmod 600 {file}" in found[0]["advice"]
    file.chmod(0o600)
    site.home.chmod(0o755)
    assert site.finds("files") == {"home_open": "warning"}
    site.home.chmod(0o700)
    for name in ("master_key_file", "sign_in_providers"):
        elsewhere = tmp_path / name
        elsewhere.write_text("[]")
        elsewhere.chmod(0o644)
        given: dict[str, str | None] = {name: str(elsewhere)}
        assert site.finds("files", **given) == {"file_open": "failed"}, name


def test_a_home_that_is_no_folder(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert site.finds("home", home=str(file)) == {"home_not_writable": "failed"}


@as_user
def test_a_home_below_a_folder_of_somebody_else(site: Site, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "home").mkdir(parents=True)
    closed.chmod(0)
    try:
        found = site.look(home=str(closed / "home"))
    finally:
        closed.chmod(0o700)
    assert [one["code"] for one in found["home"]] == ["home_unreachable"]
    assert [one["outcome"] for one in found["database"]] == ["ok"]


@as_user
def test_a_home_of_somebody_else(site: Site) -> None:
    site.home.chmod(0o500)
    assert site.finds("home") == {"home_not_writable": "failed"}


def test_a_disk_that_is_full_or_cannot_be_written(site: Site, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=400) as disk:
        found = site.look(home=str(disk))
        assert [one["code"] for one in found["home"]] == ["ok"]
        assert found["disk"][0]["code"] == "disk_nearly_full"
        (disk / "filling").write_bytes(bytes(250_000_000))
        found = site.look(home=str(disk))
        assert [found["disk"][0][name] for name in ("code", "outcome")] == ["disk_full", "failed"]
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        found = site.look(home=str(disk))
        assert [one["code"] for one in found["home"]] == ["home_not_writable"]


def test_a_file_that_never_answers_holds_nothing_up(site: Site, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    began = time.monotonic()
    found = site.look("--timeout", "0.5", master_keys=None, master_key_file=str(pipe))
    assert time.monotonic() - began < 30
    assert [one["code"] for one in found["keys.master"]] == ["timed_out"]
    assert [one["code"] for one in found["database"]] == ["ok"]
    assert [one["code"] for one in found["redis"]] == ["ok"]


@pytest.fixture
def valkey() -> Iterator[EmbeddedValkey]:
    """A Valkey of this test alone."""
    with tempfile.TemporaryDirectory(prefix="rt-doctor-") as folder:
        made = EmbeddedValkey(Path(folder) / "valkey")
        made.start()
        yield made
        end_processes_below(Path(folder))


def _configured(valkey: EmbeddedValkey, name: str, value: str) -> None:
    with Redis.from_url(valkey.url()) as client:
        client.config_set(name, value)


def test_a_redis_that_may_be_full_or_is_a_replica(site: Site, valkey: EmbeddedValkey) -> None:
    assert site.finds("redis", redis_url=valkey.url()) == {"ok": "ok"}
    _configured(valkey, "maxmemory-policy", "noeviction")
    assert site.finds("redis", redis_url=valkey.url()) == {"redis_never_evicts": "warning"}
    _configured(valkey, "maxmemory", "0")
    assert site.finds("redis", redis_url=valkey.url()) == {"ok": "ok"}
    with Redis.from_url(valkey.url()) as client:
        client.slaveof("127.0.0.1", 1)
    assert site.finds("redis", redis_url=valkey.url()) == {"redis_replica": "warning"}


def test_a_redis_that_wants_another_password(site: Site, valkey: EmbeddedValkey) -> None:
    _configured(valkey, "requirepass", "right-password")
    site.hidden += ["right-pass", "wrong-pass"]
    wrong = valkey.url().replace("unix://", "unix://:wrong-password@")
    assert site.finds("redis", redis_url=wrong) == {"redis_login_refused": "warning"}
    assert site.finds("redis", redis_url=valkey.url()) == {"redis_login_refused": "warning"}
    right = wrong.replace("wrong", "right")
    assert site.finds("redis", redis_url=right) == {"ok": "ok"}


def test_a_redis_that_does_not_show_itself(site: Site, valkey: EmbeddedValkey) -> None:
    with Redis.from_url(valkey.url()) as client:
        client.execute_command("ACL SETUSER shy on >right-password ~* &* +@all -info")
    site.hidden.append("right-pass")
    shy = valkey.url().replace("unix://", "unix://shy:right-password@")
    assert site.finds("redis", redis_url=shy) == {"redis_not_shown": "warning"}


def test_a_redis_that_is_away_is_a_warning(site: Site, valkey: EmbeddedValkey) -> None:
    valkey.stop()
    assert site.finds("redis", redis_url=valkey.url()) == {"redis_unreachable": "warning"}
    assert site.finds("redis", redis_url=None) == {"redis_unknown": "warning"}
    assert "REQTRAIL_REDIS_URL" in str(site.look(redis_url="here")["settings"])
    site.run(redis_url=valkey.url(), code=0)
    with _deaf() as port:
        found = site.finds("redis", redis_url=f"redis://127.0.0.1:{port}/0")
        assert found == {"redis_unreachable": "warning"}


def test_a_redis_that_cannot_be_had_here() -> None:
    assert redis_checks.judge_server({"redis_version": "6.2.14"}).code == "redis_too_old"
    assert redis_checks.judge_server({"redis_version": "7.0.0"}).code == "ok"


@contextmanager
def _deaf() -> Iterator[int]:
    """Yield the port of a server that takes connections and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def smtp() -> Iterator[Callable[..., int]]:
    """Starts mail servers, with the options of aiosmtpd; returns the port of each."""
    started: list[Controller] = []

    def start(**options: Any) -> int:
        port = free_port()
        made = Controller(Sink(), hostname="127.0.0.1", port=port, **options)
        made.start()
        started.append(made)
        return port

    yield start
    for one in started:
        one.stop()


def _mail(site: Site, port: int, *arguments: str, **settings: str) -> dict[str, str]:
    given = {"smtp_host": "127.0.0.1", "smtp_security": "none", "mail_from": "r@example.org"}
    return site.finds("mail", *arguments, **{**given, "smtp_port": str(port), **settings})


def test_mail_servers(site: Site, smtp: Callable[..., int]) -> None:
    assert site.finds("mail") == {"ok": "ok"}
    assert site.finds("mail", public_url="https://r.example.org") == {"mail_not_sent": "warning"}
    port = smtp()
    assert _mail(site, port) == {"ok": "ok"}
    assert _mail(site, port, mail_from="r@localhost") == {"mail_from_localhost": "warning"}
    assert _mail(site, port, smtp_security="starttls") == {"mail_without_tls": "failed"}
    assert _mail(site, port, smtp_security="tls") == {"mail_without_tls": "failed"}
    assert _mail(site, port, smtp_ca_file="/absent") == {"mail_unreachable": "failed"}
    assert _mail(site, free_port()) == {"mail_unreachable": "failed"}


def test_a_mail_server_that_refuses_the_login(site: Site, smtp: Callable[..., int]) -> None:
    def authenticate(
        server: object, session: object, envelope: object, kind: str, given: Any
    ) -> AuthResult:
        return AuthResult(success=given.password == b"right-password", handled=False)

    port = smtp(auth_require_tls=False, authenticator=authenticate)
    site.hidden += ["right-pass", "wrong-pass"]
    login = {"smtp_username": "reqtrail", "smtp_password": "wrong-password"}
    assert _mail(site, port, **login) == {"mail_login_refused": "failed"}
    login["smtp_password"] = "right-password"
    assert _mail(site, port, **login) == {"ok": "ok"}


def test_a_mail_server_that_says_nothing(site: Site) -> None:
    with _deaf() as port:
        assert _mail(site, port, "--timeout", "0.5") == {"timed_out": "failed"}
