"""How often boxes as edges decide otherwise than the authors' code.

Reads Fast R-CNN's two demo images, or any others beside a NAME_boxes.mat of
inclusive corners from 0, and prints the tables of docs/design.md:

cells      RoIs whose cells of the feature map are not Caffe's
labels     pairs of boxes on another side of IoU 0.5, which makes foreground
targets    greatest difference of a regression target
selection  RoIs that OHEM selects as with the authors' NMS on the loss
cleaning   boxes that --from-mat drops
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from mmcv.image import rescale_size
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from mmdet.structures.bbox import bbox_overlaps
from rich import print
from rich.table import Table
from torch import Tensor

from mmdet_ohem import select_hard_examples
from mmdet_ohem.detector import RoIPoolExtractor
from mmdet_ohem.proposals.matlab import clean_as_released, convert_mat
from mmdet_ohem.proposals.selective_search import distinct_boxes

LONGEST = 1000
PIXELS = (0.0, 1.0, 1.5, 1.6)
NUM, NUM_RUNS = 64, 50


class Image(NamedTuple):
    """An image with its proposals, edges in its own pixels, (R, 4)."""

    name: str
    width: int
    height: int
    edges: Tensor

    def scales(self, side: int) -> tuple[float, Tensor]:
        """Caffe's scale, and mmdet's of x1, y1, x2, y2: whole sizes."""
        size = (self.width, self.height)
        scale = side / min(size)
        if round(scale * max(size)) > LONGEST:
            scale = LONGEST / max(size)
        width, height = rescale_size(size, (LONGEST, side))
        return scale, torch.tensor(
            [width / self.width, height / self.height] * 2
        )

    def inclusive(self) -> Tensor:
        """First and last pixels, from 0, as in the authors' code."""
        return self.edges - torch.tensor([0, 0, 1, 1])


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('folder', type=Path, help='NAME.jpg, NAME_boxes.mat')
    return parser.parse_args()


def read_images(folder: Path) -> Iterator[Image]:
    """All images of a folder that have boxes."""
    for path in sorted(folder.glob('*_boxes.mat')):
        name = path.stem.removesuffix('_boxes')
        pixels = cv2.imread(str(folder / f'{name}.jpg'))
        if pixels is None:
            raise FileNotFoundError(f'{folder / name}.jpg is no image')
        boxes = convert_mat(path, [name], 'xyxy', 0)[name]
        height, width = pixels.shape[:2]
        yield Image(name, width, height, torch.from_numpy(boxes))


def with_image_index(boxes: Tensor) -> Tensor:
    """RoIs of one image, (R, 5)."""
    return torch.cat([torch.zeros(len(boxes), 1), boxes], 1)


def cells(images: list[Image]) -> Table:
    """Share of RoIs whose cells differ, by the side of the images."""
    headers = [f'pixel = {x}' for x in PIXELS]
    table = Table('side', *headers, "pixel = the image's own scale")
    for side in (480, 576, 600, 688, 864):
        differ = np.zeros(len(PIXELS) + 1)
        for image in images:
            scale, sizes = image.scales(side)
            caffe = RoIPoolExtractor(pixel=0).rounded(
                with_image_index(image.inclusive() * scale)
            )
            rois = with_image_index(image.edges * sizes)
            for i, pixel in enumerate((*PIXELS, float(sizes[0]))):
                found = RoIPoolExtractor(pixel=pixel).rounded(rois)
                differ[i] += (found != caffe).any(1).sum().item()
        total = sum(len(image.edges) for image in images)
        table.add_row(str(side), *(f'{x / total:.2%}' for x in differ))
    return table


