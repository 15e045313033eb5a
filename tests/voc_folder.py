"""Tiny data sets in the layout of VOC07, for tests."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from mmdet_ohem.proposals import save_proposals
from mmdet_ohem.proposals.proposal_file import make_entry

Box = tuple[float, float, float, float]


@dataclass
class Thing:
    """An object; its box is xyxy edges."""

    name: str
    box: tuple[int, int, int, int]
    difficult: int = 0


@dataclass
class Picture:
    """An image of noise and what is said to be in it."""

    things: Sequence[Thing] = ()
    width: int = 100
    height: int = 80
    # None: the boxes of the things.
    proposals: Sequence[Box] | np.ndarray | None = field(default=None)

    def boxes(self) -> np.ndarray:
        """Proposals, xyxy edges, shape (n, 4)."""
        boxes = self.proposals
        if boxes is None:
            boxes = [thing.box for thing in self.things]
        return np.array(boxes, np.float32).reshape(-1, 4)


def write_voc(root: Path, pictures: Mapping[str, Picture]) -> Path:
    """Write a devkit folder whose two splits list the same images.

    Args:
        root: Gets ``VOC2007/`` and ``proposals/``, as the configs have them.
        pictures: By image name.

    Returns:
        ``root``.
    """
    voc = root / 'VOC2007'
    for folder in ('JPEGImages', 'Annotations', 'ImageSets/Main'):
        (voc / folder).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name, picture in pictures.items():
        shape = (picture.height, picture.width, 3)
        noise = rng.integers(0, 256, shape, dtype=np.uint8)
        cv2.imwrite(str(voc / f'JPEGImages/{name}.jpg'), noise)
        annotation(picture).write(voc / f'Annotations/{name}.xml')
    entries = {
        f'JPEGImages/{name}.jpg': make_entry(picture.boxes())
        for name, picture in pictures.items()
    }
    for split in ('trainval', 'test'):
        listing = ''.join(f'{name}\n' for name in pictures)
        (voc / f'ImageSets/Main/{split}.txt').write_text(listing)
        save_proposals(root / f'proposals/voc_2007_{split}.pkl', entries)
    return root


def annotation(picture: Picture) -> ET.ElementTree:
    """VOC's XML: first and last pixel of each object, counted from 1."""
    root = ET.Element('annotation')
    size = ET.SubElement(root, 'size')
    ET.SubElement(size, 'width').text = str(picture.width)
    ET.SubElement(size, 'height').text = str(picture.height)
    for thing in picture.things:
        item = ET.SubElement(root, 'object')
        ET.SubElement(item, 'name').text = thing.name
        ET.SubElement(item, 'difficult').text = str(thing.difficult)
        corners = ET.SubElement(item, 'bndbox')
        x1, y1, x2, y2 = thing.box
        pixels = dict(xmin=x1 + 1, ymin=y1 + 1, xmax=x2, ymax=y2)
        for tag, value in pixels.items():
            ET.SubElement(corners, tag).text = str(value)
    return ET.ElementTree(root)


def boxes_around(
    things: Sequence[Thing], num: int, width: int = 100, height: int = 80
) -> np.ndarray:
    """Boxes of many overlaps with the things, xyxy edges, (num, 4)."""
    rng = np.random.default_rng(1)
    base = np.array([thing.box for thing in things], np.float32)
    base = base[np.arange(num) % len(base)]
    size = (base[:, 2:] - base[:, :2])[:, [0, 1, 0, 1]]
    moved = base + size * rng.uniform(-0.5, 0.5, base.shape)
    limits = np.array([width, height, width, height])
    moved = moved.clip(0, limits)
    keep = (moved[:, 2:] - moved[:, :2]).min(1) > 4
    return np.where(keep[:, None], moved, base).astype(np.float32)
