"""Boxes through the pipelines of the VOC07 configs, and back."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.models.utils.misc import samplelist_boxtype2tensor
from mmdet.registry import DATASETS, METRICS
from mmdet.structures import DetDataSample
from mmengine.config import Config
from torch import Tensor

from tests.voc_folder import Picture, Thing, write_voc

CONFIG = Path(__file__).parents[2] / 'configs/fast_rcnn_vgg16_voc07.py'
# 30 pixels wide: one pixel off is an IoU of 29 / 31.
STRICT = 0.97
PICTURES = {
    'wide': Picture(
        [
            Thing('dog', (0, 0, 29, 29)),
            Thing('cat', (110, 41, 139, 89)),
            Thing('dog', (40, 30, 80, 60), difficult=1),
        ],
        width=140,
        height=90,
    ),
    'high': Picture([Thing('dog', (5, 60, 34, 99))], width=61, height=101),
    # The longer side hits the limit, and scales are not round.
    'strip': Picture([Thing('bus', (100, 3, 129, 50))], width=303, height=67),
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The config, reading a data set of three images."""
    return config_of(tmp_path, PICTURES)


def config_of(folder: Path, pictures: dict[str, Picture]) -> Config:
    config = Config.fromfile(CONFIG)
    root = write_voc(folder, pictures)
    for loader in (config.train_dataloader, config.test_dataloader):
        loader.dataset.data_root = str(root)
    return config


def samples(dataset_config: Any) -> list[DetDataSample]:
    """All of a data set, boxes as the data preprocessor makes them."""
    dataset = DATASETS.build(dataset_config)
    found = [dataset[i]['data_samples'] for i in range(len(dataset))]
    samplelist_boxtype2tensor(found)
    return found


def train_samples(config: Config, flip_prob: float) -> list[DetDataSample]:
    dataset = config.train_dataloader.dataset
    (flip,) = (
        transform
        for step in dataset.pipeline
        for transform in step.get('transforms', ())
        if transform.type.endswith('Flip')
    )
    flip.prob = flip_prob
    return samples(dataset)


def mean_ap(
    config: Config,
    truth: list[DetDataSample],
    found: list[tuple[Tensor, Tensor]],
    iou_thr: float = 0.5,
) -> float:
    """mAP of boxes and labels, each with score 1, by the config's metric."""
    metric: Any = METRICS.build(config.test_evaluator | dict(iou_thrs=iou_thr))
    metric.dataset_meta = DATASETS.build(
        config.test_dataloader.dataset
    ).metainfo
    for sample, (boxes, labels) in zip(truth, found, strict=True):
        pred = dict(bboxes=boxes, labels=labels, scores=torch.ones(len(boxes)))
        metric.process({}, [sample.to_dict() | dict(pred_instances=pred)])
    return float(metric.evaluate(len(truth))['pascal_voc/mAP'])


def ground_truth(sample: DetDataSample) -> tuple[Tensor, Tensor]:
    instances = sample.gt_instances
    return instances.bboxes, instances.labels


def in_the_original(sample: DetDataSample) -> tuple[Tensor, Tensor]:
    """Ground truth of a training sample, unscaled and unflipped."""
    boxes = sample.gt_instances.bboxes.clone()
    boxes /= boxes.new_tensor(sample.scale_factor).repeat(2)
    if sample.flip:
        width = sample.ori_shape[1]
        boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
    return boxes, sample.gt_instances.labels


@pytest.mark.parametrize('iou_thr', [0.5, STRICT])
def test_perfect_detections_score_1(config: Config, iou_thr: float) -> None:
    truth = samples(config.test_dataloader.dataset)
    found = [ground_truth(sample) for sample in truth]
    assert mean_ap(config, truth, found, iou_thr) == 1


def test_an_object_without_area_counts_as_one_that_is_missed(
    tmp_path: Path,
) -> None:
    boxes = [(5, 5, 35, 35), (40, 20, 10, 60)]  # the other has xmax < xmin
    things = [Thing('dog', box) for box in boxes]
    config = config_of(tmp_path, {'a': Picture(things)})
    truth = samples(config.test_dataloader.dataset)
    found, labels = ground_truth(truth[0])
    assert found.tolist() == [list(box) for box in boxes]
    # Recall .5: six of eleven points.
    ap = mean_ap(config, truth, [(found[:1], labels[:1])])
    assert ap == pytest.approx(6 / 11, abs=1e-6)


