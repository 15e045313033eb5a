"""RoIs that read the same cells of the feature map."""

from typing import Any

import torch
from torch import Tensor

from mmdet_ohem.host.roi_heads import has_plain_box_branch


def distinct_rois(roi_head: Any, rois: Tensor) -> tuple[Tensor, Tensor | None]:
    """Leave out RoIs that the box branch cannot tell from another one.

    Of the boxes of selective search about a quarter round to the cells of
    another one at stride 16, so that their predictions are the same.

    Args:
        roi_head: Whose extractor rounds RoIs, and says so by a method
            ``rounded``; all RoIs of any other one are distinct.
        rois: (image index, x1, y1, x2, y2) in pixels, shape (R, 5).

    Returns:
        The distinct RoIs, shape (D, 5), and for each of the R RoIs which of
        them it equals, (R,), int64; None where all are distinct.
    """
    # Other box branches read RoIs by other ways as well.
    if not has_plain_box_branch(roi_head) or len(rois) == 0:
        return rois, None
    extractor = roi_head.bbox_roi_extractor
    if not hasattr(extractor, 'rounded'):
        return rois, None
    cells, equals = torch.unique(
        extractor.rounded(rois), dim=0, return_inverse=True
    )
    if len(cells) == len(rois):
        return rois, None
    first = equals.new_empty(len(cells)).scatter_reduce_(
        0,
        equals,
        torch.arange(len(rois), device=rois.device),
        'amin',
        include_self=False,
    )
    return rois[first], equals
