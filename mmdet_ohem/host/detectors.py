"""Parts of any detector, also of one without RoIs.

Relies on mmdet 3.3.0 calling a RoI head ``roi_head`` and its samplers
``bbox_sampler``, and on heads being named ``bbox_head`` or ``mask_head`` with
the number of their classes in ``num_classes``; an RPN's is 1 and means
nothing.
"""

import re
from typing import Any

from mmengine.runner import Runner
from torch import nn

from mmdet_ohem.host import roi_heads
from mmdet_ohem.host.weights_loading import unwrapped

_HEAD = re.compile(r'(?:.*\.)?(?:bbox|mask)_head(?:\.\d+)?')


def roi_samplers(model: Any) -> list[Any]:
    """The samplers of RoIs of a detector, one a stage.

    Args:
        model: Also one that is wrapped for several processes.

    Returns:
        None for a detector that has no RoI head or no samplers.
    """
    roi_head = getattr(unwrapped(model), 'roi_head', None)
    if getattr(roi_head, 'bbox_sampler', None) is None:
        return []
    return roi_heads.samplers_of(roi_head)


def roi_assigners(model: Any) -> list[Any]:
    """The assigners of RoIs of a detector, one a stage.

    Args:
        model: Also one that is wrapped for several processes.

    Returns:
        None for a detector that has no RoI head or no assigners.
    """
    roi_head = getattr(unwrapped(model), 'roi_head', None)
    found = getattr(roi_head, 'bbox_assigner', None)
    if found is None:
        return []
    return list(found) if isinstance(found, (list, tuple)) else [found]


def num_classes_of_heads(model: nn.Module) -> dict[str, int]:
    """How many classes each head of a detector tells apart.

    Args:
        model: Also one that is wrapped for several processes.

    Returns:
        By the name of the head, such as ``roi_head.bbox_head``.
    """
    return {
        name: module.num_classes
        for name, module in unwrapped(model).named_modules()
        if _HEAD.fullmatch(name)
        and isinstance(getattr(module, 'num_classes', None), int)
    }


def proposals_per_image(runner: Runner, num_images: int = 20) -> int | None:
    """How many proposals a training has, without reading an image.

    Args:
        runner: Of a training.
        num_images: How many images of the dataset are looked at.

    Returns:
        The limit of the RPN, or the mean over the first images of a dataset
        with proposals; None where neither is known.
    """
    train_cfg = getattr(unwrapped(runner.model), 'train_cfg', None) or {}
    if limit := (train_cfg.get('rpn_proposal') or {}).get('max_per_img'):
        return limit
    dataset = runner.train_dataloader.dataset
    if not hasattr(dataset, 'get_data_info'):
        return None
    infos = [
        dataset.get_data_info(i) for i in range(min(num_images, len(dataset)))
    ]
    nums = [len(x['proposals']['bboxes']) for x in infos if 'proposals' in x]
    return round(sum(nums) / len(nums)) if nums else None
