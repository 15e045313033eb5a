"""Hear what the samplers of a RoI head do."""

from collections.abc import Callable
from typing import Any, NamedTuple

from mmdet.models.task_modules.assigners import AssignResult
from mmdet.models.task_modules.samplers import SamplingResult
from mmengine.model import is_model_wrapper
from mmengine.structures import InstanceData

from mmdet_ohem.host import roi_heads
from mmdet_ohem.host.patching import listen_to
from mmdet_ohem.host.refusals import Purpose, check
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
    check(model, Purpose.REPORTING, f'{asker}: {type(model).__name__}')
    return roi_heads.samplers_of(model.roi_head)


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

    def tell(
        result: Any,
        assign_result: AssignResult,
        pred_instances: InstanceData,
        gt_instances: InstanceData,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        # ScoreHLRSampler puts label weights beside the result.
        result = result[0] if isinstance(result, tuple) else result
        record = getattr(sampler, 'last_record', None)
        listener(SampledImage(assign_result, gt_instances, result, record))

    return listen_to(sampler, 'sample', tell)
