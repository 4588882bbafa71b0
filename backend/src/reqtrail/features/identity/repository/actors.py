"""Who asks: the query that proves an account, and lets its transaction act for it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    String,
    Subquery,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
)

from reqtrail.features.identity.tables import api_tokens, refresh_families, users
from reqtrail.features.identity.types import Actor, Credential, TokenGrant
from reqtrail.platform.database.scope import ACTOR, ADMINISTRATOR, NOTHING, set_local

_GRANT_COLUMNS = ("token_id", "permissions", "project_ids", "expires_at")
USER_COLUMNS = [column for column in users.c if column.name != "password_hash"]


def acts_for(account: Any, unlimited: ColumnElement[bool]) -> ColumnElement[str]:
    """Return the expression that lets the transaction act for an account, given the columns of its row.

    Args:
        unlimited: Whether they came with nothing that is limited to some projects.
    """
    administrates = case(
        (and_(account.is_administrator, unlimited), literal_column("'on'")), else_=NOTHING
    )
    return set_local(ACTOR, cast(account.user_id, String)).concat(
        set_local(ADMINISTRATOR, administrates)
    )


@cache
def active_user(by_token: bool) -> Subquery:
    """Return the query of the one active account that a credential proves; no row when it proves nothing any more.

    Its parameters are those of :func:`credential_parameters`. Features above join it, so that one round trip proves
    the account and what it sees. Every request needs it, so it is built once.

    With the row the transaction begins to act for the account. The policies of other tables go by that, so a query that
    reads them too must read them after this: in a lateral subquery that names ``acting``, which cannot come first.

    Args:
        by_token: Whether the credential is a personal token, rather than an access token.
    """
    unlimited = api_tokens.c.project_ids.is_(None) if by_token else true()
    statement = select(
        *USER_COLUMNS,
        *_grant_columns(by_token),
        acts_for(users.c, unlimited).label("acting"),
    ).where(users.c.active)
    if by_token:
        statement = statement.join(api_tokens, api_tokens.c.user_id == users.c.user_id).where(
            api_tokens.c.token_hash == bindparam("actor_token_hash"),
            api_tokens.c.revoked_at.is_(None),
            or_(api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > func.now()),
        )
    else:
        statement = statement.join(
            refresh_families, refresh_families.c.user_id == users.c.user_id
        ).where(
            users.c.user_id == bindparam("actor_user_id"),
            refresh_families.c.family_id == bindparam("actor_family_id"),
            refresh_families.c.revoked_at.is_(None),
            refresh_families.c.expires_at > func.now(),
        )
    return statement.subquery("actor")


def _grant_columns(by_token: bool) -> Iterator[ColumnElement[Any]]:
    for name in _GRANT_COLUMNS:
        column = api_tokens.c[name]
        yield (column if by_token else cast(null(), column.type)).label(f"token_{name}")


def read_actor(row: Row[Any]) -> Actor:
    """Return the account of a row that has the columns of :func:`active_user`."""
    values = row._mapping
    account = {column.name: values[column.name] for column in USER_COLUMNS}
    token_id, permissions, project_ids, expires_at = (
        values[f"token_{name}"] for name in _GRANT_COLUMNS
    )
    if token_id is None:
        return Actor(**account)
    grant = TokenGrant(
        token_id,
        None if permissions is None else frozenset(permissions),
        None if project_ids is None else frozenset(project_ids),
        expires_at,
    )
    return Actor(**account, token=grant)


def credential_parameters(credential: Credential) -> dict[str, Any]:
    """Return the parameters of :func:`active_user` for *credential*."""
    if credential.token_hash is not None:
        return {"actor_token_hash": credential.token_hash}
    return {"actor_user_id": credential.user_id, "actor_family_id": credential.family_id}
