"""Mails reach a real SMTP server, wait while it is away, and stay with the local sink without one."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from pydantic import ValidationError
from sqlalchemy import select, update

from reqtrail.kit import clock
from reqtrail.platform.mail import outbox
from reqtrail.platform.mail.letters import Letter
from reqtrail.platform.mail.smtp import Mailer, send_next
from reqtrail.platform.mail.tables import mails
from reqtrail.platform.settings import Settings
from tests.fixtures.api import World
from tests.fixtures.instance import free_port

pytestmark = pytest.mark.anyio

LETTER = Letter(
    "A <b>subject</b>\r\nBcc: x@evil.example", ("One & two.",), "Go", "https://r.example/a#b"
)


class Inbox:
    """What a server does with mails: takes them, or answers as it is told."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.was_encrypted: list[bool] = []
        self.answers: list[str] = []

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd looks for
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to a recipient."""
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd looks for
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take a mail."""
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        self.recipients += envelope.rcpt_tos
        assert server.transport is not None
        encrypted = server.transport.get_extra_info("ssl_object") is not None
        self.was_encrypted.append(encrypted)
        return "250 OK"


class Post:
    """An SMTP server of the test, which can be away, and the mailer for it."""

    def __init__(self, **options: Any) -> None:
        self.inbox, self.port, self._options = Inbox(), free_port(), options
        self._controller: Controller | None = None

    def open(self) -> None:
        """Begin to listen."""
        self._controller = Controller(
            self.inbox, hostname="127.0.0.1", port=self.port, **self._options
        )
        self._controller.start()

    def close(self) -> None:
        """Stop listening."""
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def mailer(self, **settings: Any) -> Mailer:
        """Return a mailer that hands over to this server."""
        return Mailer(self.settings(**settings))

    def settings(self, **settings: Any) -> Settings:
        """Return settings that name this server."""
        given = {"smtp_security": "none", "smtp_host": "127.0.0.1", "smtp_timeout_seconds": 10}
        return Settings(**{**given, "smtp_port": self.port, **settings})


@pytest.fixture
def post() -> Iterator[Post]:
    """A server that is not listening yet."""
    made = Post()
    yield made
    made.close()


async def _queued(world: World, recipient: str) -> None:
    async with world.database.session() as session:
        await outbox.keep_queued(session)  # what other tests of this database left
    async with world.database.session() as session:
        await outbox.post(session, recipient, LETTER)


async def _stored(world: World, recipient: str) -> Any:
    async with world.database.read_session() as session:
        return (await session.execute(select(mails).where(mails.c.recipient == recipient))).one()


async def _make_due(world: World) -> None:
    async with world.database.session() as session:
        await session.execute(
            update(mails).where(mails.c.state == "queued").values(due_at=clock.now())
        )


async def test_a_mail_is_handed_over_and_its_text_removed(world: World, post: Post) -> None:
    post.open()
    await _queued(world, "reader@example.org")
    assert await send_next(world.database, post.mailer()) is True
    assert await send_next(world.database, post.mailer()) is False
    (mail,) = post.inbox.mails
    assert post.inbox.recipients == ["reader@example.org"]
    assert mail["Subject"] == "A <b>subject</b> Bcc: x@evil.example" and mail["Bcc"] is None
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None and html is not None
    assert "One & two." in plain.get_content() and "https://r.example/a#b" in plain.get_content()
    assert "One &amp; two." in html.get_content() and "<b>" not in html.get_content()
    stored = await _stored(world, "reader@example.org")
    assert (stored.state, stored.plain, stored.html) == ("sent", "", "")
    assert stored.sealed is None
    assert mail["Message-ID"] == f"<{stored.mail_id}@localhost>"


