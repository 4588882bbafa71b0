"""The server that takes mails."""

from __future__ import annotations

import ssl
from typing import Final

import aiosmtplib

from reqtrail.platform.checks.model import Check, Finding, Installation, failed, fine, warning
from reqtrail.platform.mail.smtp import Mailer


async def _mail(installation: Installation) -> Finding:
    settings = installation.settings
    place = f"{settings.smtp_host}:{settings.smtp_port}"
    if not settings.smtp_host:
        if settings.registration or settings.public_url:
            return warning(
                "mail_not_sent",
                "No mail is sent: a local sink keeps all, and administrators can follow the links in them.",
                "Set REQTRAIL_SMTP_HOST before people have accounts.",
            )
        return fine("No SMTP server is set: a local sink keeps all mails.")
    try:
        await Mailer(settings).try_out()
    except aiosmtplib.SMTPAuthenticationError as error:
        return failed(
            "mail_login_refused",
            f"The mail server {place} refuses the login (code {error.code}).",
            "Correct REQTRAIL_SMTP_USERNAME and REQTRAIL_SMTP_PASSWORD.",
        )
    except ssl.SSLError as error:
        return _no_tls(place, error.reason or type(error).__name__)
    except (aiosmtplib.SMTPException, OSError) as error:
        if isinstance(error.__cause__, ssl.SSLError):
            return _no_tls(place, error.__cause__.reason or "no TLS")
        if "STARTTLS" in str(error):
            return _no_tls(place, "it offers no STARTTLS")
        return failed(
            "mail_unreachable",
            f"The mail server {place} cannot be used ({type(error).__name__}); mails wait meanwhile.",
            "See whether it runs, and whether REQTRAIL_SMTP_HOST, _PORT and _SECURITY are right.",
        )
    if settings.mail_from.rstrip(">").endswith("@localhost"):
        return warning(
            "mail_from_localhost",
            f"The mail server {place} answers, but mails come from an address at localhost.",
            "Set REQTRAIL_MAIL_FROM to an address that the server may send from.",
        )
    return fine(f"The mail server {place} answers.")


def _no_tls(place: str, reason: str) -> Finding:
    return failed(
        "mail_without_tls",
        f"The mail server {place} cannot be spoken to by TLS: {reason}.",
        "Correct REQTRAIL_SMTP_SECURITY, or name the signers of its certificate in REQTRAIL_SMTP_CA_FILE.",
    )


CHECKS: Final = (Check("mail", "Mail", _mail),)
