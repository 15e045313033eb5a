"""The pictures in the report of runs."""

import base64
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template
from PIL import Image

_KINDS = ('.png', '.jpg', '.jpeg', '.webp')
#: Larger pictures are shrunk to these pixels on the longer side: a page of
#: some sheets stays below mail's limits.
_MAX_SIDE = 2000
_QUALITY = 85


@dataclass(frozen=True)
class Sheet:
    """A picture that needs no file.

    Attributes:
        name: What it is called; of a file, its name without the ending.
        url: The picture as a data URI.
        width: Pixels, as embedded.
        height: Pixels, as embedded.
    """

    name: str
    url: str
    width: int
    height: int


def read_sheets(folder: Path) -> list[Sheet]:
    """Read the pictures of a folder, by name.

    Args:
        folder: As ``mmdet-ohem browse`` writes it.

    Returns:
        All of them, as JPEG, shrunk where they are huge.

    Raises:
        FileNotFoundError: There is none.
        ValueError: One is broken.
    """
    paths = sorted(
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.suffix.lower() in _KINDS
    )
    if not paths:
        raise FileNotFoundError(
            f'{folder} holds no picture ({", ".join(_KINDS)}). Remedy: give '
            'the --out of mmdet-ohem browse'
        )
    return [_read_sheet(path) for path in paths]


def page_template(path: Path) -> Template:
    """Read the template of a page, whose values are text and not markup.

    Args:
        path: Of the template.
    """
    return Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).from_string(path.read_text(encoding='utf-8'))


def embed(picture: Image.Image, name: str) -> Sheet:
    """Put a picture into a data URI.

    Args:
        picture: Of any size and mode.
        name: What it is called.

    Returns:
        The picture as JPEG, shrunk where it is huge, white where it is
        transparent.
    """
    picture = picture.convert('RGBA')
    picture.thumbnail((_MAX_SIDE, _MAX_SIDE))
    # What is transparent is to be white, as the page.
    page = Image.new('RGBA', picture.size, 'white')
    page.alpha_composite(picture)
    file = BytesIO()
    # Thin coloured lines need their colour at full resolution.
    page.convert('RGB').save(file, 'JPEG', quality=_QUALITY, subsampling=0)
    code = base64.b64encode(file.getvalue()).decode('ascii')
    return Sheet(name, f'data:image/jpeg;base64,{code}', *page.size)


def _read_sheet(path: Path) -> Sheet:
    try:
        with Image.open(path) as image:
            picture = image.convert('RGBA')
    except OSError as error:
        raise ValueError(
            f'{path} cannot be read ({error}). Remedy: delete it, or let '
            'mmdet-ohem browse draw it again'
        ) from error
    return embed(picture, path.stem)