async def test_a_mail_waits_while_the_server_is_away(world: World, post: Post) -> None:
    await _queued(world, "patient@example.org")
    waits = []
    for attempt in (1, 2, 3):
        began = clock.now()
        assert await send_next(world.database, post.mailer()) is True
        stored = await _stored(world, "patient@example.org")
        assert (stored.state, stored.attempts) == ("queued", attempt) and stored.error
        waits.append((stored.due_at - began).total_seconds())
        assert await send_next(world.database, post.mailer()) is False  # not due again yet
        await _make_due(world)
    assert 12 <= waits[0] < waits[1] < waits[2]
    post.open()
    assert await send_next(world.database, post.mailer()) is True
    assert len(post.inbox.mails) == 1
    assert (await _stored(world, "patient@example.org")).state == "sent"


async def test_a_mail_is_given_up_after_many_attempts(world: World, post: Post) -> None:
    await _queued(world, "never@example.org")
    async with world.database.session() as session:
        await session.execute(
            update(mails).where(mails.c.recipient == "never@example.org").values(attempts=14)
        )
    assert await send_next(world.database, post.mailer()) is True
    stored = await _stored(world, "never@example.org")
    assert (stored.state, stored.plain) == ("failed", "")


@pytest.mark.parametrize(
    ("answer", "state"), [("550 No such user", "failed"), ("451 Try later", "queued")]
)
async def test_what_the_server_says_counts(
    world: World, post: Post, answer: str, state: str
) -> None:
    post.open()
    post.inbox.answers.append(answer)
    await _queued(world, f"{state}@example.org")
    assert await send_next(world.database, post.mailer()) is True
    stored = await _stored(world, f"{state}@example.org")
    assert stored.state == state and answer[4:] in stored.error


@pytest.mark.parametrize(
    "recipient",
    ["two@example.org,three@example.org", "a<b@example.org", "x@example.org.", "x@b..c"],
)
async def test_an_address_that_is_none_is_not_sent_to(
    world: World, post: Post, recipient: str
) -> None:
    post.open()
    await _queued(world, recipient)
    assert await send_next(world.database, post.mailer()) is True
    assert (await _stored(world, recipient)).state == "failed" and not post.inbox.mails


async def test_a_mail_is_written_with_what_causes_it(world: World, post: Post) -> None:
    with pytest.raises(RuntimeError):
        async with world.database.session() as session:
            await outbox.post(session, "rolled-back@example.org", LETTER)
            raise RuntimeError("the request fails")
    async with world.database.read_session() as session:
        found = await session.execute(
            select(mails).where(mails.c.recipient == "rolled-back@example.org")
        )
        assert found.one_or_none() is None


async def test_two_workers_do_not_send_the_same_mail(world: World) -> None:
    await _queued(world, "once@example.org")
    async with world.database.session() as one, world.database.session() as other:
        assert (await outbox.claim(one)) is not None
        assert (await outbox.claim(other)) is None


async def test_the_lease_of_a_dead_worker_runs_out(world: World, post: Post) -> None:
    post.open()
    await _queued(world, "leased@example.org")
    async with world.database.session() as session:
        taken = await outbox.claim(session)
    assert taken is not None and taken.due_at > clock.now() + timedelta(minutes=4)
    assert await send_next(world.database, post.mailer()) is False
    await _make_due(world)
    assert await send_next(world.database, post.mailer()) is True
    async with world.database.session() as session:  # the dead one comes back and changes nothing
        await outbox.settle_failed(session, taken, "too late")
    assert (await _stored(world, "leased@example.org")).state == "sent"


