"""Whose access a transaction changes: learned from its statements, so that no place that revokes can forget to say so.

A table that decides what somebody may see says in ``info["access"]`` whose matter a row of it is. A session that writes
looks at each statement that changes such a table. If the statement names the account or the sign-in, it is theirs; one
that does not, such as the removal of a whole group, may be anybody's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import and_, eq
from typing import Any, Final, Literal

from sqlalchemy import Column, ColumnElement, Delete, Table, Update, event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.sql.dml import UpdateBase, ValuesBase
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, BooleanClauseList

Kind = Literal["everybody", "account", "session", "tokens"]
Subject = tuple[Kind, str]
"""Whose access: the kind, and the id of the account or of the sign-in."""

EVERYBODY: Final[Subject] = ("everybody", "")
TOKENS: Final[Subject] = ("tokens", "")
"""All API tokens: the digest of one does not tell its account, so each change of an account counts for all of them."""

_CHANGED: Final = "reqtrail_changed_access"


@dataclass(frozen=True)
class Access:
    """What a table has to do with access.

    Attributes:
        of: The columns that say whose matter a row is.
        when: The columns whose change counts, and rows that are added or removed do not; without any, all of it counts.
    """

    of: Mapping[str, Kind] = field(default_factory=dict)
    when: tuple[str, ...] = ()


class WritingSession(Session):
    """A session that notes whose access its statements change."""


@event.listens_for(WritingSession, "do_orm_execute")
def _note(state: ORMExecuteState) -> None:
    statement = state.statement
    if not isinstance(statement, UpdateBase) or not isinstance(statement.table, Table):
        return
    access: Access | None = statement.table.info.get("access")
    if access is not None and _counts(statement, access):
        changed: set[Subject] = state.session.info.setdefault(_CHANGED, set())
        changed.update(_subjects(statement, access) or (EVERYBODY,))


def take_changes(session: AsyncSession) -> frozenset[Subject]:
    """Return whose access the transaction of *session* has changed."""
    return frozenset(session.info.pop(_CHANGED, ()))


def _counts(statement: UpdateBase, access: Access) -> bool:
    if not access.when:
        return True
    if getattr(statement, "_post_values_clause", None) is not None:
        return True  # an insert that may update
    values = _values(statement)
    # Without values they are given as parameters, of which nothing is known here.
    return statement.is_update and (not values or not values.keys().isdisjoint(access.when))


def _values(statement: UpdateBase) -> dict[str, Any]:
    """Return what *statement* sets, by column: the library keeps it in an attribute that it does not document."""
    given: Mapping[Any, Any] = (
        (statement._values or {}) if isinstance(statement, ValuesBase) else {}
    )
    return {getattr(column, "key", column): value for column, value in given.items()}


def _subjects(statement: UpdateBase, access: Access) -> set[Subject]:
    named = dict(_named(statement))
    found: set[Subject] = {
        (kind, str(named[column])) for column, kind in access.of.items() if column in named
    }
    if any(kind == "account" for kind, _ in found):
        found.add(TOKENS)
    return found


def _named(statement: UpdateBase) -> Iterator[tuple[str, Any]]:
    """Yield the columns that every row that *statement* changes has a certain value in, and the values."""
    if statement.is_insert:
        for name, given in _values(statement).items():
            if isinstance(given, BindParameter):
                yield name, given.effective_value
        return
    where = statement.whereclause if isinstance(statement, Update | Delete) else None
    for clause in _parts(where):
        if not isinstance(clause, BinaryExpression) or clause.operator is not eq:
            continue
        column: Any = clause.left
        value: Any = clause.right
        if not isinstance(column, Column) or column.table is not statement.table:
            continue
        if isinstance(value, BindParameter) and value.effective_value is not None:
            yield column.key, value.effective_value


def _parts(where: ColumnElement[Any] | None) -> Iterator[Any]:
    """Yield the conditions that all have to hold."""
    if isinstance(where, BooleanClauseList) and where.operator is and_:
        yield from where.clauses
    elif where is not None:
        yield where
