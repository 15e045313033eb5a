"""What messages name is there for those who have a wheel and no clone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmdet_ohem.commands import COMMANDS

ROOT = Path(__file__).parents[1]
#: A file of a clone, unless the text says whose it is.
OF_A_CLONE = re.compile(
    r"(?<!mmdet's own )(?<![\w-])(?:tools|docs|tests)/[\w.]*\w(?!\w|\.\w)"
    '(?! (?:of|in) a clone)'
)
SUBCOMMAND = re.compile(r'(?:^|[^\w/])mmdet-ohem ([a-z]+)')
PAGE = re.compile(r"page\s+'([^']+)'")
#: What follows mmdet-ohem in a sentence: its version, a folder.
WORDS = ('or',)


def shown(path: Path) -> Iterator[tuple[int, str]]:
    """Strings of a module that a user may see: no docstrings but the help."""
    tree = ast.parse(path.read_text('utf-8'))
    hidden = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            hidden.add(node.value)
    if path.parent.name in ('commands', 'proposals'):  # modules with a help
        first = tree.body[0]
        if isinstance(first, ast.Expr) and isinstance(
            first.value, ast.Constant
        ):
            hidden.discard(first.value)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or node in hidden:
            continue
        if isinstance(node.value, str):
            yield node.lineno, node.value


def texts() -> Iterator[tuple[str, str]]:
    """Messages, pages of HTML and configs of a wheel, and where they are."""
    package = ROOT / 'mmdet_ohem'
    for path in sorted(package.rglob('*.py')):
        for line, text in shown(path):
            yield f'{path.relative_to(ROOT)}, line {line}', text
    for path in [
        *sorted(package.rglob('*.j2')),
        *sorted((ROOT / 'configs').rglob('*.py')),
    ]:
        yield str(path.relative_to(ROOT)), path.read_text('utf-8')


def titles() -> set[str]:
    pages = (ROOT / 'docs').glob('*.md')
    return {x.read_text().splitlines()[0].removeprefix('# ') for x in pages}


def joined(text: str) -> str:
    """A text without the line ends of a comment."""
    return re.sub(r'\s*\n\s*(?:#\s*)?', ' ', text)


def test_no_message_names_a_file_of_a_clone() -> None:
    found = [
        f'{where}: {name}'
        for where, text in texts()
        for name in OF_A_CLONE.findall(joined(text))
    ]
    assert not found, 'name the mmdet-ohem command, or the page by its title'


def test_messages_name_commands_and_pages_that_there_are() -> None:
    pages = titles()
    for where, text in texts():
        for name in SUBCOMMAND.findall(text):
            assert name in COMMANDS or name in WORDS, (where, name)
        for name in PAGE.findall(joined(text)):
            assert name in pages, (where, name)


@pytest.mark.parametrize(
    ('text', 'names'),
    [
        ('Remedy: tools/x.py', ['tools/x.py']),
        ('see docs/x.md', ['docs/x.md']),
        ("mmdet's own tools/x.py", []),
        ('tools/x.py of a clone', []),
    ],
)
def test_the_law_finds_files_of_a_clone(text: str, names: list[str]) -> None:
    assert OF_A_CLONE.findall(text) == names
