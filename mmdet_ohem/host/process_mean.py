"""One mean over the RoIs of all processes, in the loss of any box head.

Relies on mmdet 3.3.0: in training, RoI heads call
``BBoxHead.loss_and_target`` once for each of their stages, with the sampling
results of all images of the process; it returns the losses as ``loss_bbox``
and the targets as ``bbox_targets``, of which the second are label weights.
After a stage without RoIs ``refine_bboxes`` returns None, at which a cascade
stops.
Relies on torch 2.13: DDP averages gradients over processes, and waits for
each parameter in each of them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from mmdet.models.task_modules.samplers import SamplingResult
from mmdet.structures.bbox import get_box_tensor
from mmengine.dist import all_reduce, get_world_size
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_ohem.host.roi_heads import RoIStage

_MARK, _FEATS = 'roi_process_mean', 'roi_process_feats'


def average_over_processes(
    result: SamplingResult, feats: Sequence[Tensor] | None, stage: RoIStage
) -> SamplingResult:
    """Let the RoIs of all processes count alike when they are trained on.

    A box head divides its losses by the number of RoIs of its own process,
    and DDP then averages the gradients: a RoI of a process that has few
    counts for more than one of a process that has many. Here the losses are
    multiplied by the process's share of all RoIs, times the number of
    processes: the gradients are then those of one process with all images.
    Where all have equally many RoIs, that factor is exactly 1.

    A process without any RoI has losses of 0 that depend on every parameter,
    as DDP needs it: others would wait for those it leaves out.

    There is one collective call for each stage and iteration, in which each
    process takes part whatever its images hold, and no transfer from a GPU.

    Args:
        result: RoIs of an image that are trained on; is marked for it.
        feats: Features of the image, tensors of shape (1, C, H, W).
        stage: Whose box head trains on them; without a box head, as an RPN
            is, nothing is done.

    Returns:
        ``result``. In a single process nothing is done.
    """
    if get_world_size() == 1 or not hasattr(stage.roi_head, 'bbox_head'):
        return result
    setattr(result, _MARK, True)
    if not len(result.priors):
        setattr(result, _FEATS, feats)
    bbox_head = stage.bbox_head
    # The head's own methods are wrapped once, and in copies of the head (EMA)
    # the wrappers are copied with it.
    if not isinstance(vars(bbox_head).get('loss_and_target'), _Averaged):
        bbox_head.loss_and_target = _Averaged(bbox_head.loss_and_target)
        bbox_head.refine_bboxes = _GoingOn(bbox_head.refine_bboxes)
    return result


class _Averaged:
    """``loss_and_target`` of a box head, over the RoIs of all processes."""

    def __init__(self, loss_and_target: Any) -> None:
        self.loss_and_target = loss_and_target

    def __call__(
        self,
        cls_score: Any,
        bbox_pred: Any,
        rois: Tensor,
        sampling_results: list[SamplingResult],
        *args: Any,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Losses and targets, as the head's own method gives them."""
        found = self.loss_and_target(
            cls_score, bbox_pred, rois, sampling_results, *args, **kwargs
        )
        # The read-only pass asks for losses as well, once for each image: of
        # these, processes can have different numbers.
        if not any(hasattr(x, _MARK) for x in sampling_results):
            return found
        losses = dict(found['loss_bbox'])
        if not len(rois):
            predicted = [cls_score, bbox_pred]
            feats = [getattr(x, _FEATS, None) for x in sampling_results]
            losses.setdefault('loss_cls', rois.new_zeros(()))
            losses['loss_cls'] = losses['loss_cls'] + sum(
                0 * x.sum() for x in _tensors([predicted, feats])
            )
        for_cls, for_boxes = _factors(len(rois), found['bbox_targets'][1])
        for name, value in losses.items():
            if 'loss' in name:
                factor = for_boxes if 'bbox' in name else for_cls
                losses[name] = _times(value, factor)
        return {**found, 'loss_bbox': losses}


class _GoingOn:
    """``refine_bboxes`` of a cascade that does not stop without RoIs.

    The other processes go on to the next stage, and would wait there.
    """

    def __init__(self, refine_bboxes: Any) -> None:
        self.refine_bboxes = refine_bboxes

    def __call__(
        self,
        sampling_results: list[SamplingResult],
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """RoIs of the next stage, none for each image where there are none."""
        found = self.refine_bboxes(sampling_results, *args, **kwargs)
        if found is not None:
            return found
        return [
            InstanceData(bboxes=get_box_tensor(x.priors)[:0])
            for x in sampling_results
        ]


def _factors(num_rois: int, label_weights: Any) -> Tensor:
    """For losses of classes, and of boxes, shape (2,).

    mmdet divides the first by the number of weights that are not zero, the
    others by that of the RoIs.
    """
    weights = torch.cat([x.flatten() for x in _tensors(label_weights)])
    num_weighted = (weights > 0).sum().float()
    own = torch.stack([num_weighted, torch.full_like(num_weighted, num_rois)])
    mean = own.clone()
    all_reduce(mean, op='mean')
    # All of them zero: no process has a loss.
    return torch.where(mean > 0, own / mean, 1.0)


def _tensors(values: Any) -> Iterator[Tensor]:
    """All tensors in lists and tuples."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, list | tuple):
        for each in values:
            yield from _tensors(each)


def _times(value: Any, factor: Tensor) -> Any:
    """A loss, or a list of them, times a factor."""
    if isinstance(value, Tensor):
        return value * factor
    return [_times(each, factor) for each in value]
