"""What mining does while a detector trains: statistics and pictures."""

from mmdet_ohem.watch.hard_example_visualization_hook import (
    HardExampleVisualizationHook,
)
from mmdet_ohem.watch.mining_stats_hook import MiningStatsHook

__all__ = ['HardExampleVisualizationHook', 'MiningStatsHook']
