"""A run on disk, mmdet's work dir: config, checkpoints, logs, records."""

from mmdet_ohem.runs.any_device_runner import AnyDeviceRunner
from mmdet_ohem.runs.random_state_hook import RandomStateHook
from mmdet_ohem.runs.work_dir import WorkDir

__all__ = ['AnyDeviceRunner', 'RandomStateHook', 'WorkDir']
