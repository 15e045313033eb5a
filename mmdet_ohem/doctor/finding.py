"""One line of what was looked at."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mmdet_ohem.command_line import DEBUG, in_a_line, is_told

OK, WARNING, ERROR = 'ok', 'warning', 'error'


@dataclass(frozen=True)
class Finding:
    """What a check has found.

    Attributes:
        level: ``'ok'``, ``'warning'`` or ``'error'``.
        what: What was looked at, in a word or two.
        text: What was found, and the remedy where it is not ok.
    """

    level: str
    what: str
    text: str


def ok(what: str, text: str) -> Finding:
    """A line about something that is as it should be."""
    return Finding(OK, what, text)


def warning(what: str, text: str) -> Finding:
    """A line about something that may be meant."""
    return Finding(WARNING, what, text)


def error(what: str, text: str) -> Finding:
    """A line about something that cannot work."""
    return Finding(ERROR, what, text)


def from_exception(what: str, raised: BaseException) -> Finding:
    """The line about a check that raised an exception.

    Args:
        what: What was looked at.
        raised: The exception.

    Returns:
        An error with its message. Where tracebacks are asked for, the
        exception is raised again instead.
    """
    if os.environ.get(DEBUG):
        raise raised
    kind = type(raised).__name__
    text = in_a_line(raised)
    plain = is_told(raised) or text == kind
    return error(what, text if plain else f'{kind}: {text}')


def checked(
    what: str, check: Callable[[], Iterable[Finding]]
) -> list[Finding]:
    """Run a check; an exception is one of its findings.

    Args:
        what: What it looks at.
        check: The check.

    Returns:
        All that it found.
    """
    found: list[Finding] = []
    try:
        found.extend(check())
    except Exception as raised:
        found.append(from_exception(what, raised))
    return found
