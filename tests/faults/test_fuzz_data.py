"""Whatever a file holds: it is read rightly, or an error names it."""

import pickle
import random
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmdet_ohem.proposals import (
    VOCProposalDataset,
    load_proposals,
    save_proposals,
)
from mmdet_ohem.proposals.box_checks import check_boxes
from mmdet_ohem.proposals.box_layout import guess_layout
from mmdet_ohem.proposals.image_headers import read_header, read_image
from mmdet_ohem.proposals.image_list import read_image_list
from mmdet_ohem.proposals.proposal_file import make_entry
from mmdet_ohem.proposals.voc_annotation import (
    AnnotationError,
    VOCAnnotation,
    parse_annotation,
)
from tests.voc_folder import Picture, Thing, annotation, write_voc

# How many cases there are is said by the profile.
fuzz = settings(deadline=None)

DOG = Thing('dog', (10, 20, 40, 60))
TREE = annotation(Picture([DOG, DOG]))
GOOD = ET.tostring(next(TREE.iter()))
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 17, 3), np.uint8)
ODD_TEXTS = st.sampled_from(
    ['', ' ', '12,5', '200.0', 'nan', 'inf', '-inf', '1e400', '-7', '0', '1',
     'Unspecified', 'true', '9' * 400, '0x10', '1_0', '\n', 'ÿ', '🐕', '½']
)  # fmt: skip
TEXTS = ODD_TEXTS | st.text(max_size=6) | st.floats().map(str)
TAGS = st.sampled_from(
    ['annotation', 'object', 'name', 'difficult', 'bndbox', 'xmin', 'ymin',
     'xmax', 'ymax', 'size', 'width', 'height', 'part', 'x']
)  # fmt: skip


def damaged(data: bytes) -> st.SearchStrategy[bytes]:
    """The data with some bytes changed, added or cut off."""

    def apply(seed: int) -> bytes:
        rng, found = random.Random(seed), bytearray(data)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(found) + 1)
            kind = rng.randrange(4)
            if kind == 0:
                found[at : at + 1] = bytes([rng.randrange(256)])
            elif kind == 1:
                del found[at : at + rng.randint(1, 40)]
            elif kind == 2:
                found[at:at] = rng.randbytes(rng.randint(1, 8))
            else:
                del found[at:]
        return bytes(found)

    return st.integers(0, 2**63).map(apply)


def annotation_or_error(data: bytes) -> VOCAnnotation | None:
    """What is read is what it has to be; errors say something."""
    try:
        found = parse_annotation(data)
    except AnnotationError as error:
        assert str(error)
        return None
    for thing in found.objects:
        assert thing.name and thing.name == thing.name.strip()
        assert all(type(x) is int and abs(x) <= 2**24 + 1 for x in thing.box)
    assert found.width >= 0 and found.height >= 0
    return found


@fuzz
@given(st.binary(max_size=200))
def test_any_bytes_as_annotation(data: bytes) -> None:
    annotation_or_error(data)


@fuzz
@given(damaged(GOOD))
def test_damaged_annotations(data: bytes) -> None:
    annotation_or_error(data)


@fuzz
@given(
    tag=st.sampled_from(
        ['name', 'difficult', 'xmin', 'ymin', 'xmax', 'ymax', 'width']
    ),
    text=TEXTS,
)
def test_any_text_in_an_element(tag: str, text: str) -> None:
    root = ET.fromstring(GOOD)
    next(root.iter(tag)).text = text
    found = annotation_or_error(ET.tostring(root))
    if found is not None and tag[0] in 'xy':
        # Only what is a number was read, and as that number.
        index = ('xmin', 'ymin', 'xmax', 'ymax').index(tag)
        expected = int(float(text)) - (index < 2)
        assert found.objects[0].box[index] == expected


@fuzz
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), TAGS)))
def test_any_order_of_elements(moves: list[tuple[int, int, str]]) -> None:
    """Elements are moved, doubled and renamed."""
    root = ET.fromstring(GOOD)
    for source, target, tag in moves:
        everything = list(root.iter())
        moved = everything[source % len(everything)]
        copied = ET.fromstring(ET.tostring(moved))
        copied.tag = tag
        everything[target % len(everything)].append(copied)
    annotation_or_error(ET.tostring(root))


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp('fuzz')


