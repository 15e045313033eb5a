"""Section 6 of the paper: multi-scale (+M), iterative localisation (+B)."""

from mmdet_ohem.localization.box_voting import box_voting, box_voting_by_group
from mmdet_ohem.localization.candidates import (
    cat_candidates,
    final_detections,
)
from mmdet_ohem.localization.inference import (
    box_voting_inference,
    candidate_prediction,
)
from mmdet_ohem.localization.iterative_bbox_voting_hook import (
    IterativeBBoxVotingHook,
)
from mmdet_ohem.localization.iterative_localization import (
    Rounds,
    predict_candidates,
)
from mmdet_ohem.localization.multi_scale_test_loop import MultiScaleTestLoop
from mmdet_ohem.localization.multi_scale_tta import MultiScaleTTAModel

__all__ = [
    'IterativeBBoxVotingHook',
    'MultiScaleTTAModel',
    'MultiScaleTestLoop',
    'Rounds',
    'box_voting',
    'box_voting_by_group',
    'box_voting_inference',
    'candidate_prediction',
    'cat_candidates',
    'final_detections',
    'predict_candidates',
]
