"""Training that stops when it breaks, and loses nothing."""

from mmdet_ohem.guard.fingerprint_hook import FingerprintHook
from mmdet_ohem.guard.finite_loss_hook import FiniteLossHook
from mmdet_ohem.guard.mining_check_hook import MiningCheckHook
from mmdet_ohem.guard.num_classes_hook import NumClassesHook
from mmdet_ohem.guard.safe_checkpoint_hook import SafeCheckpointHook
from mmdet_ohem.guard.skip_batches_hook import SkipBatchesHook
from mmdet_ohem.guard.weights_fit_hook import WeightsFitHook

__all__ = [
    'FingerprintHook',
    'FiniteLossHook',
    'MiningCheckHook',
    'NumClassesHook',
    'SafeCheckpointHook',
    'SkipBatchesHook',
    'WeightsFitHook',
]
