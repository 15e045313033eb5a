"""The scale at which a window is looked at, as in SPPnet and MR-CNN.

Shapes: ``V`` views of one image, ``R`` proposals, the same ones in each.
"""

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import get_box_tensor
from torch import Tensor


def closest_views(
    areas: Tensor, kinds: Sequence[Any], target: float
) -> Tensor:
    """Choose for each window the views whose scale suits it best.

    Args:
        areas: Of each window in each view, square pixels, shape (V, R).
        kinds: Of each view; of each kind one view is chosen.
        target: The area that a window should have.

    Returns:
        Whether a window is looked at in a view: the one of its kind where its
        area is closest to ``target``, the first one of several; shape (V, R),
        bool.
    """
    distances = (areas - target).abs()
    chosen = torch.zeros_like(areas, dtype=torch.bool)
    for kind in dict.fromkeys(kinds):
        members = [v for v, other in enumerate(kinds) if other == kind]
        best = distances[members].argmin(0)
        rows = torch.tensor(members, device=areas.device)[best]
        chosen[rows, torch.arange(areas.shape[1], device=areas.device)] = True
    return chosen


def at_closest_scales(
    samples: Sequence[DetDataSample], side: float
) -> list[DetDataSample | None]:
    """Leave each proposal of an image in the view whose scale suits it best.

    Args:
        samples: Of V views, with ``proposals`` in the frame of each. Flipped
            views and others are chosen from one by one.
        side: Of the square whose area a proposal should have, pixels.

    Returns:
        Of each view a sample with the proposals that are looked at in it; None
        where there is none. The first view is there without a proposal if the
        image has none.

    Raises:
        TypeError: There are no proposals.
        ValueError: Views have different numbers of proposals.
    """
    if any('proposals' not in sample for sample in samples):
        raise TypeError(
            "scale_choice='closest' chooses a view for each proposal, and the "
            'samples of the views have none. Remedy: LoadProposals in the '
            "pipeline, or scale_choice='all'"
        )
    boxes = [get_box_tensor(x.proposals.bboxes) for x in samples]
    counts = [len(x) for x in boxes]
    if len(set(counts)) > 1:
        raise ValueError(
            f'the views of an image have {counts} proposals; for '
            "scale_choice='closest' they must be the same ones in each. "
            'Remedy: no step that leaves proposals out behind TestTimeAug'
        )
    if not counts[0]:
        return [samples[0], *[None] * (len(samples) - 1)]
    areas = torch.stack([_areas(x) for x in boxes])
    kinds = [(x.get('flip', False), x.get('flip_direction')) for x in samples]
    found: list[DetDataSample | None] = []
    for sample, mask in zip(
        samples, closest_views(areas, kinds, side**2), strict=True
    ):
        found.append(_with_proposals(sample, mask) if mask.any() else None)
    return found


def _areas(boxes: Tensor) -> Tensor:
    return (boxes[:, 2:] - boxes[:, :2]).float().prod(1)


def _with_proposals(sample: DetDataSample, mask: Tensor) -> DetDataSample:
    """A copy that has some of the proposals."""
    copied = sample.clone()
    copied.proposals = sample.proposals[mask]
    return copied
