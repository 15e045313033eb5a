"""Reads annotations in VOC's format, an XML file an image.

mmdet's own reader ends with an ``AttributeError`` without a file name where
an element is missing. Here every error names the file, the object and the
element.

Boxes are xyxy edges, counted from 0: VOC's ``xmin``, ``ymin``, ``xmax``,
``ymax``, pixels counted from 1 that all belong to the object, are
``xmin - 1``, ``ymin - 1``, ``xmax``, ``ymax`` here.
"""

import re
import xml.etree.ElementTree as ET
from typing import NamedTuple
from xml.etree.ElementTree import Element

from mmdet_ohem.counts import Count

_CORNERS = ('xmin', 'ymin', 'xmax', 'ymax')
# Not float(), which takes nan, inf, 1_000 and the digits of any script.
_NUMBER = re.compile(r'[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?', re.ASCII)
# Boxes are float32, which has every whole number up to here.
_LARGEST = 2**24


class AnnotationError(ValueError):
    """An annotation is malformed; the message names what, and the remedy."""


class VOCObject(NamedTuple):
    """An object of an image.

    Attributes:
        name: Of its class, without blanks around it.
        box: xyxy edges, whole pixels from 0.
        difficult: Whether it is marked so.
    """

    name: str
    box: tuple[int, int, int, int]
    difficult: bool


class VOCAnnotation(NamedTuple):
    """What an XML file says of its image.

    Attributes:
        width: Of the image, pixels; 0 where nothing readable is said.
        height: The same.
        objects: In the order of the file.
        num_unclear: Of how many objects ``difficult`` is there, but empty or
            ``Unspecified``; they are not difficult.
    """

    width: int = 0
    height: int = 0
    objects: tuple[VOCObject, ...] = ()
    num_unclear: int = 0


def parse_annotation(data: bytes) -> VOCAnnotation:
    """Read an annotation.

    Args:
        data: Content of the XML file.

    Returns:
        Its objects. Fractions of a pixel are cut off, as mmdet does.

    Raises:
        AnnotationError: It is no XML, or an element is missing, there twice,
            or holds something else than it should; names the element.
    """
    root = _parse_xml(data)
    items = root.findall('object')
    if root.tag != 'annotation' and not items:
        raise AnnotationError(
            f'the outermost element is {root.tag!r}, expected annotation'
        )
    inside = [x for x in root.iter('object') if x is not root]
    if len(inside) != len(items):
        raise AnnotationError(
            'an object is inside of another element than annotation. Remedy: '
            'put all objects directly into annotation'
        )
    objects, unclear = [], 0
    for number, item in enumerate(items, 1):
        name = _text(item, 'name', f'object {number}')
        where = f'object {number} ({name})'
        difficult = _difficult(item, where)
        unclear += difficult is None
        objects.append(VOCObject(name, _box(item, where), bool(difficult)))
    width, height = _size(root)
    return VOCAnnotation(width, height, tuple(objects), unclear)


class _NoDoctype(ET.TreeBuilder):
    """Refuses what entities are declared in: a kilobyte can become 3 GB."""

    def doctype(
        self, name: str, pubid: str | None, system: str | None
    ) -> None:
        raise AnnotationError(
            'it has a DOCTYPE, which can declare entities. Remedy: delete '
            'that line'
        )


def _parse_xml(data: bytes) -> Element:
    parser = ET.XMLParser(target=_NoDoctype())
    try:
        parser.feed(data)
        return parser.close()
    except AnnotationError:
        raise
    # Unknown encodings are LookupErrors and ValueErrors.
    except (ET.ParseError, LookupError, ValueError) as error:
        what = f'it is no XML ({error})' if data.strip() else 'it is empty'
        raise AnnotationError(
            f'{what}. Remedy: write it again, in the encoding that its first '
            'line says, UTF-8 where it says nothing'
        ) from error


def _child(parent: Element, tag: str, where: str) -> Element:
    """The one child of this name."""
    found = parent.findall(tag)
    if len(found) != 1:
        count = f'{Count(len(found)):time}' if found else 'not there'
        raise AnnotationError(f'{where}: {tag} is {count}, expected once')
    return found[0]


def _text(parent: Element, tag: str, where: str) -> str:
    text = (_child(parent, tag, where).text or '').strip()
    if not text:
        raise AnnotationError(f'{where}: {tag} is empty')
    return text


def _box(item: Element, where: str) -> tuple[int, int, int, int]:
    corners = _child(item, 'bndbox', where)
    x1, y1, x2, y2 = (
        _whole(_text(corners, tag, f'{where}, bndbox'), f'{where}, {tag}')
        for tag in _CORNERS
    )
    return x1 - 1, y1 - 1, x2, y2


def _whole(text: str, where: str) -> int:
    """A number of pixels; what follows the point is cut off."""
    if not _NUMBER.fullmatch(text):
        hint = ' with a point' if ',' in text else ''
        raise AnnotationError(
            f'{where} is {text!r}, expected a number{hint}, such as 12 or 12.5'
        )
    value = float(text)
    if abs(value) > _LARGEST:
        raise AnnotationError(
            f'{where} is {text!r}, which is no pixel of an image'
        )
    return int(value)


def _difficult(item: Element, where: str) -> bool | None:
    """None where it is said, but nothing that means yes or no."""
    found = item.findall('difficult')
    if not found:
        return False
    text = (_child(item, 'difficult', where).text or '').strip()
    if text.lower() in ('', 'unspecified'):
        return None
    return _whole(text, f'{where}, difficult') != 0


def _size(root: Element) -> tuple[int, int]:
    """Width and height, 0 where nothing readable is said of one of them."""
    sides = []
    for tag in ('width', 'height'):
        text = (root.findtext(f'size/{tag}') or '').strip()
        is_number = _NUMBER.fullmatch(text)
        value = float(text) if is_number else 0
        sides.append(int(value) if 0 < value <= _LARGEST else 0)
    return (sides[0], sides[1]) if all(sides) else (0, 0)
