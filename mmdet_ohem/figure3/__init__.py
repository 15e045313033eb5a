"""Figure 3 of the paper: the loss over all RoIs."""

from mmdet_ohem.figure3.all_roi_loss import AllRoILoss
from mmdet_ohem.figure3.all_roi_loss_hook import AllRoILossHook

__all__ = ['AllRoILoss', 'AllRoILossHook']
