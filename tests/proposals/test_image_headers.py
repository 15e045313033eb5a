"""A look at the head of an image file says what OpenCV will load."""

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from mmdet_ohem.proposals import image_headers
from mmdet_ohem.proposals.image_headers import (
    read_header,
    read_headers,
    read_image,
)

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
FORMATS = {
    'a.jpg': 'JPEG',
    'a.png': 'PNG',
    'a.webp': 'WEBP',
    'a.tif': 'TIFF',
    'a.bmp': 'BMP',
    'a.ppm': 'PPM',
}
ORIENTATION = 0x0112


def encoded(kind: str, **keys: Any) -> bytes:
    file = BytesIO()
    Image.fromarray(PIXELS).save(file, kind, **keys)
    return file.getvalue()


def turned(kind: str, orientation: int) -> bytes:
    if kind == 'TIFF':
        return encoded(kind, tiffinfo={ORIENTATION: orientation})
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return encoded(kind, exif=exif)


@pytest.mark.parametrize(('name', 'kind'), FORMATS.items())
def test_size_and_format(tmp_path: Path, name: str, kind: str) -> None:
    # The content decides, not the suffix.
    for path in (tmp_path / name, tmp_path / 'b.jpg'):
        path.write_bytes(encoded(kind))
        assert read_header(path) == (60, 40, kind, '')


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP', 'TIFF'])
@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize('heeded', [True, False])
def test_the_size_is_that_of_the_pixels_loaded(
    tmp_path: Path, kind: str, orientation: int, heeded: bool
) -> None:
    path = tmp_path / 'a'
    path.write_bytes(turned(kind, orientation))
    flags = cv2.IMREAD_COLOR
    if not heeded:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    loaded: Any = cv2.imdecode(np.fromfile(path, np.uint8), flags)
    header = read_header(path, heeded)
    assert (header.height, header.width) == loaded.shape[:2]


def test_orientation_in_xmp_turns_nothing(tmp_path: Path) -> None:
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" tiff:Orientation="6"/>'
    path = tmp_path / 'a.jpg'
    path.write_bytes(encoded('JPEG', xmp=xmp))
    loaded: Any = cv2.imread(str(path))
    header = read_header(path)
    assert (header.height, header.width) == loaded.shape[:2] == (40, 60)


@pytest.mark.parametrize('kind', ['JPEG', 'PNG'])
@pytest.mark.parametrize('share', [0.3, 0.6, 0.9, 0.99])
def test_a_file_that_was_cut_off(
    tmp_path: Path, kind: str, share: float
) -> None:
    path = tmp_path / 'a.jpg'
    data = encoded(kind)
    path.write_bytes(data[: int(len(data) * share)])
    assert read_header(path).problem
    with pytest.raises(ValueError, match=r'a\.jpg cannot be read as an image'):
        read_image(path)


def test_a_thumbnail_ends_no_image(tmp_path: Path) -> None:
    """A JPEG's EXIF may hold a whole small JPEG, with its end."""
    exif = Image.Exif()
    exif[0x9286] = encoded('JPEG').decode('latin-1')
    data = encoded('JPEG', exif=exif)
    path = tmp_path / 'a.jpg'
    path.write_bytes(data[:-500])
    assert read_header(path).problem


@pytest.mark.parametrize('behind', [b'\0\0', b'\n', b'added by a camera'])
def test_bytes_behind_the_end_do_no_harm(
    tmp_path: Path, behind: bytes
) -> None:
    path = tmp_path / 'a.jpg'
    path.write_bytes(encoded('JPEG') + behind)
    assert read_header(path) == (60, 40, 'JPEG', '')
    assert read_image(path).shape == (40, 60, 3)


def test_files_that_are_no_images(tmp_path: Path) -> None:
    path = tmp_path / 'a.jpg'
    for data, message in (
        (b'', 'the file is empty'),
        (b'<html>not found</html>', 'it is no image: the file begins with'),
        (encoded('ICO'), 'OpenCV does not read its format, ICO'),
    ):
        path.write_bytes(data)
        assert message in read_header(path).problem
        with pytest.raises(ValueError, match=r'a\.jpg cannot be read'):
            read_image(path)
    assert read_header(tmp_path).problem
    assert read_header(tmp_path / 'no.jpg').problem
    with pytest.raises(FileNotFoundError, match=r'no\.jpg does not exist'):
        read_image(tmp_path / 'no.jpg')


def test_a_head_that_claims_too_much_is_not_believed(tmp_path: Path) -> None:
    """No memory is taken by what a few bytes say."""
    data = bytearray(encoded('PNG'))
    data[16:24] = struct.pack('>II', 60_000, 60_000)
    data[29:33] = struct.pack('>I', zlib.crc32(data[12:29]))
    path = tmp_path / 'a.png'
    path.write_bytes(data)
    assert 'claims more pixels' in read_header(path).problem


def test_a_long_look_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / 'a.png'
    path.write_bytes(encoded('PNG'))
    seconds = iter(range(0, 100, 2))
    said: list[str] = []
    monkeypatch.setattr('time.monotonic', lambda: next(seconds))
    monkeypatch.setattr(
        image_headers, 'print_log', lambda text, **_: said.append(text)
    )
    assert len(list(read_headers([path] * 4, 'list.txt'))) == 4
    assert said == ['list.txt: looked at 2 of 4 images']
