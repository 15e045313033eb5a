"""Section 5 of the paper: what mining does."""

from mmdet_ohem.analysis.mining_stats_hook import MiningStatsHook

__all__ = ['MiningStatsHook']
