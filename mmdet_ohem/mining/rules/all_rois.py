"""No mining at all."""

import torch

from mmdet_ohem.mining.rules.choice import Choice
from mmdet_ohem.mining.rules.rois import RoIs
from mmdet_ohem.mining.rules.rule import RULES


@RULES.register_module()
def all_rois(rois: RoIs, num: int) -> Choice:
    """Every RoI that the assigner did not ignore.

    Args:
        rois: Of one image.
        num: Not a limit here.

    Returns:
        All of them, in order.
    """
    return Choice(torch.arange(len(rois), device=rois.labels.device))
