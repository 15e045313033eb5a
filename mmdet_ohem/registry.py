"""Registries of this add-on: children of mmdet's, scope ``mmdet_ohem``.

A config keeps ``default_scope = 'mmdet'`` and names our classes with the
prefix, as in ``type='mmdet_ohem.OHEMSampler'``; mmengine imports this module
by itself when it meets that prefix. Plain names, such as the stock
``OHEMSampler`` of mmdet, keep their meaning.
"""

from difflib import get_close_matches
from typing import Any

from mmdet.registry import DATASETS as MMDET_DATASETS
from mmdet.registry import HOOKS as MMDET_HOOKS
from mmdet.registry import LOOPS as MMDET_LOOPS
from mmdet.registry import METRICS as MMDET_METRICS
from mmdet.registry import MODELS as MMDET_MODELS
from mmdet.registry import TASK_UTILS as MMDET_TASK_UTILS
from mmdet.registry import TRANSFORMS as MMDET_TRANSFORMS
from mmengine.registry import RUNNERS as MMENGINE_RUNNERS
from mmengine.registry import Registry


class _Registry(Registry):
    """A registry that knows what a mistyped name could mean."""

    def get(self, key: str) -> Any:
        """Find a class by its name.

        Args:
            key: With or without the prefix ``mmdet_ohem.``.

        Returns:
            The class; None where there is none and no name comes close.

        Raises:
            KeyError: There is none; the message says what comes close.
        """
        found = super().get(key)
        name = key.rpartition('.')[2]
        close = get_close_matches(name, self.module_dict, n=1)
        if found is None and close:
            raise KeyError(
                f'mmdet_ohem has no {self.name} {name!r}. Did you mean '
                f'mmdet_ohem.{close[0]}?'
            )
        return found


MODELS = _Registry(
    'model',
    parent=MMDET_MODELS,
    scope='mmdet_ohem',
    locations=[
        'mmdet_ohem.detector',
        'mmdet_ohem.localization',
        'mmdet_ohem.mining',
    ],
)
TASK_UTILS = _Registry(
    'task util',
    parent=MMDET_TASK_UTILS,
    scope='mmdet_ohem',
    locations=['mmdet_ohem.mining'],
)
DATASETS = _Registry(
    'dataset',
    parent=MMDET_DATASETS,
    scope='mmdet_ohem',
    locations=['mmdet_ohem.proposals'],
)
TRANSFORMS = _Registry(
    'transform',
    parent=MMDET_TRANSFORMS,
    scope='mmdet_ohem',
    locations=['mmdet_ohem.proposals'],
)
HOOKS = _Registry(
    'hook',
    parent=MMDET_HOOKS,
    scope='mmdet_ohem',
    locations=[
        'mmdet_ohem.figure3',
        'mmdet_ohem.guard',
        'mmdet_ohem.localization',
        'mmdet_ohem.runs',
        'mmdet_ohem.watch',
    ],
)
METRICS = _Registry(
    'metric',
    parent=MMDET_METRICS,
    scope='mmdet_ohem',
    locations=['mmdet_ohem.evaluation'],
)
LOOPS = _Registry(
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