@pytest.mark.parametrize('iou_thr', [0.5, STRICT])
def test_an_object_of_one_pixel_is_found(
    tmp_path: Path, iou_thr: float
) -> None:
    things = [Thing('dog', (5, 5, 6, 6)), Thing('dog', (99, 0, 100, 80))]
    config = config_of(tmp_path, {'a': Picture(things)})
    # Not as the authors, who leave such proposals out.
    config.train_dataloader.dataset.pipeline[1].min_size = (0, 0)
    truth = samples(config.test_dataloader.dataset)
    (sample,) = train_samples(config, flip_prob=1.0)
    assert len(sample.gt_instances) == len(sample.proposals) == 2
    found = [in_the_original(sample)]
    assert mean_ap(config, truth, found, iou_thr) == 1


def test_test_ground_truth_is_as_annotated(config: Config) -> None:
    truth = samples(config.test_dataloader.dataset)
    for sample, picture in zip(truth, PICTURES.values(), strict=True):
        easy = [list(x.box) for x in picture.things if not x.difficult]
        assert ground_truth(sample)[0].tolist() == easy
        assert len(sample.ignored_instances) == len(picture.things) - len(easy)


@pytest.mark.parametrize('iou_thr', [0.5, STRICT])
@pytest.mark.parametrize('flip_prob', [0.0, 1.0])
def test_training_boxes_are_those_of_the_test(
    config: Config, flip_prob: float, iou_thr: float
) -> None:
    truth = samples(config.test_dataloader.dataset)
    train = train_samples(config, flip_prob)
    assert all(sample.flip == bool(flip_prob) for sample in train)
    found = [in_the_original(sample) for sample in train]
    assert mean_ap(config, truth, found, iou_thr) == 1


@pytest.mark.parametrize('shift', [-1, 1])
def test_the_strict_score_sees_one_pixel(config: Config, shift: int) -> None:
    truth = samples(config.test_dataloader.dataset)
    found = [ground_truth(sample) for sample in truth]
    moved = [
        (boxes + torch.tensor([shift, 0, shift, 0]), labels)
        for boxes, labels in found
    ]
    assert mean_ap(config, truth, moved, STRICT) < 1
    assert mean_ap(config, truth, moved) == 1


@pytest.mark.parametrize('flip_prob', [0.0, 1.0])
def test_proposals_on_the_objects_stay_on_them(
    config: Config, flip_prob: float
) -> None:
    for sample in train_samples(config, flip_prob):
        gts = torch.cat(
            [
                sample.gt_instances.bboxes,
                sample.ignored_instances.bboxes,
            ]
        )
        found = torch.as_tensor(sample.proposals.bboxes)
        torch.testing.assert_close(found, gts, atol=1e-3, rtol=0)


def test_test_proposals_are_scaled_to_the_image(config: Config) -> None:
    truth = samples(config.test_dataloader.dataset)
    for sample, picture in zip(truth, PICTURES.values(), strict=True):
        scale = np.tile(sample.scale_factor, 2)
        np.testing.assert_allclose(
            np.asarray(sample.proposals.bboxes),
            picture.boxes() * scale,
            atol=1e-3,
        )


@pytest.mark.parametrize('split', ['train_dataloader', 'test_dataloader'])
def test_sides_are_600_and_at_most_1000(config: Config, split: str) -> None:
    shapes = {
        sample.img_id: sample.img_shape
        for sample in samples(config[split].dataset)
    }
    assert shapes == {
        'wide': (600, 933),
        'high': (993, 600),
        'strip': (221, 1000),
    }


def test_loading_annotations_before_resize_would_spoil_the_score(
    config: Config,
) -> None:
    truth = samples(config.test_dataloader.dataset)
    found = [ground_truth(sample) for sample in truth]
    pipeline = config.test_dataloader.dataset.pipeline
    (position,) = (
        i for i, x in enumerate(pipeline) if x.type == 'LoadAnnotations'
    )
    pipeline.insert(1, pipeline.pop(position))
    scaled = samples(config.test_dataloader.dataset)
    assert mean_ap(config, scaled, found) < 1
