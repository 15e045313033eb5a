"""No class or image reaches the server's files by a name that does harm."""

import pytest
from mmdet.datasets import CocoDataset, VOCDataset

from mmdet_ohem.evaluation.file_names import (
    check_class_names,
    check_image_name,
)

HOSTILE = [
    '',
    ' ',
    '../../etc/cron.d/x',
    '..\\x',
    '/tmp/x',
    'C:x',
    'a\nb',
    'a\r\nb',
    'a\0b',
    'a\x1b[31m',
    'a\u202eb',
    'a*',
    'x' * 201,
    'ß' * 101,
]


@pytest.mark.parametrize('name', HOSTILE, ids=ascii)
def test_a_class_that_is_no_part_of_a_file_name_is_named(name: str) -> None:
    with pytest.raises(ValueError, match='cannot be part of a file') as error:
        check_class_names(['cat', name])
    assert repr(name) in str(error.value)
    assert '\n' not in str(error.value)
    assert 'Remedy: ' in str(error.value)


@pytest.mark.parametrize('kind', [VOCDataset, CocoDataset])
def test_the_classes_of_datasets_are_good(kind: type) -> None:
    check_class_names(list(kind.METAINFO['classes']))  # type: ignore
    check_class_names(['Käthe', '猫', 'a.b', '..', 'x' * 200])


def test_classes_that_share_a_file_are_named() -> None:
    with pytest.raises(ValueError, match="'Cat' and 'cat' would share a file"):
        check_class_names(['Cat', 'dog', 'cat'])


@pytest.mark.parametrize(
    'name',
    ['', ' ', 'a b', ' a', 'a\n', 'a\nb 1 2', 'a\tb', '\x1ba', 'ä'],
    ids=ascii,
)
def test_an_image_that_cannot_begin_a_line_is_named(name: str) -> None:
    with pytest.raises(ValueError, match='cannot begin a line') as error:
        check_image_name(name)
    assert repr(name) in str(error.value)


@pytest.mark.parametrize('name', ['2008_000001', 'a-b.c'])
def test_other_images_are_good(name: str) -> None:
    check_image_name(name)