def labels(images: list[Image]) -> Table:
    """Pairs of boxes that are foreground to one and background to another.

    The authors compare boxes of the original image, widths x2 - x1 + 1.
    """
    table = Table('image', 'pairs from IoU .5', 'edges', 'as it was')
    for image in images:
        _, sizes = image.scales(600)
        original = image.edges.double()
        authors = bbox_overlaps(original, original) >= 0.5
        counts = [
            (bbox_overlaps(boxes * sizes, boxes * sizes) >= 0.5) != authors
            for boxes in (image.edges, image.inclusive())
        ]
        table.add_row(
            image.name,
            *(str(int(x.triu(1).sum())) for x in (authors, *counts)),
        )
    return table


def targets(images: list[Image]) -> Table:
    """Greatest difference of a target, in units of its deviation."""
    table = Table('image', 'edges', 'as it was')
    coder = DeltaXYWHBBoxCoder(target_stds=(0.1, 0.1, 0.2, 0.2))
    for image in images:
        _, sizes = image.scales(600)
        iou = bbox_overlaps(image.edges, image.edges)
        rois, objects = (iou >= 0.5).nonzero().T
        original = image.edges.double()
        authors = coder.encode(original[rois], original[objects])
        row = [image.name]
        for boxes in (image.edges, image.inclusive()):
            # Boxes one pixel wide had no area as it was.
            wide = (boxes[:, 2:] > boxes[:, :2]).all(1)
            use = wide[rois] & wide[objects]
            scaled = boxes * sizes
            found = coder.encode(scaled[rois[use]], scaled[objects[use]])
            row.append(f'{(found - authors[use]).abs().max():.1e}')
        table.add_row(*row)
    return table


def selection(images: list[Image]) -> Table:
    """Share of the selected RoIs that the authors' NMS selects as well.

    The authors add 1 to widths in the resized image, where a pixel of the
    original one is larger. Losses are waves over the corners, so that like
    boxes have like losses, with some noise.
    """
    table = Table(
        'image', 'pairs above .7', 'of them other', 'edges', 'as it was'
    )
    generator = torch.Generator().manual_seed(0)
    for image in images:
        scale, sizes = image.scales(600)
        one = torch.tensor([0, 0, 1, 1])
        kinds = (
            image.inclusive() * scale + one,
            image.edges * sizes,
            image.inclusive() * sizes,
        )
        near = [
            (bbox_overlaps(x.double(), x.double()) > 0.7).triu(1)
            for x in kinds
        ]
        same = np.zeros(3)
        for _ in range(NUM_RUNS):
            losses = smooth_losses(kinds[0], generator)
            chosen = [
                set(select_hard_examples(losses, x, NUM).tolist())
                for x in kinds
            ]
            same += [len(x & chosen[0]) for x in chosen]
        table.add_row(
            image.name,
            str(int(near[0].sum())),
            str(int((near[0] != near[1]).sum())),
            *(f'{x:.2%}' for x in same[1:] / same[0]),
        )
    return table


def smooth_losses(boxes: Tensor, generator: torch.Generator) -> Tensor:
    """Losses of boxes, (R,), alike for like boxes."""
    waves = torch.randn(4, 40, generator=generator) * 8 / 600
    phases = torch.rand(40, generator=generator) * 2 * torch.pi
    heights = torch.randn(40, generator=generator)
    noise = torch.randn(len(boxes), generator=generator)
    return (boxes @ waves + phases).sin() @ heights + 0.05 * noise


def cleaning(images: list[Image]) -> Table:
    """Boxes that are dropped by two rules."""
    table = Table('image', 'boxes', "authors' rule", 'below 2 pixels')
    for image in images:
        boxes = image.edges.numpy()
        kept = [len(clean_as_released(boxes)), len(distinct_boxes(boxes))]
        table.add_row(
            image.name, str(len(boxes)), *(str(len(boxes) - x) for x in kept)
        )
    return table


def main() -> None:
    """Measure and print."""
    images = list(read_images(parse_args().folder))
    for measure in (cells, labels, targets, selection, cleaning):
        table = measure(images)
        table.title = measure.__name__
        print(table)


if __name__ == '__main__':
    main()
