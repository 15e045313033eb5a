"""An object and the same rectangle as a proposal are one box, everywhere.

Every pipeline of the configs, from what is on the disk (VOC's annotation or
COCO's, an image of bright rectangles, a proposal file) to what the RoI head is
given: IoU 1 at all sizes, and the box lies on the rectangle's own pixels,
flipped or not.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmdet.datasets import CocoDataset
from mmdet.models.utils.misc import samplelist_boxtype2tensor
from mmdet.registry import DATASETS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_overlaps
from torch import Tensor

from mmdet_ohem.proposals import save_proposals
from mmdet_ohem.proposals.convert import convert_proposals
from mmdet_ohem.proposals.proposal_file import make_entry
from mmdet_ohem.proposals.selective_search import rects_to_boxes
from tests.configs.leaves import load
from tests.voc_folder import Picture, Thing, write_voc

WIDTH, HEIGHT = 100, 80
# x, y, width, height in whole pixels: 1, 2, 8 and 16 of them, away from the
# border and at each side of the image.
RECTS = [
    [7, 5, 1, 1], [60, 9, 2, 4], [9, 41, 16, 8], [40, 30, 16, 16],
    [0, 20, 1, 2], [30, 0, 2, 1], [WIDTH - 1, 12, 1, 8],
    [WIDTH - 16, HEIGHT - 16, 16, 16],
]  # fmt: skip
FLIPS = pytest.mark.parametrize('flip', [0.0, 1.0], ids=['as it is', 'flip'])


def edges() -> np.ndarray:
    x, y, w, h = np.array(RECTS).T
    return np.stack([x, y, x + w, y + h], 1)


def draw(path: Path) -> None:
    """White rectangles on black, not compressed."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for x, y, w, h in RECTS:
        image[y : y + h, x : x + w] = 255
    # A reader goes by what is in the file, not by its name.
    _, encoded = cv2.imencode('.png', image)
    path.write_bytes(encoded.tobytes())


def voc(root: Path, config: Any) -> Any:
    things = [Thing('dog', tuple(box)) for box in edges().tolist()]
    write_voc(root, {'a': Picture(things, width=WIDTH, height=HEIGHT)})
    draw(root / 'VOC2007/JPEGImages/a.jpg')
    return config.train_dataloader.dataset


def coco(root: Path, config: Any) -> Any:
    dataset = config.train_dataloader.dataset
    (root / 'annotations').mkdir()
    folder = root / dataset.data_prefix.img
    folder.mkdir()
    draw(folder / 'a.jpg')
    annotations = [
        dict(id=i, image_id=1, category_id=18, bbox=rect, iscrowd=0,
             area=rect[2] * rect[3])
        for i, rect in enumerate(RECTS, 1)
    ]  # fmt: skip
    names = CocoDataset.METAINFO['classes']
    content = dict(
        images=[dict(id=1, file_name='a.jpg', width=WIDTH, height=HEIGHT)],
        annotations=annotations,
        categories=[dict(id=i + 1, name=x) for i, x in enumerate(names)],
    )
    (root / dataset.ann_file).write_text(json.dumps(content))
    return dataset


DATA = {
    'fast_rcnn_vgg16_voc07.py': voc,
    'fast_rcnn_vgg16_ohem_ms_voc07.py': voc,
    'fast_rcnn_vgg16_coco14.py': coco,
}
PIPELINES = pytest.mark.parametrize('name', DATA)


def from_selective_search(key: str, path: Path) -> None:
    boxes = rects_to_boxes(np.array(RECTS))
    save_proposals(path, {key: make_entry(boxes)}, {'mode': 'fast'})


def from_mat(key: str, path: Path) -> None:
    from scipy.io import savemat

    x1, y1, x2, y2 = edges().T
    cells = np.empty((1, 1), object)
    # Pixels from 1, the last one included; y before x.
    cells[0, 0] = np.stack([y1 + 1, x1 + 1, y2, x2], 1)
    savemat(path.with_suffix('.mat'), {'boxes': cells})
    image = Path('/', key)
    convert_proposals(
        {'a': image}, path.with_suffix('.mat'), path, keep_all=True
    )


ORIGINS = pytest.mark.parametrize('origin', [from_selective_search, from_mat])


def train_item(
    name: str,
    root: Path,
    flip: float,
    origin: Callable[[str, Path], None],
) -> tuple[Tensor, DetDataSample]:
    """Image (3, H, W) and sample of a training, boxes as tensors."""
    dataset = DATA[name](root, load(name))
    dataset.data_root = str(root)
    for step in dataset.pipeline:
        if step.type == 'mmdet_ohem.LoadProposals':
            # Not as the authors: the smallest are the hardest here.
            step.min_size = (0, 0)
        for transform in step.get('transforms', ()):
            if transform.type == 'RandomFlip':
                transform.prob = flip
    folder = dataset.data_prefix.get('img', 'JPEGImages/')
    path = root / dataset.proposal_file
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    origin(f'{folder}a.jpg', path)
    item = DATASETS.build(dataset)[0]
    sample = item['data_samples']
    samplelist_boxtype2tensor([sample])
    assert sample.flip == bool(flip)
    return item['inputs'], sample


@FLIPS
@ORIGINS
@PIPELINES
def test_an_object_as_a_proposal_has_iou_1(
    name: str, origin: Any, flip: float, tmp_path: Path
) -> None:
    _, sample = train_item(name, tmp_path, flip, origin)
    objects = sample.gt_instances.bboxes
    proposals = torch.as_tensor(np.asarray(sample.proposals.bboxes))
    assert len(objects) == len(proposals) == len(RECTS)
    iou = bbox_overlaps(objects, proposals, is_aligned=True)
    torch.testing.assert_close(iou, torch.ones(len(RECTS)), atol=1e-4, rtol=0)


@FLIPS
@PIPELINES
def test_boxes_lie_on_the_pixels_of_their_rectangles(
    name: str, flip: float, tmp_path: Path
) -> None:
    image, sample = train_item(name, tmp_path, flip, from_selective_search)
    pixel = torch.tensor(sample.scale_factor).repeat(2)
    for box in sample.gt_instances.bboxes:
        middle = ((box[:2] + box[2:]) / 2).tolist()
        found = torch.tensor(bright_edges(image[0].float(), middle))
        # A quarter of an original pixel: one more or less is seen.
        assert ((box - found).abs() < 0.25 * pixel).all(), (box, found)


def bright_edges(plane: Tensor, middle: list[float]) -> list[float]:
    """Edges x1, y1, x2, y2 of the white rectangle around a point.

    White is counted along the row and the column through the point, so that
    a pixel that is half white counts half.
    """
    x, y = (int(v) for v in middle)
    left, right = spread(plane[y], x)
    top, bottom = spread(plane[:, x], y)
    return [left, top, right, bottom]


def spread(line: Tensor, start: int) -> tuple[float, float]:
    share = line / line[start]
    before, after = share[:start].flip(0), share[start:]
    return start - run_length(before), start + run_length(after)


def run_length(share: Tensor) -> float:
    """White up to the first black pixel."""
    dark = (share < 0.02).nonzero()
    end = int(dark[0, 0]) if len(dark) else len(share)
    return float(share[:end].sum())