async def test_the_local_sink_keeps_mails_and_never_sends_them_later(
    world: World, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _queued(world, "kept@example.org")
    assert await send_next(world.database, None) is False
    post.open()
    assert await send_next(world.database, post.mailer()) is False and not post.inbox.mails
    administrator = await world.administrator()

    async def shown() -> dict[str, Any]:
        answer = (await administrator.get("/admin/mails")).json()
        (mail,) = [each for each in answer["mails"] if each["recipient"] == "kept@example.org"]
        return {**mail, "local_sink": answer["local_sink"]}

    assert (await shown())["local_sink"] is True and "One & two." in (await shown())["text"]
    monkeypatch.setattr(world.app.state.settings, "smtp_host", "mail.example.org")
    assert (await shown())["local_sink"] is False and (await shown())["text"] == ""
    assert (await (await world.user()).get("/admin/mails")).status_code == 403


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("certificate")
    paths = folder / "cert.pem", folder / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*command, *names, "-out", str(paths[0]), "-keyout", str(paths[1])],
        check=True,
        capture_output=True,
    )
    return paths


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_tls_and_a_password(
    world: World, certificate: tuple[Path, Path], security: str
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    given: list[Any] = []

    def check(
        server: SMTP, session: Session, envelope: Envelope, how: str, data: Any
    ) -> AuthResult:
        given.append((data.login, data.password))
        return AuthResult(success=True)

    options: dict[str, Any] = {"authenticator": check}
    if security == "starttls":
        options |= {"tls_context": context, "require_starttls": True, "auth_required": True}
    else:
        options |= {"ssl_context": context, "auth_require_tls": False}
    post = Post(**options)
    post.open()
    try:
        recipient = f"{security}@example.org"
        await _queued(world, recipient)
        secret: dict[str, Any] = {"smtp_username": "me", "smtp_password": "a secret"}
        stranger = post.mailer(smtp_security=security, **secret)
        assert await send_next(world.database, stranger) is True
        assert (await _stored(world, recipient)).state == "queued" and not given
        await _make_due(world)
        ours = post.mailer(smtp_security=security, smtp_ca_file=certificate[0], **secret)
        assert await send_next(world.database, ours) is True
        assert (await _stored(world, recipient)).state == "sent"
        assert given == [(b"me", b"a secret")] and post.inbox.was_encrypted == [True]
    finally:
        post.close()


async def test_nothing_is_sent_in_clear_where_tls_is_asked_for(world: World, post: Post) -> None:
    post.open()
    await _queued(world, "clear@example.org")
    assert await send_next(world.database, post.mailer(smtp_security="starttls")) is True
    assert (await _stored(world, "clear@example.org")).state == "queued" and not post.inbox.mails


def test_settings_that_would_betray_are_refused() -> None:
    with pytest.raises(ValidationError, match="not sent without TLS"):
        Settings(smtp_host="mail.example.org", smtp_security="none", smtp_password="x")
    assert Settings(public_url="https://R.example/").public_address == "https://r.example"
    assert Settings(host="0.0.0.0", port=81).public_address == "http://127.0.0.1:81"


async def test_a_text_is_sealed_while_it_is_stored(world: World) -> None:
    """It holds a link that opens an account: a copy of the database gives nobody the link."""
    await _queued(world, "sealed@example.org")
    stored = await _stored(world, "sealed@example.org")
    assert (stored.plain, stored.html) == ("", "")
    assert b"https" not in stored.sealed and LETTER.plain().encode() not in stored.sealed
    async with world.database.session() as session:
        taken = await outbox.claim(session)
    assert taken is not None and taken.plain == LETTER.plain() and taken.html == LETTER.html()
    async with world.database.session() as session:
        await outbox.settle_sent(session, taken)
    assert (await _stored(world, "sealed@example.org")).sealed is None


async def test_a_text_that_was_put_in_from_another_mail_is_not_sent(
    world: World, post: Post
) -> None:
    post.open()
    await _queued(world, "from@example.org")
    theirs = (await _stored(world, "from@example.org")).sealed
    await _queued(world, "into@example.org")
    async with world.database.session() as session:
        await session.execute(
            update(mails).where(mails.c.recipient == "into@example.org").values(sealed=theirs)
        )
    assert not await send_next(world.database, post.mailer())
    failed = await _stored(world, "into@example.org")
    assert (failed.state, failed.error) == ("failed", outbox.UNREADABLE)
    assert post.inbox.mails == []
