"""Which RoI heads OHEM can serve."""

from typing import Any

# RoI heads of mmdet with a sampling of their own, and what to do instead.
_REFUSED = {
    'SparseRoIHead': 'matches queries to objects one to one, there are no '
    'RoIs to choose from. Keep its PseudoSampler',
    'MultiInstanceRoIHead': 'trains pairs of boxes for each proposal and '
    'hands its sampler no features to score them with. Keep its '
    'MultiInsRandomSampler',
    'PISARoIHead': 'weights RoIs with its own ScoreHLRSampler and runs with '
    "no other. Use OHEM with roi_head.type='StandardRoIHead', or keep PISA",
}


def check_roi_head(roi_head: Any) -> None:
    """Refuse what OHEM cannot score, by name.

    Args:
        roi_head: What mmdet passes to a sampler as its context.

    Raises:
        TypeError: It has no RoIs to choose from, or its own way to choose.
            The message says what to do instead.
    """
    name = type(roi_head).__name__
    for base in type(roi_head).__mro__:
        if base.__name__ in _REFUSED:
            raise TypeError(f'{name} {_REFUSED[base.__name__]}')
    missing = [
        attribute
        for attribute in ('bbox_head', '_bbox_forward')
        if not hasattr(roi_head, attribute)
    ]
    if missing:
        raise TypeError(
            f'{name} has no {" and no ".join(missing)}: OHEM mines the RoIs '
            'of a two-stage detector. Put the sampler into '
            'train_cfg.rcnn.sampler of a RoI head with a box head, and keep '
            'a RandomSampler for an RPN or one-stage head'
        )