@fuzz
@given(data=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_as_image_list(folder: Path, data: bytes) -> None:
    path = folder / 'list.txt'
    path.write_bytes(data)
    try:
        names = read_image_list(path)
    except ValueError as error:
        assert str(path) in str(error)
        return
    assert names == [x.strip() for x in names if x] == list(dict(
        zip(names, names, strict=True)
    ))  # fmt: skip


NAMES = st.from_regex(
    r'[a-z0-9_]([a-z0-9_ .-]{0,8}[a-z0-9_])?', fullmatch=True
)


@fuzz
@given(
    names=st.lists(NAMES, min_size=1, unique=True),
    end=st.sampled_from(['\n', '\r\n', '\r', ' \n', '\n\n', '\t\r\n']),
    encoding=st.sampled_from(['utf-8', 'utf-8-sig', 'utf-16']),
    suffix=st.sampled_from(['.jpg', '.PNG', '.jpeg']),
)
def test_names_come_back_however_they_are_written(
    folder: Path, names: list[str], end: str, encoding: str, suffix: str
) -> None:
    path = folder / 'list.txt'
    path.write_bytes(
        ''.join(f'{x}{suffix}{end}' for x in names).encode(encoding)
    )
    assert read_image_list(path) == names


def encoded(kind: str) -> bytes:
    file = BytesIO()
    Image.fromarray(PIXELS).save(file, kind)
    return file.getvalue()


def check_header(path: Path) -> None:
    """The header's size is that of the pixels, where there are any."""
    header = read_header(path)
    try:
        loaded: Any = cv2.imdecode(np.fromfile(path, np.uint8), 1)
    except cv2.error:
        loaded = None
    if header.problem:
        assert (header.width, header.height) == (0, 0)
    elif loaded is not None:
        assert (header.height, header.width) == loaded.shape[:2]
    try:
        assert read_image(path).shape == loaded.shape
    except ValueError as error:
        assert str(path) in str(error)


@fuzz
@given(data=st.binary(max_size=200))
def test_any_bytes_as_image(folder: Path, data: bytes) -> None:
    path = folder / 'any.jpg'
    path.write_bytes(data)
    check_header(path)


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'BMP', 'WEBP', 'TIFF', 'GIF'])
@fuzz
@given(data=st.data())
def test_damaged_images(folder: Path, kind: str, data: st.DataObject) -> None:
    path = folder / 'damaged.jpg'
    path.write_bytes(data.draw(damaged(encoded(kind))))
    check_header(path)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(), x),
    max_leaves=6,
)
BOXES = st.lists(st.lists(st.floats(), min_size=3, max_size=5), max_size=4)
ENTRIES = st.dictionaries(
    st.sampled_from(['bboxes', 'scores', 'x']), VALUES | BOXES | st.floats()
)


def check_proposals(path: Path) -> None:
    """Arrays that can be trained on, or an error that names the file."""
    try:
        found = load_proposals(path)
    except ValueError as error:
        assert str(path) in str(error)
        return
    for key, entry in found.items():
        assert isinstance(key, str)
        assert entry['bboxes'].shape == (len(entry['scores']), 4)
        assert np.isfinite(entry['bboxes']).all()


@fuzz
@given(
    content=VALUES | st.dictionaries(st.text(), VALUES | ENTRIES),
    behind=st.none() | VALUES | st.dictionaries(
        st.sampled_from(['corners', 'mode']), VALUES
    ),
)  # fmt: skip
def test_any_content_of_a_proposal_file(
    folder: Path, content: Any, behind: Any
) -> None:
    path = folder / 'any.pkl'
    tail = b'' if behind is None else pickle.dumps(behind)
    path.write_bytes(pickle.dumps(content) + tail)
    check_proposals(path)


@fuzz
@given(data=st.data())
def test_damaged_proposal_files(folder: Path, data: st.DataObject) -> None:
    path = folder / 'damaged.pkl'
    save_proposals(path, {'a/b.jpg': make_entry(np.array([[1, 2, 3, 4]]))})
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    check_proposals(path)


FLOATS = st.floats(width=32)


@fuzz
@given(
    boxes=st.lists(st.tuples(FLOATS, FLOATS, FLOATS, FLOATS), max_size=6),
    size=st.tuples(st.integers(1, 2000), st.integers(1, 2000)),
)
def test_usable_boxes_lie_in_the_image(
    boxes: list[tuple[float, ...]], size: tuple[int, int]
) -> None:
    array = np.array(boxes, np.float32).reshape(-1, 4)
    guess_layout([array], [size])
    clipped, found = check_boxes(array, *size)
    usable = clipped[~(found['not finite'] | found['without area'])]
    assert (usable[:, 2:] > usable[:, :2]).all()
    assert (usable >= 0).all() and (usable[:, 2:] <= size).all()


@fuzz
@given(
    shares=st.lists(
        st.tuples(*[st.floats(0, 1)] * 4), min_size=1, max_size=20
    ),
    size=st.tuples(st.integers(8, 2000), st.integers(8, 2000)),
)
def test_boxes_in_the_image_are_never_taken_for_another_layout(
    shares: list[tuple[float, ...]], size: tuple[int, int]
) -> None:
    ends = np.sort(np.array(shares).reshape(-1, 2, 2), axis=1) * size
    boxes = ends.reshape(-1, 4)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], np.minimum(2, size))
    assert guess_layout([boxes], [size]) is None


@pytest.fixture(scope='module')
def devkit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('devkit')
    return write_voc(root, {'a': Picture([DOG]), 'b': Picture([DOG, DOG])})


@contextmanager
def replaced(path: Path, data: bytes) -> Iterator[None]:
    """Write other bytes into a file for a while."""
    old = path.read_bytes()
    path.write_bytes(data)
    try:
        yield
    finally:
        path.write_bytes(old)


@pytest.mark.parametrize(
    'name',
    [
        'VOC2007/Annotations/b.xml',
        'VOC2007/JPEGImages/b.jpg',
        'VOC2007/ImageSets/Main/trainval.txt',
    ],
)
@fuzz
@given(data=st.data())
def test_a_dataset_with_a_damaged_file_loads_or_names_it(
    devkit: Path, name: str, data: st.DataObject
) -> None:
    path = devkit / name
    with replaced(path, data.draw(damaged(path.read_bytes()))):
        try:
            dataset = VOCProposalDataset(
                data_root=str(devkit),
                ann_file='VOC2007/ImageSets/Main/trainval.txt',
                data_prefix=dict(sub_data_root='VOC2007/'),
                pipeline=[],
            )
            assert len(dataset)
        except (ValueError, FileNotFoundError) as error:
            assert str(path) in str(error)


def test_saved_proposals_come_back(folder: Path) -> None:
    """What the tests above damage is good to begin with."""
    path = folder / 'good.pkl'
    save_proposals(path, {'a/b.jpg': make_entry(np.array([[1, 2, 3, 4]]))})
    check_proposals(path)
    assert annotation_or_error(GOOD) is not None
