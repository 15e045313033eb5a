"""Names of classes and files are text, whatever they look like.

Libraries understand parts of a text as commands: rich ``[red]`` and
``:cat:``, matplotlib what stands between dollars, plotly ``<b>``, and a
terminal the characters that control it. A name from a file is not meant so.
"""

from html import escape
from typing import Any

from rich.console import Console


def plain_console(**keys: Any) -> Console:
    """A console that prints texts as they are.

    Args:
        **keys: As for rich's ``Console``.
    """
    return Console(markup=False, emoji=False, **keys)


def printable(text: str) -> str:
    r"""A text on one line, without characters that control a terminal.

    Args:
        text: Of unknown origin.

    Returns:
        The same with control characters as escapes, such as ``\\\\n``.
    """
    return ''.join(
        x if x.isprintable() else x.encode('unicode_escape').decode('ascii')
        for x in text
    )


def without_math(text: str) -> str:
    """A text that matplotlib draws as it is.

    Args:
        text: Of unknown origin.

    Returns:
        The same with its dollars escaped: two of them begin and end a formula.
    """
    return text.replace('$', r'\$')


def without_tags(text: str) -> str:
    """A text that plotly, or a page of HTML, shows as it is.

    Args:
        text: Of unknown origin.

    Returns:
        The same with ``&``, ``<`` and ``>`` escaped.
    """
    return escape(text, quote=False)
