"""Online Hard Example Mining as an mmdet sampler."""

from typing import Any

from mmdet_ohem.mining.rule_sampler import RuleSampler
from mmdet_ohem.registry import TASK_UTILS


@TASK_UTILS.register_module()
class OHEMSampler(RuleSampler):
    """Train on the RoIs that the current network does worst on.

    For each image, section 4 of the paper (https://arxiv.org/abs/1604.03540):

    1. every RoI, ground truth included, is scored by the read-only network:
       its loss is the sum of classification and localisation;
    2. :func:`~mmdet_ohem.select_hard_examples` ranks foreground and
       background together, removes near-duplicates by NMS on the loss and
       takes the first ``num``.

    There is no ratio of foreground to background and no lower IoU bound for
    background; set ``neg_iou_thr=0.5`` in the assigner to have all of it.
    Works by changing only ``type`` of an inherited sampler.

    Args:
        num: RoIs **per image**, B / N in the paper (64 for B = 128, N = 2).
        nms_iou_thr: RoIs above this IoU are duplicates; None: no NMS.
        class_aware_nms: Boxes suppress only boxes of their own label, as in
            the authors' released code.
        **kwargs: ``readonly_head``, ``add_gt_as_proposals``,
            ``warmup_iters``: see :class:`RuleSampler`.

    Raises:
        TypeError: An unknown key, or a head without RoIs, such as an RPN.
        ValueError: A value is out of range.
    """

    def __init__(
        self,
        num: int | None = None,
        nms_iou_thr: float | None = 0.7,
        class_aware_nms: bool = False,
        **kwargs: Any,
    ) -> None:
        rule = dict(
            type='ohem',
            nms_iou_thr=nms_iou_thr,
            class_aware_nms=class_aware_nms,
        )
        super().__init__(num, rule, **kwargs)
