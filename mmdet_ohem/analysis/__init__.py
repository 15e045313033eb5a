"""Section 5 of the paper: what mining does."""

from mmdet_ohem.analysis.all_roi_loss import AllRoILoss
from mmdet_ohem.analysis.all_roi_loss_hook import AllRoILossHook
from mmdet_ohem.analysis.hard_example_visualization_hook import (
    HardExampleVisualizationHook,
)
from mmdet_ohem.analysis.mining_stats_hook import MiningStatsHook

__all__ = [
    'AllRoILoss',
    'AllRoILossHook',
    'HardExampleVisualizationHook',
    'MiningStatsHook',
]
