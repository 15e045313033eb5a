"""Laws of numbers in sentences."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmdet_ohem.counts import Count

ROOT = Path(__file__).parents[1]
THINGS = [
    'annotations',
    'boxes',
    'checkpoints',
    'classes',
    'cores',
    'entries',
    'errors',
    'files',
    'formats',
    'GPUs',
    'images',
    'iterations',
    'keys',
    'layers',
    'levels',
    'lines',
    'losses',
    'mistakes',
    'numbers',
    'objects',
    'parameters',
    'passes',
    'processes',
    'proposals',
    'RoIs',
    'rounds',
    'rows',
    'runs',
    'seeds',
    'stages',
    'steps',
    'tensors',
    'threads',
    'times',
    'values',
    'warnings',
    'weights',
    'workers',
]
#: Lists of numbers, and a word.
NO_NUMBERS = ('counts', 'data.split', 'len(names)')


@pytest.mark.parametrize(
    ('num', 'thing', 'text'),
    [
        (0, 'image', '0 images'),
        (1, 'image', '1 image'),
        (2, 'ground-truth box', '2 ground-truth boxes'),
        (2, 'class', '2 classes'),
        (2, 'entry', '2 entries'),
        (2, 'key', '2 keys'),
        (2, 'pass', '2 passes'),
        (1, 'object of other classes', '1 object of other classes'),
        (3, 'object of other classes', '3 objects of other classes'),
        (1, 'is|are', 'is'),
        (0, 'is|are', 'are'),
        (2, '', '2'),
        (1234, ',', '1,234'),
        (7, '03d', '007'),
    ],
)
def test_the_format_is_the_thing(num: int, thing: str, text: str) -> None:
    assert format(Count(num), thing) == text


def test_a_count_is_a_number() -> None:
    assert Count(2) + 1 == 3
    assert f'{Count(2)}' == '2'


def plurals(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Values that things follow, but for lists, and ``{} of {} things``."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.JoinedStr):
            continue
        before = ''
        for value, text in zip(node.values, node.values[1:], strict=False):
            if isinstance(value, ast.Constant):
                before = str(value.value)
            elif isinstance(value, ast.FormattedValue) and isinstance(
                text, ast.Constant
            ):
                found = re.match(r' ([A-Za-z]+)\b', str(text.value))
                if not found or found[1] not in THINGS or before == ' of ':
                    continue
                if ast.unparse(value.value) not in NO_NUMBERS:
                    yield node.lineno, found[1]


def test_no_message_says_1_images() -> None:
    found = [
        f'{path.relative_to(ROOT)}, line {line}: {thing}'
        for folder in ('mmdet_ohem', 'tools')
        for path in sorted((ROOT / folder).rglob('*.py'))
        for line, thing in plurals(ast.parse(path.read_text('utf-8')))
    ]
    assert not found, "write f'{Count(num):image}': " + '; '.join(found)


def test_the_law_finds_a_plural_and_spares_parts() -> None:
    tree = ast.parse("f'{n} images'; f'{n} of {m} images'; f'{x} is'")
    assert list(plurals(tree)) == [(1, 'images')]
