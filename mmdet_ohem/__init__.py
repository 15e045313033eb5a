"""Online Hard Example Mining (CVPR 2016) for MMDetection 3.x."""

from mmdet_ohem.command_line import end_own_command
from mmdet_ohem.installation import check_installation

try:
    check_installation()
except ImportError as error:
    end_own_command(error)
    raise

from mmdet_ohem import (
    detector,
    evaluation,
    figure3,
    guard,
    localization,
    mining,
    proposals,
    runs,
    tables,
    watch,
)
from mmdet_ohem.host.checkpoints import protect_mmengine
from mmdet_ohem.inference import FastRCNNInferencer
from mmdet_ohem.installed_configs import config_file
from mmdet_ohem.localization import box_voting
from mmdet_ohem.mining import (
    OHEMSampler,
    ReadOnlyBBoxHead,
    select_hard_examples,
    use_ohem,
)
from mmdet_ohem.version import __version__

protect_mmengine()

__all__ = [
    'FastRCNNInferencer',
    'OHEMSampler',
    'ReadOnlyBBoxHead',
    '__version__',
    'box_voting',
    'config_file',
    'detector',
    'evaluation',
    'figure3',
    'guard',
    'localization',
    'mining',
    'proposals',
    'runs',
    'select_hard_examples',
    'tables',
    'use_ohem',
    'watch',
]
