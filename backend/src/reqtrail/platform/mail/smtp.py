"""Handing mails over by SMTP."""

from __future__ import annotations

import asyncio
import random
import ssl
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from typing import Final

import aiosmtplib
import structlog

from reqtrail.kit import clock
from reqtrail.platform.database.engine import Database
from reqtrail.platform.mail import outbox
from reqtrail.platform.mail.outbox import Mail
from reqtrail.platform.settings import Settings
from reqtrail.platform.telemetry.tracing import continued_from

logger = structlog.get_logger()

MAX_ATTEMPTS: Final = 15
FIRST_WAIT_SECONDS: Final = 15.0
LONGEST_WAIT_SECONDS: Final = 3600.0
ATTEMPT_SECONDS: Final = 120.0


class MailRefused(Exception):
    """The server, or the form of the address, will never let this mail through."""


class Mailer:
    """Hands mails over to the SMTP server of the settings.

    Raises:
        ValueError: If the settings name no server.
        OSError, ssl.SSLError: If the file of certificates cannot be read.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.smtp_host is None:
            raise ValueError("REQTRAIL_SMTP_HOST is not set")
        self._settings = settings
        self._sender = parseaddr(settings.mail_from)[1]
        self._tls = ssl.create_default_context(cafile=settings.smtp_ca_file)

    async def send(self, mail: Mail) -> None:
        """Hand *mail* over; the server has it when this returns.

        Raises:
            MailRefused: If trying again is of no use.
            aiosmtplib.SMTPException, OSError: If it may go through later.
        """
        message, client = self._message(mail), self._client()
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS), client:
                await client.send_message(message, sender=self._sender, recipients=[mail.recipient])
        except aiosmtplib.SMTPRecipientsRefused as error:
            worst = error.recipients[0]
            if worst.code >= 500:
                raise MailRefused(f"{worst.code} {worst.message}") from error
            raise
        except aiosmtplib.SMTPDataError as error:
            if error.code >= 500:
                raise MailRefused(f"{error.code} {error.message}") from error
            raise

    async def try_out(self) -> None:
        """Connect, sign in if the settings say so, and send nothing.

        Raises:
            aiosmtplib.SMTPException, OSError: If mails would not go through at present.
        """
        async with asyncio.timeout(ATTEMPT_SECONDS), self._client() as client:
            await client.noop()

    def _client(self) -> aiosmtplib.SMTP:
        settings = self._settings
        password = settings.smtp_password
        return aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            tls_context=self._tls if settings.smtp_security != "none" else None,
            username=settings.smtp_username,
            password=password.get_secret_value() if password else None,
            timeout=settings.smtp_timeout_seconds,
        )

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage(policy=SMTP_POLICY)
        try:
            message["To"] = Address(addr_spec=mail.recipient)
        except (ValueError, IndexError, MessageError) as error:
            raise MailRefused("The address cannot be written in a mail.") from error
        message["From"] = self._settings.mail_from
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(mail.created_at)
        # The same at each attempt: a server that has the mail already can tell.
        message["Message-ID"] = f"<{mail.mail_id}@{self._sender.partition('@')[2] or 'reqtrail'}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.plain)
        message.add_alternative(mail.html, subtype="html")
        return message


async def send_next(database: Database, mailer: Mailer | None) -> bool:
    """Send the mail that is due, if any; return whether there was one. Without a *mailer* the local sink keeps all.

    A mail is sent at least once: a worker that dies between the server's answer and its own note sends it again.
    """
    if mailer is None:
        async with database.session() as session:
            await outbox.keep_queued(session)
        return False
    async with database.session() as session:
        mail = await outbox.claim(session)
    if mail is None:
        return False
    with continued_from(mail.trace_parent, "mail"):
        await _send(database, mailer, mail)
    return True


async def _send(database: Database, mailer: Mailer, mail: Mail) -> None:
    try:
        await mailer.send(mail)
    except MailRefused as error:
        logger.warning("mail_refused", mail=str(mail.mail_id), error=str(error))
        async with database.session() as session:
            await outbox.settle_failed(session, mail, str(error)[:500])
    except Exception as error:
        # Whatever it is, this mail has had an attempt, and the others go on.
        await _put_off(database, mail, error)
    else:
        async with database.session() as session:
            await outbox.settle_sent(session, mail)


async def _put_off(database: Database, mail: Mail, error: Exception) -> None:
    reason = f"{type(error).__name__}: {error}"[:500]
    logger.warning("mail_not_sent", mail=str(mail.mail_id), attempts=mail.attempts, error=reason)
    async with database.session() as session:
        if mail.attempts >= MAX_ATTEMPTS:
            await outbox.settle_failed(session, mail, reason)
        else:
            await outbox.settle_later(session, mail, reason, clock.now() + _wait(mail.attempts))


def _wait(attempts: int) -> timedelta:
    """Return how long to wait after the attempt of this number: doubling, and not for all mails at the same moment."""
    seconds = min(FIRST_WAIT_SECONDS * 2 ** (attempts - 1), LONGEST_WAIT_SECONDS)
    return timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
