"""Fewer, larger compilation units out of a library's C++ files.

Nearly all of the time in which mmcv compiles goes into torch's headers, which
each of its 77 files reads anew. A unit is a file of ``#include`` lines that
names many of them, so that they share one reading.

Two files that define the same name never share a unit: each would be right
alone, together they would be a redefinition, or one would silently call the
other's.
"""

import re
from pathlib import Path

_COMMENT_OR_STRING = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S
)
_DIRECTIVE = re.compile(r'^[ \t]*#(?:\\\n|[^\n])*', re.M)
_MACRO = re.compile(r'^[ \t]*#[ \t]*define[ \t]+(\w+)', re.M)
_TYPE = re.compile(
    r'\b(?:struct|class|union|enum)\s+(?:class\s+)?(\w+)[^()]*$'
)
_CALLED = re.compile(r'(\w+)\s*\(')
_VARIABLE = re.compile(r'\b(\w+)(?:\s*\[[^\]]*\])*\s*(?:=.*)?$', re.S)
_ALIAS = re.compile(r'\b(?:using|typedef)\b')
_NAMESPACE = re.compile(r'\bnamespace\b[^()=;]*$')
_OPENED = re.compile(r'^[ \t]*using[ \t]+namespace\b', re.M)


def defined_names(text: str) -> set[str]:
    """Names that a C++ file defines, inside or outside of namespaces.

    Not a parser: it errs towards more names, which only keeps files apart.

    Args:
        text: The file.

    Returns:
        Functions, types, constants and aliases, without those in functions
        and in types.
    """
    text = _DIRECTIVE.sub('', _COMMENT_OR_STRING.sub('0', text))
    names: set[str] = set()
    inside = 0  # of functions and types; namespaces are looked into
    blocks: list[bool] = []
    start = 0
    for found in re.finditer('[{};]', text):
        head = text[start : found.start()].strip()
        start = found.end()
        if found[0] == '{':
            is_namespace = not inside and bool(_NAMESPACE.search(head))
            if not inside and not is_namespace:
                names |= _named(head)
            blocks.append(is_namespace)
            inside += not is_namespace
        elif found[0] == '}':
            inside -= bool(blocks) and not blocks.pop()
        elif not inside:
            names |= _declared(head)
    return names


def _named(head: str) -> set[str]:
    """What the block behind ``head`` is the body of."""
    for pattern in (_TYPE, _CALLED, _VARIABLE):
        found = pattern.search(head)
        if found:
            return {found[1]}
    return set()


def _declared(statement: str) -> set[str]:
    """A constant or an alias; a declared function may repeat."""
    if _ALIAS.search(statement):
        return {re.split(r'\W+', statement.partition('=')[0].strip())[-1]}
    found = _VARIABLE.search(statement)
    return {found[1]} if found and '=' in statement else set()


def group(texts: dict[Path, str], count: int) -> list[list[Path]]:
    """Distribute files over units of about the same size.

    A file that opens a namespace to all that follows (``using namespace``)
    is the last of its unit, and alone in that.

    Args:
        texts: The files.
        count: How many units; there are more where names collide, and fewer
            where there are fewer files.

    Returns:
        The files of each unit, in the order of inclusion; no unit is empty.
    """
    units: list[list[Path]] = [[] for _ in range(max(1, count))]
    names: list[set[str]] = [set() for _ in units]
    sizes = [0] * len(units)
    for path in sorted(
        texts, key=lambda x: (_opens(texts[x]), -len(texts[x]), x)
    ):
        own = defined_names(texts[path])
        fit = [
            i
            for i, unit in enumerate(units)
            if not own & names[i] and not (unit and _opens(texts[unit[-1]]))
        ]
        if not fit:
            fit = [len(units)]
            units.append([])
            names.append(set())
            sizes.append(0)
        best = min(fit, key=lambda i: sizes[i])
        units[best].append(path)
        names[best] |= own
        sizes[best] += len(texts[path])
    return [unit for unit in units if unit]


def _opens(text: str) -> bool:
    return bool(_OPENED.search(_COMMENT_OR_STRING.sub('0', text)))


def unit_text(paths: list[Path], texts: dict[Path, str]) -> str:
    """The C++ file that includes others.

    Args:
        paths: The files of the unit; absolute.
        texts: What they contain.

    Returns:
        The text; what a file ``#define``s ends with it.
    """
    lines = []
    for path in paths:
        lines.append(f'#include "{path}"')
        macros = dict.fromkeys(_MACRO.findall(texts[path]))
        lines += [f'#undef {name}' for name in macros]
    return '\n'.join(lines) + '\n'
