"""Fractional ranks: strings between which there is always room, so that reordering writes one row.

A rank is a base-62 fraction without its leading "0.". The scheme follows D. Greenspan, "Implementing Fractional
Indexing" (2020), without its integer part: a rank never ends with the lowest digit, so that something fits below it.
Ranks compare by code point.
"""

from __future__ import annotations

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUE = {digit: value for value, digit in enumerate(DIGITS)}
_BASE = len(DIGITS)
_STRIDE = 4
"""Digits by which ranks at an open end grow: enough for millions of additions each."""


def between(low: str | None, high: str | None) -> str:
    """Return a rank after *low* and before *high*; None means no bound on that side.

    Raises:
        ValueError: If a bound is no rank, or *low* is not before *high*.
    """
    return spread(low, high, 1)[0]


def spread(low: str | None, high: str | None, count: int) -> list[str]:
    """Return *count* ascending ranks after *low* and before *high*, as short as an even spread allows.

    Raises:
        ValueError: If a bound is no rank, or *low* is not before *high*.
    """
    _check(low)
    _check(high)
    if low is not None and high is not None and low >= high:
        raise ValueError(f"there is no rank between {low!r} and {high!r}")
    if high is None and low is not None:
        return _behind(low, count)
    if low is None and high is not None:
        return _ahead(high, count)
    width = max(len(low or ""), len(high or "")) + 1
    while True:
        floor = _number(low or "", width)
        ceiling = _number(high, width) if high is not None else _BASE**width
        if ceiling - floor > count:
            break
        width += 1
    step = (ceiling - floor) // (count + 1)
    return [_text(floor + step * (index + 1), width) for index in range(count)]


def _behind(low: str, count: int) -> list[str]:
    """Count up from *low*: halving what is left up to the end would lengthen the rank with every sixth addition."""
    width = _STRIDE
    while True:
        start = _number(low[:width], width)
        if _BASE**width - 1 - start >= count:
            return [_text(start + 1 + index, width) for index in range(count)]
        width += _STRIDE


def _ahead(high: str, count: int) -> list[str]:
    """Count down from *high*."""
    width = _STRIDE
    while True:
        start = _number(high[:width], width)
        if start > count:
            return [_text(start - count + index, width) for index in range(count)]
        width += _STRIDE


def _check(rank: str | None) -> None:
    if rank is not None and (
        not rank or rank[-1] == DIGITS[0] or any(digit not in _VALUE for digit in rank)
    ):
        raise ValueError(f"{rank!r} is no rank")


def _number(rank: str, width: int) -> int:
    number = 0
    for position in range(width):
        number = number * _BASE + (_VALUE[rank[position]] if position < len(rank) else 0)
    return number


def _text(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, value = divmod(number, _BASE)
        digits.append(DIGITS[value])
    return "".join(reversed(digits)).rstrip(DIGITS[0])
