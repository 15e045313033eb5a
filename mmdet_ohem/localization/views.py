"""Views of an image: which there are, and which of them are new.

A view is the image at one scale, flipped or not, with the proposals and the
ground truth that go with it. Shape shorthand: V views, C x H x W pixels.
"""

import copy
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import bbox_flip
from torch import Tensor, nn

from mmdet_ohem.counts import Count
from mmdet_ohem.host.pipelines import (
    all_steps,
    broadcast_steps,
    outer_pipeline,
    transform_name,
)

Scale = tuple[int, int]

# Section 6 of the paper: shorter side at test time; the longest is 1000.
PAPER_TEST_SCALES: tuple[Scale, ...] = tuple(
    (1000, side) for side in (480, 576, 688, 864, 1000)
)
# The shorter side of the paper's images at one scale.
_PAPER_SIDE = 600
_GEOMETRY = ('img_shape', 'scale_factor', 'flip', 'flip_direction')


def distinct_views(
    images: Sequence[Tensor], samples: Sequence[DetDataSample]
) -> list[int]:
    """Find the views of one image that are not the same as an earlier one.

    The limit on the longest side gives several scales the same image. Run
    again it would tell nothing new, and its boxes would vote twice.

    Args:
        images: V images as the network reads them, each (C, H, W).
        samples: Of these views; their meta information is compared.

    Returns:
        Indices of the first of each kind, ascending.

    Raises:
        ValueError: Two views have one size, different pixels, and do not say
            whether they are flipped.
    """
    kept: list[int] = []
    for index, (image, sample) in enumerate(zip(images, samples, strict=True)):
        if not any(
            _same_geometry(sample, samples[other])
            and torch.equal(image, images[other])
            for other in kept
        ):
            kept.append(index)
    for first, second in combinations(kept, 2):
        if 'flip' not in samples[first] and _same_geometry(
            samples[first], samples[second]
        ):
            raise ValueError(
                f'views {first} and {second} have one size but different '
                "pixels, and no 'flip' in their meta information. Remedy: "
                "list 'flip' and 'flip_direction' in the meta_keys of "
                'PackDetInputs'
            )
    return kept


def _same_geometry(first: DetDataSample, second: DetDataSample) -> bool:
    return all(
        np.array_equal(first.get(key), second.get(key)) for key in _GEOMETRY
    )


def flipped_back(boxes: Tensor, sample: DetDataSample) -> Tensor:
    """Mirror boxes of a flipped view to where they are in the image.

    Args:
        boxes: (M, 4) xyxy edges in pixels of the original image's size.
        sample: Of the view, with ``ori_shape``, ``flip``, ``flip_direction``.

    Returns:
        (M, 4) xyxy; the same tensor when the view is not flipped.
    """
    if not sample.get('flip', False):
        return boxes
    return bbox_flip(boxes, sample.ori_shape, sample.flip_direction)


def multi_scale_pipeline(
    pipeline: Sequence[dict], scales: Sequence[Scale]
) -> list[dict]:
    """Make a test pipeline of one scale into one of several views.

    Everything before ``Resize`` runs once an image, ``Resize`` (with the
    ``ProposalBroadcaster`` around it) and what follows once a view.

    Args:
        pipeline: Config of a test pipeline.
        scales: (longest side, shorter side) of each view, pixels.

    Returns:
        The config of a pipeline that ends in ``TestTimeAug``; shares nothing
        with ``pipeline``.

    Raises:
        ValueError: The pipeline resizes nowhere, or has views already.
    """
    pipeline = copy.deepcopy(list(pipeline))
    resizing = [i for i, x in enumerate(pipeline) if _resizes(x)]
    names = [transform_name(x) for x in pipeline]
    if len(resizing) != 1 or 'TestTimeAug' in names:
        raise ValueError(
            f'the test pipeline {names} has {Count(len(resizing)):place} that '
            'resize, expected one Resize, inside a ProposalBroadcaster or '
            'not. Remedy: write tta_pipeline into the config'
        )
    before, rest = pipeline[: resizing[0]], pipeline[resizing[0] + 1 :]
    resized = []
    for scale in scales:
        transform = copy.deepcopy(pipeline[resizing[0]])
        for part in broadcast_steps(transform):
            if transform_name(part) == 'Resize':
                part['scale'] = tuple(scale)
        resized.append(transform)
    views = [resized, *([transform] for transform in rest)]
    return [*before, dict(type='TestTimeAug', transforms=views)]


