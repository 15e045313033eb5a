"""Weights of RoIs in the training loss of any box head.

Relies on mmdet 3.3.0: box heads compute their losses from what
``get_targets(sampling_results, rcnn_train_cfg, concat=True)`` returns:
labels, label weights, box targets and box weights, each with a row per RoI,
the RoIs of an image in the order of its ``SamplingResult.priors``.
"""

from functools import partial
from typing import Any

import torch
from mmdet.models.task_modules.samplers import SamplingResult
from torch import Tensor

from mmdet_ohem.counts import Count

_CLS, _LOC = 'roi_weights', 'roi_loc_weights'


def weigh(
    result: SamplingResult,
    weights: Tensor | None,
    weigh_loc: bool,
    bbox_head: Any,
) -> None:
    """Let the losses of RoIs count by weights when they are trained on.

    Mask heads and the read-only pass see no weights.

    Args:
        result: RoIs that are trained on; keeps the weights.
        weights: Of its ``priors``, shape (K,); None: nothing is done.
        weigh_loc: Whether they count for the box loss, too.
        bbox_head: The box head that trains on them.
    """
    if weights is None:
        return
    setattr(result, _CLS, weights)
    if weigh_loc:
        setattr(result, _LOC, weights)
    # The head's own method is wrapped once, and in copies of the head (EMA)
    # the wrapper is copied with it.
    if not isinstance(vars(bbox_head).get('get_targets'), _Weighted):
        bbox_head.get_targets = _Weighted(bbox_head.get_targets)


class _Weighted:
    """``get_targets`` of a box head, its weights times those of the RoIs."""

    def __init__(self, get_targets: Any) -> None:
        self.get_targets = get_targets

    def __call__(
        self,
        sampling_results: list[SamplingResult],
        rcnn_train_cfg: Any,
        concat: bool = True,
    ) -> tuple:
        """Targets with weights, as the head's own method gives them."""
        targets = self.get_targets(
            sampling_results, rcnn_train_cfg, concat=concat
        )
        if not any(hasattr(x, _CLS) for x in sampling_results):
            return targets
        labels, label_weights, bbox_targets, bbox_weights = targets
        times_cls, times_loc = (
            partial(_times, weights=_rows(sampling_results, name, concat))
            for name in (_CLS, _LOC)
        )
        return (
            labels,
            times_cls(label_weights),
            bbox_targets,
            times_loc(bbox_weights),
        )


def _rows(
    results: list[SamplingResult], name: str, concat: bool
) -> Tensor | list[Tensor]:
    """Weights of all RoIs, of each image or of all together."""
    found = [
        getattr(x, name, torch.ones(len(x.priors), device=x.pos_inds.device))
        for x in results
    ]
    return torch.cat(found) if concat else found


def _times(values: Any, weights: Any) -> Any:
    """Rows of tensors, in whatever lists and tuples, times weights."""
    if isinstance(values, Tensor):
        if len(values) != len(weights):
            raise TypeError(
                f'weights of {Count(len(weights)):RoI} do not fit targets of '
                f'shape {tuple(values.shape)}. Remedy: a mining rule without '
                "weights, such as 'ohem'"
            )
        return values * weights.view(-1, *[1] * (values.dim() - 1))
    if isinstance(weights, Tensor):  # several targets of the same RoIs
        return type(values)(_times(x, weights) for x in values)
    return type(values)(
        _times(x, w) for x, w in zip(values, weights, strict=True)
    )
