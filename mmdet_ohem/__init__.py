"""Online Hard Example Mining (CVPR 2016) for MMDetection 3.x."""

from mmdet_ohem.installation import check_installation

check_installation()

from mmdet_ohem import (  # noqa: E402
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
from mmdet_ohem.host.checkpoints import protect_mmengine  # noqa: E402
from mmdet_ohem.inference import FastRCNNInferencer  # noqa: E402
from mmdet_ohem.localization import box_voting  # noqa: E402
from mmdet_ohem.mining import (  # noqa: E402
    OHEMSampler,
    ReadOnlyBBoxHead,
    select_hard_examples,
)
from mmdet_ohem.version import __version__  # noqa: E402

protect_mmengine()

__all__ = [
    'FastRCNNInferencer',
    'OHEMSampler',
    'ReadOnlyBBoxHead',
    '__version__',
    'box_voting',
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
    'watch',
]