def _resizes(transform: dict) -> bool:
    return 'Resize' in map(transform_name, broadcast_steps(transform))


def views_pipeline(
    config: Any, scales: Sequence[Scale] | None = None
) -> list[dict]:
    """The pipeline of views of a config, whether it has one or not.

    Args:
        config: A whole config.
        scales: Used when it has no ``tta_pipeline``; None: as
            :func:`scales_around` has them.

    Returns:
        Its ``tta_pipeline``, else its test pipeline at these scales.
    """
    if 'tta_pipeline' in config:
        return copy.deepcopy(config['tta_pipeline'])
    pipeline = single_view_pipeline(config)
    return multi_scale_pipeline(pipeline, scales or scales_around(pipeline))


def scales_around(pipeline: Sequence[dict]) -> tuple[Scale, ...]:
    """The paper's five scales, in proportion to a detector's own.

    The paper tests at 480 to 1000 pixels what it trains at 600 when it has
    one scale. A detector of smaller images, tested at the paper's pixels,
    would take many times as long and see objects larger than any it learnt.

    Args:
        pipeline: Config of a test pipeline of one scale.

    Returns:
        (longest side, shorter side) of each view, pixels; the limit on the
        longest side is the detector's own. The paper's own, where the
        pipeline says no scale.
    """
    for transform in pipeline:
        for part in broadcast_steps(transform):
            scale = part.get('scale')
            if transform_name(part) == 'Resize' and scale:
                sides = (scale, scale) if isinstance(scale, int) else scale
                longest, side = max(sides), min(sides)
                return tuple(
                    (longest, round(side * x / _PAPER_SIDE))
                    for _, x in PAPER_TEST_SCALES
                )
    return PAPER_TEST_SCALES


def scales_of(pipeline: Sequence[dict]) -> list[Scale]:
    """The scales of a pipeline of views.

    Args:
        pipeline: With ``TestTimeAug``.

    Returns:
        As its ``Resize`` have them; empty where it names none.
    """
    return [
        tuple(step['scale'])
        for step in all_steps(pipeline)
        if transform_name(step) == 'Resize' and step.get('scale')
    ]


def in_words(pipeline: Sequence[dict]) -> str:
    """The scales of a pipeline of views, for a log.

    Args:
        pipeline: With ``TestTimeAug``.
    """
    scales = dict.fromkeys(scales_of(pipeline))
    sides = ', '.join(f'{min(x)} ({max(x)})' for x in scales)
    return f'shorter side {sides or "unknown"} (longest at most)'


def single_view_pipeline(config: Any) -> list[dict]:
    """The pipeline of a config's test data, however they are wrapped.

    Args:
        config: A whole config.

    Returns:
        That of the first data set, where several are joined.
    """
    return outer_pipeline(config['test_dataloader']['dataset'])


def build_tta_model(config: Any, detector: nn.Module) -> nn.Module:
    """Wrap a detector into the ``tta_model`` of a config.

    Args:
        config: A whole config; without ``tta_model`` in it, ours is taken.
        detector: The bare detector, no wrapper around it.

    Returns:
        A model whose ``test_step`` takes views.
    """
    tta_model = config.get('tta_model', {})
    ours = dict(type='mmdet_ohem.MultiScaleTTAModel')
    return MODELS.build({**ours, **tta_model, 'module': detector})
