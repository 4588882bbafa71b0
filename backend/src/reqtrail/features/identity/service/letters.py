"""What the mails about accounts say. Links begin with the public address of the settings, never with a header's."""

from __future__ import annotations

from typing import Final

from reqtrail.features.identity.types import Link, Purpose
from reqtrail.platform.mail.letters import Letter

PATHS: Final = {
    Purpose.INVITATION: "invitation",
    Purpose.REGISTRATION: "registration",
    Purpose.EMAIL_VERIFICATION: "verify-email",
    Purpose.EMAIL_CHANGE: "change-email",
    Purpose.PASSWORD_RESET: "reset-password",
}
_NOT_YOU: Final = "If this was not you, do nothing: without the link nothing happens."


def link_address(public_url: str, purpose: Purpose, token: str) -> str:
    """Return the address of a link. The token stands in the fragment, which no server and no log gets to see."""
    return f"{public_url}/{PATHS[purpose]}#{token}"


def _until(link: Link) -> str:
    return f"The link is good once, until {link.expires_at:%Y-%m-%d %H:%M} UTC."


def invitation(link: Link, address: str, inviter: str) -> Letter:
    """Invite somebody to the instance or to what the link's details call the place."""
    place = str(link.details.get("place", ""))
    to = f"{place} in Reqtrail" if place else "Reqtrail"
    role = f" as {link.details['role']}" if link.details.get("role") else ""
    return Letter(
        f"{inviter} invites you to {place or 'Reqtrail'}",
        (f"{inviter} invites you to {to}{role}.",),
        "Accept the invitation",
        address,
        (_until(link), "If you do not know what this is about, do nothing."),
    )


def registration(link: Link, address: str) -> Letter:
    """Let somebody go on who asked for an account."""
    return Letter(
        "Go on with your account in Reqtrail",
        ("Somebody asked for an account in Reqtrail with this e-mail address.",),
        "Choose a name and a password",
        address,
        (_until(link), _NOT_YOU),
    )


def account_exists(public_url: str) -> Letter:
    """Tell somebody who asked for an account that there is one."""
    return Letter(
        "You have an account in Reqtrail already",
        (
            "Somebody asked for an account in Reqtrail with this e-mail address, which has one already.",
            "Sign in with it. If you do not know the password any more, ask for a new one there.",
        ),
        "Sign in",
        f"{public_url}/sign-in",
        ("If this was not you, do nothing.",),
    )


def email_verification(link: Link, address: str) -> Letter:
    """Let somebody prove that the address is theirs."""
    return Letter(
        "Confirm your e-mail address",
        ("Confirm that this is the e-mail address of your account in Reqtrail.",),
        "Confirm the address",
        address,
        (_until(link), _NOT_YOU),
    )


def email_change(link: Link, address: str) -> Letter:
    """Let somebody prove that the new address is theirs."""
    return Letter(
        "Confirm your new e-mail address",
        ("Somebody asked to use this e-mail address for their account in Reqtrail.",),
        "Use this address from now on",
        address,
        (_until(link), _NOT_YOU),
    )


def email_change_taken() -> Letter:
    """Tell the owner of an address that somebody wanted it for another account."""
    return Letter(
        "Somebody asked to use your e-mail address",
        (
            "Somebody asked to use this e-mail address for their account in Reqtrail. It has an account already, so"
            " nothing was changed.",
        ),
    )


def email_change_asked(new: str) -> Letter:
    """Warn the old address that a change was asked for."""
    return Letter(
        "Your e-mail address is about to change",
        (
            f"Somebody who knows the password of your account in Reqtrail asked to change its e-mail address to {new}."
            " It changes once the new address is confirmed.",
            "If this was not you, change your password now and tell an administrator.",
        ),
    )


def email_changed(new: str) -> Letter:
    """Tell the old address that it is not that of the account any more."""
    return Letter(
        "Your e-mail address was changed",
        (
            f"The e-mail address of your account in Reqtrail is now {new}.",
            "If this was not you, tell an administrator at once.",
        ),
    )


def password_reset(link: Link, address: str) -> Letter:
    """Let somebody choose a new password."""
    return Letter(
        "Choose a new password",
        ("Somebody asked to choose a new password for your account in Reqtrail.",),
        "Choose a new password",
        address,
        (_until(link), _NOT_YOU),
    )


def password_changed() -> Letter:
    """Tell the owner of an account that its password is another one."""
    return Letter(
        "Your password was changed",
        (
            "The password of your account in Reqtrail was changed, and its sign-ins were ended.",
            "If this was not you, ask for a new password on the sign-in page and tell an administrator.",
        ),
    )


def factors_reset() -> Letter:
    """Tell the owner of an account that an administrator removed its second factors."""
    return Letter(
        "Your second factors were removed",
        (
            "An administrator removed the authenticator, the passkeys and the recovery codes of your account in"
            " Reqtrail, and its sign-ins were ended. Sign in with your password and add a second factor anew.",
            "If you did not ask for this, change your password now and tell another administrator.",
        ),
    )
