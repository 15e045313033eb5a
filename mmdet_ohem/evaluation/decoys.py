"""Background that was drawn to be taken for an object."""

import xml.etree.ElementTree as ET
from pathlib import Path

import torch
from torch import Tensor


def read_decoys(annotation: Path) -> Tensor | None:
    """Boxes of the ``<decoy>`` elements of a VOC annotation.

    The embedded dataset has them (``tools/make_demo_dataset.py``); a data set
    of your own may have them too, beside its ``<object>`` elements. Readers of
    VOC files pass over them.

    Args:
        annotation: The XML file; VOC counts pixels from 1, the last one
            included.

    Returns:
        Edges, xyxy, shape (K, 4); None where the file has none.

    Raises:
        ValueError: The file is not XML, or a decoy lacks a corner.
        OSError: It cannot be read.
    """
    try:
        found = [
            [_corner(decoy, x) for x in ('xmin', 'ymin', 'xmax', 'ymax')]
            for decoy in ET.parse(annotation).iter('decoy')
        ]
    except (ET.ParseError, TypeError, ValueError) as error:
        raise ValueError(
            f'{annotation} has no readable decoys ({error}). Remedy: write '
            '<decoy><bndbox> with xmin, ymin, xmax and ymax'
        ) from error
    if not found:
        return None
    return torch.tensor(found) - torch.tensor([1.0, 1.0, 0.0, 0.0])


def _corner(decoy: ET.Element, name: str) -> float:
    text = decoy.findtext(f'bndbox/{name}')
    if text is None:
        raise ValueError(f'a decoy has no {name}')
    return float(text)
