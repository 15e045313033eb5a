"""Hear what the samplers of a RoI head do."""

from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple

from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import SamplingResult
from mmengine.model import is_model_wrapper
from mmengine.structures import InstanceData

from mmdet_ohem.mining import MiningRecord


class SampledImage(NamedTuple):
    """One image that went through a sampler.

    Attributes:
        assign_result: What all RoIs were assigned to; ground truth is among
            them where the sampler adds it.
        gt_instances: The ground truth.
        sampling_result: Which of the RoIs are trained on.
        record: What :class:`~mmdet_ohem.OHEMSampler` made of all RoIs; None
            of other samplers, and during a warm-up.
    """

    assign_result: AssignResult
    gt_instances: InstanceData
    sampling_result: SamplingResult
    record: MiningRecord | None


Listener = Callable[[SampledImage], None]


def samplers_of(model: Any, asker: str) -> list[Any]:
    """The samplers of the RoI head of a detector, one a stage.

    Args:
        model: A detector, also one that is wrapped for several GPUs.
        asker: Who wants to know, for the message of the error.

    Returns:
        At least one sampler.

    Raises:
        TypeError: The detector has no RoI head with a sampler.
    """
    if is_model_wrapper(model):
        model = model.module
    samplers = getattr(getattr(model, 'roi_head', None), 'bbox_sampler', None)
    if not samplers:
        raise TypeError(
            f'{asker}: {type(model).__name__} has no roi_head.bbox_sampler '
            'to report on. Remedy: leave the hook out of custom_hooks'
        )
    if isinstance(samplers, (list, tuple)):
        return list(samplers)
    return [samplers]


def listen(sampler: Any, listener: Listener) -> Callable[[], None]:
    """Have ``listener`` called with each image that ``sampler`` samples.

    The sampler returns what it returned before. Several may listen, and stop
    in any order.

    Args:
        sampler: A sampler of mmdet's kind.
        listener: Called after each ``sampler.sample``.

    Returns:
        What to call to stop listening.
    """
    listeners = getattr(vars(sampler).get('sample'), 'listeners', None)
    if listeners is None:
        listeners = _wrap(sampler)
    listeners.append(listener)

    def stop() -> None:
        listeners.remove(listener)
        if not listeners:
            _unwrap(sampler)

    return stop


def _wrap(sampler: Any) -> list[Listener]:
    """Put a method before ``sampler.sample`` that calls listeners."""
    sample = sampler.sample
    listeners: list[Listener] = []

    @wraps(sample)
    def heard(
        assign_result: AssignResult,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        *args: Any,
        **kwargs: Any,
    ) -> SamplingResult:
        result = sample(
            assign_result, pred_instances, gt_instances, *args, **kwargs
        )
        image = SampledImage(
            assign_result,
            gt_instances,
            # ScoreHLRSampler puts label weights beside it.
            result[0] if isinstance(result, tuple) else result,
            getattr(sampler, 'last_record', None),
        )
        for listener in tuple(listeners):
            listener(image)
        return result

    heard.listeners = listeners  # type: ignore[attr-defined]
    heard.replaced = vars(sampler).get('sample')  # type: ignore[attr-defined]
    sampler.sample = heard
    return listeners


def _unwrap(sampler: Any) -> None:
    """Leave the sampler as it was."""
    replaced = sampler.sample.replaced
    if replaced is None:
        del sampler.sample
    else:
        sampler.sample = replaced
