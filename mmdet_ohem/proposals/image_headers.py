"""What the heads of image files say: one look at each before it is used.

The size is that of the pixels that the pipeline gets. OpenCV turns an image
as its EXIF orientation says, so that width and height may be exchanged.
"""

import logging
import os
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from mmengine.logging import print_log
from PIL import Image

_EXIF_ORIENTATION = 0x0112
# From 5 on an orientation exchanges width and height.
_FIRST_TURNED = 5
_CUT = 'OpenCV cannot decode it: the file is cut off or damaged'
_NO_IMAGE = (
    '{path} cannot be read as an image: {problem}. Remedy: get it again'
)
_SECONDS_BETWEEN_MESSAGES = 5
# What a whole file ends with. A file that ends otherwise is decoded.
_LAST_BYTES = {
    'JPEG': b'\xff\xd9',
    'MPO': b'\xff\xd9',
    'PNG': b'IEND\xae\x42\x60\x82',
}


class ImageHeader(NamedTuple):
    """What is known of an image file without decoding it.

    Attributes:
        width: Of the image as it is loaded, pixels; 0 if it is unreadable.
        height: The same of its height.
        format: Such as ``'JPEG'``, as its content says; empty if unknown.
        problem: Why it cannot be read; empty if it can.
    """

    width: int = 0
    height: int = 0
    format: str = ''
    problem: str = ''


def read_header(
    path: str | os.PathLike[str], turned_by_exif: bool = True
) -> ImageHeader:
    """Look at one image file.

    Args:
        path: Of a local file.
        turned_by_exif: Whether the EXIF orientation is heeded in loading, as
            mmdet's ``LoadImageFromFile`` does unless it is told otherwise.

    Returns:
        Its size, or what is wrong with it; nothing is raised.
    """
    path = os.fspath(path)
    try:
        if os.path.getsize(path) == 0:
            return ImageHeader(problem='the file is empty')
        if not cv2.haveImageReader(path):
            return ImageHeader(problem=_what_else(path))
        return _read(path, turned_by_exif)
    except OSError as error:
        return ImageHeader(problem=f'{error.strerror or error}')


def check_image(path: str | os.PathLike[str]) -> None:
    """Look whether a file is an image, without decoding it.

    Args:
        path: Of a local file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no image that OpenCV reads, or is damaged.
    """
    path = os.fspath(path)
    if not os.path.exists(path):
        raise FileNotFoundError(f'image {path} does not exist')
    problem = read_header(path).problem
    if problem:
        raise ValueError(_NO_IMAGE.format(path=path, problem=problem))


def read_image(path: str | os.PathLike[str]) -> np.ndarray:
    """Read an image file, or say why not.

    Args:
        path: Of a local file.

    Returns:
        (H, W, 3) uint8, BGR, turned as its EXIF orientation says.

    Raises:
        FileNotFoundError, ValueError: As for :func:`check_image`.
    """
    check_image(path)
    image = _pixels(os.fspath(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(_NO_IMAGE.format(path=path, problem=_CUT))
    return image


def read_headers(
    paths: Sequence[str | os.PathLike[str]],
    source: str,
    turned_by_exif: bool = True,
) -> Iterator[ImageHeader]:
    """Look at many image files; progress is logged if it takes a while.

    Args:
        paths: Of local files.
        source: What lists them, for the messages.
        turned_by_exif: As for :func:`read_header`.

    Yields:
        What :func:`read_header` finds, in their order.
    """
    last = time.monotonic()
    for number, path in enumerate(paths):
        if time.monotonic() - last > _SECONDS_BETWEEN_MESSAGES:
            last = time.monotonic()
            print_log(
                f'{source}: looked at {number} of {len(paths)} images',
                logger='current',
                level=logging.INFO,
            )
        yield read_header(path, turned_by_exif)


def _read(path: str, turned_by_exif: bool) -> ImageHeader:
    """Look into a file that OpenCV recognises."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try:
            with Image.open(path) as image:
                size, kind = image.size, image.format or ''
                exif = image.info.get('exif')
                if kind == 'TIFF':
                    exif = image.getexif().tobytes()
        except Image.DecompressionBombError:
            return ImageHeader(
                problem='its head claims more pixels than an image has '
                f'(PIL.Image.MAX_IMAGE_PIXELS: {Image.MAX_IMAGE_PIXELS})'
            )
        # Damaged files raise nearly anything.
        except Exception:
            return _decode(path, turned_by_exif)
        orientation = _orientation(exif) if exif else 1
    if not _ends_well(path, kind) and _is_cut(path):
        return ImageHeader(problem=_CUT)
    if orientation != 1 and kind not in ('JPEG', 'MPO'):
        # Which formats OpenCV turns depends on its version.
        return _decode(path, turned_by_exif)
    if orientation >= _FIRST_TURNED and turned_by_exif:
        size = size[1], size[0]
    return ImageHeader(*size, kind)


def _orientation(exif: bytes) -> int:
    """The orientation in a block of EXIF; 1 if it has none."""
    found = Image.Exif()
    try:
        # Not image.getexif, which also looks where OpenCV does not.
        found.load(exif)
        return int(found.get(_EXIF_ORIENTATION, 1))
    # Damaged blocks raise nearly anything, and turn nothing.
    except Exception:
        return 1


def _ends_well(path: str, kind: str) -> bool:
    """Whether a file ends as a whole one does, where that is known."""
    expected = _LAST_BYTES.get(kind, b'')
    with open(path, 'rb') as file:
        file.seek(-min(64, os.path.getsize(path)), os.SEEK_END)
        # Cameras and programs add zeros and line ends.
        return file.read().rstrip(b'\0\r\n').endswith(expected)


def _decode(path: str, turned_by_exif: bool) -> ImageHeader:
    """Let OpenCV say what an image is; for odd files, since it is slow."""
    flags = cv2.IMREAD_COLOR
    if not turned_by_exif:
        flags |= cv2.IMREAD_IGNORE_ORIENTATION
    image = _pixels(path, flags)
    if image is None:
        return ImageHeader(problem=_CUT)
    return ImageHeader(image.shape[1], image.shape[0])


def _pixels(path: str, flags: int) -> np.ndarray | None:
    """(H, W, 3), or None where OpenCV cannot decode the file."""
    try:
        # Not cv2.imread, whose paths on Windows have no letters but ASCII.
        return cv2.imdecode(np.fromfile(path, np.uint8), flags)
    except cv2.error:
        return None


def _is_cut(path: str) -> bool:
    """Whether pixels are missing, for which OpenCV 4 puts in grey."""
    try:
        with Image.open(path) as image:
            image.load()
    # Damaged files raise nearly anything.
    except Exception:
        return True
    return False


def _what_else(path: str) -> str:
    """Say what a file is that OpenCV does not recognise."""
    with open(path, 'rb') as file:
        head = file.read(16)
    try:
        with Image.open(path) as image:
            kind = image.format
    # What is no image raises nearly anything.
    except Exception:
        return f'it is no image: the file begins with {head!r}'
    return f'OpenCV does not read its format, {kind}: save it as JPEG or PNG'
