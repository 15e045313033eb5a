"""VOC's XML: what mmdet finds in good files, and an element for each flaw."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from mmdet.datasets import VOCDataset

from mmdet_ohem.proposals.voc_annotation import (
    AnnotationError,
    VOCAnnotation,
    parse_annotation,
)
from tests.voc_folder import Picture, Thing, annotation, write_voc

THINGS = [
    Thing('dog', (2, 3, 40, 50)),
    Thing('unicorn', (1, 1, 5, 5)),
    Thing('cat', (10, 20, 30, 40), difficult=1),
]
OBJECT = """
<object>
  <name>dog</name><difficult>0</difficult>
  <bndbox>
    <xmin>11</xmin><ymin>21</ymin><xmax>40</xmax><ymax>60</ymax>
  </bndbox>
</object>"""


def parse(old: str = '', new: str = '', around: str = '{}') -> VOCAnnotation:
    """The annotation of a dog, a part of it replaced."""
    assert old in OBJECT
    text = f'<annotation>{around.format(OBJECT.replace(old, new, 1))}'
    return parse_annotation(f'{text}</annotation>'.encode())


def test_good_files_hold_what_mmdet_finds(tmp_path: Path) -> None:
    root = write_voc(tmp_path, dict(one=Picture(THINGS)))
    dataset = VOCDataset(
        ann_file='VOC2007/ImageSets/Main/test.txt',
        data_root=str(root),
        data_prefix=dict(sub_data_root='VOC2007/'),
        pipeline=[],
    )
    classes = dataset.metainfo['classes']
    info = dataset[0]
    data = (root / 'VOC2007/Annotations/one.xml').read_bytes()
    found = parse_annotation(data)
    assert (found.width, found.height) == (info['width'], info['height'])
    assert [x.name for x in found.objects] == ['dog', 'unicorn', 'cat']
    known = [x for x in found.objects if x.name in classes]
    for ours, theirs in zip(known, info['instances'], strict=True):
        # mmdet's: the last pixel of each, where ours are edges.
        x1, y1, x2, y2 = theirs['bbox']
        assert ours.box == (x1, y1, x2 + 1, y2 + 1)
        assert ours.name == classes[theirs['bbox_label']]
        assert ours.difficult == theirs['ignore_flag']


@pytest.mark.parametrize(
    ('text', 'difficult', 'unclear'),
    [
        ('0', False, 0),
        ('1', True, 0),
        (' 1\n', True, 0),
        ('1.0', True, 0),
        ('', False, 1),
        ('Unspecified', False, 1),
    ],
)
def test_difficult(text: str, difficult: bool, unclear: int) -> None:
    found = parse('>0</diff', f'>{text}</diff')
    assert found.objects[0].difficult == difficult
    assert found.num_unclear == unclear


def test_difficult_may_be_left_out() -> None:
    found = parse('<difficult>0</difficult>', '')
    assert not found.objects[0].difficult
    assert found.num_unclear == 0


@pytest.mark.parametrize('text', ['11.0', '11.9', ' 11 ', '+11', '1.1e1'])
def test_numbers_lose_what_follows_the_point(text: str) -> None:
    assert parse('>11<', f'>{text}<').objects[0].box == (10, 20, 40, 60)


def test_blanks_around_a_name_mean_nothing() -> None:
    assert parse('>dog<', '>\n  dog <').objects[0].name == 'dog'


@pytest.mark.parametrize(
    ('size', 'expected'),
    [
        ('', (0, 0)),
        ('<size/>', (0, 0)),
        ('<size><width>0</width><height>0</height></size>', (0, 0)),
        ('<size><width>9</width></size>', (0, 0)),
        ('<size><width>9</width><height>x</height></size>', (0, 0)),
        ('<size><width>9.0</width><height>8</height></size>', (9, 8)),
    ],
)
def test_a_size_that_says_nothing_is_none(
    size: str, expected: tuple[int, int]
) -> None:
    found = parse(around=size + '{}')
    assert (found.width, found.height) == expected
    assert len(found.objects) == 1


@pytest.mark.parametrize(
    ('old', 'new', 'message'),
    [
        ('>11<', '>12,5<', r'object 1 \(dog\), xmin is .12,5.*with a point'),
        ('>11<', '><', r'object 1 \(dog\), bndbox: xmin is empty'),
        ('>40<', '>nan<', "xmax is 'nan', expected a number"),
        ('>40<', '>inf<', "xmax is 'inf', expected a number"),
        ('>40<', '>1_0<', "xmax is '1_0', expected a number"),
        ('>40<', '>١٢<', 'xmax is .*expected a number'),
        ('>60<', '>1e400<', "ymax is '1e400', which is no pixel"),
        ('>60<', '>99999999999<', 'ymax is .* no pixel'),
        ('<xmin>11</xmin>', '', r'\(dog\), bndbox: xmin is not there'),
        ('<xmin>', '<xmin>1</xmin><xmin>', 'xmin is 2 times'),
        ('bndbox>', 'box>', None),
        ('<name>dog</name>', '', 'object 1: name is not there'),
        ('>dog<', '> <', 'object 1: name is empty'),
        ('>0</diff', '>yes</diff', "difficult is 'yes', expected a number"),
        ('</object>', '</objekt>', 'it is no XML .mismatched tag'),
        ('<name>', '&bomb;<name>', 'it is no XML'),
    ],
)
def test_an_error_names_the_element(
    old: str, new: str, message: str | None
) -> None:
    if message is None:
        with pytest.raises(AnnotationError, match='it is no XML'):
            parse(old, new)
        return
    with pytest.raises(AnnotationError, match=message):
        parse(old, new)


def test_an_object_without_box_is_named_by_its_number() -> None:
    around = '{}<object><name>cat</name></object>'
    with pytest.raises(AnnotationError, match=r'object 2 \(cat\): bndbox is'):
        parse(around=around)


@pytest.mark.parametrize('tag', ['object', 'objects'])
def test_objects_inside_of_other_elements_are_an_error(tag: str) -> None:
    inside = f'<{tag}><name>a</name>{OBJECT}</{tag}>'
    with pytest.raises(AnnotationError):
        parse(around='{}' + inside)


def test_parts_of_an_object_are_left_alone() -> None:
    part = '<part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>'
    found = parse('</object>', f'{part}</object>')
    assert [x.name for x in found.objects] == ['dog']


BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE annotation [<!ENTITY a "xxxxxxxxxx"><!ENTITY b "&a;&a;&a;&a;">]>
<annotation><object><name>&b;</name></object></annotation>"""


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (b'', 'it is empty'),
        (b'\n ', 'it is empty'),
        (b'no xml', 'it is no XML'),
        (b'\xff\xd8\xff\xe0', 'it is no XML'),
        ('<annotation>é</annotation>'.encode('latin-1'), 'encoding'),
        (b'<?xml version="1.0" encoding="nix"?><annotation/>', 'encoding'),
        (b'<?xml version="1.0" encoding="gbk"?><annotation/>', 'encoding'),
        (BOMB, 'DOCTYPE'),
        (BOMB.decode().encode('utf-16'), 'DOCTYPE'),
        (b'<html><body/></html>', "'html', expected annotation"),
    ],
)
def test_what_is_no_annotation(data: bytes, message: str) -> None:
    with pytest.raises(AnnotationError, match=message):
        parse_annotation(data)


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
def test_encodings_that_say_what_they_are(encoding: str) -> None:
    tree = annotation(Picture([Thing('Äpfel', (1, 2, 3, 4))]))
    root = tree.getroot()
    assert root is not None
    text = ET.tostring(root, encoding='unicode')
    found = parse_annotation(text.encode(encoding))
    assert found.objects[0].name == 'Äpfel'
