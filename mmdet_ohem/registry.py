"""Registries of this add-on: children of mmdet's, scope ``mmdet_ohem``.

A config keeps ``default_scope = 'mmdet'`` and names our classes with the
prefix, as in ``type='mmdet_ohem.OHEMSampler'``; mmengine imports this module
by itself when it meets that prefix. Plain names, such as the stock
``OHEMSampler`` of mmdet, keep their meaning.
"""

from mmdet.registry import DATASETS as MMDET_DATASETS
from mmdet.registry import HOOKS as MMDET_HOOKS
from mmdet.registry import LOOPS as MMDET_LOOPS
from mmdet.registry import METRICS as MMDET_METRICS
from mmdet.registry import MODELS as MMDET_MODELS
from mmdet.registry import TASK_UTILS as MMDET_TASK_UTILS
from mmdet.registry import TRANSFORMS as MMDET_TRANSFORMS
from mmengine.registry import RUNNERS as MMENGINE_RUNNERS
from mmengine.registry import Registry

MODELS = Registry(
    'model',
    parent=MMDET_MODELS,
    scope='mmdet_ohem',
    locations=[
        'mmdet_ohem.detector',
        'mmdet_ohem.localization',
        'mmdet_ohem.mining',
    ],
)
TASK_UTILS = Registry(
    'task util',
    parent=MMDET_TASK_UTILS,
    scope='mmdet_ohem',
    locations=['mmdet_ohem.mining'],
)
DATASETS = Registry(
    'dataset',
    parent=MMDET_DATASETS,
    scope='mmdet_ohem',
    locations=['mmdet_ohem.proposals'],
)
TRANSFORMS = Registry(
    'transform',
    parent=MMDET_TRANSFORMS,
    scope='mmdet_ohem',
    locations=['mmdet_ohem.proposals'],
)
HOOKS = Registry(
    'hook',
    parent=MMDET_HOOKS,
    scope='mmdet_ohem',
    locations=[
        'mmdet_ohem.figure3',
        'mmdet_ohem.localization',
        'mmdet_ohem.runs',
        'mmdet_ohem.watch',
    ],
)
METRICS = Registry(
    'metric',
    parent=MMDET_METRICS,
    scope='mmdet_ohem',
    locations=['mmdet_ohem.evaluation'],
)
LOOPS = Registry(
    'loop',
    parent=MMDET_LOOPS,
    scope='mmdet_ohem',
    locations=['mmdet_ohem.localization'],
)
# mmdet's tools ask mmengine's registry, which knows its children only.
RUNNERS = Registry(
    'runner',
    parent=MMENGINE_RUNNERS,
    scope='mmdet_ohem',
    locations=['mmdet_ohem.runs'],
)
