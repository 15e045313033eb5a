"""OHEM in a detector of one's own, whatever stages it has."""

from collections.abc import Iterator, MutableMapping
from typing import Any

_SAMPLER = 'mmdet_ohem.OHEMSampler'
# What is on, at the beginning, and what is mined, again and again; and the end
# of a training whose loss is NaN, which mmdet's would go on with.
_HOOKS = (
    'mmdet_ohem.MiningCheckHook',
    'mmdet_ohem.MiningStatsHook',
    'mmdet_ohem.FiniteLossHook',
)
# What any sampler of mmdet has and OHEM takes as it is.
_KEPT = ('num', 'add_gt_as_proposals', 'pos_fraction')


def use_ohem(config: Any, log: bool = True, **keys: Any) -> int:
    """Replace the sampler of every stage of a detector by OHEM.

    In a config file that has a base, it is one line behind ``_base_``::

        __import__('mmdet_ohem').use_ohem(_base_)

    mmengine reads a config with an import line in another way, hence the
    call. ``num`` and ``add_gt_as_proposals`` of each sampler stay as they
    were, unless they are given; a ``pos_fraction`` stays for a warm-up.
    What else a sampler had, such as the parts of Libra R-CNN's, goes.

    Args:
        config: A whole config, ``_base_`` of one, or its ``model``; it is
            changed. A whole config also imports this package, logs what is
            mined and stops where the loss is not finite.
        log: Whether a whole config gets ``MiningCheckHook``,
            ``MiningStatsHook`` and ``FiniteLossHook``, where it has none.
        **keys: Of :class:`~mmdet_ohem.OHEMSampler`, such as ``num``,
            ``nms_iou_thr`` or ``warmup_iters``.

    Returns:
        The number of samplers that were replaced.

    Raises:
        TypeError: The detector has no RoI head with a sampler.
    """
    is_whole = 'model' in config
    stages = list(_stages(config['model'] if is_whole else config))
    if not stages:
        model = config['model'] if is_whole else config
        raise TypeError(
            f'{model.get("type", "the config")} has no train_cfg.rcnn with a '
            'sampler: OHEM mines the RoIs of a two-stage detector. Remedy: '
            'give a whole config, its _base_ or its model, of a detector '
            'with a RoI head'
        )
    for stage in stages:
        old = stage['sampler']
        kept = {name: old[name] for name in _KEPT if name in old}
        stage['sampler'] = type(old)({'type': _SAMPLER, **kept, **keys})
    if is_whole:
        _import_package(config)
        if log:
            _add_hooks(config)
    return len(stages)


def _stages(node: Any) -> Iterator[MutableMapping[str, Any]]:
    """``train_cfg.rcnn`` of each stage, also of a detector in a detector."""
    if not isinstance(node, MutableMapping):
        return
    train_cfg = node.get('train_cfg')
    if isinstance(train_cfg, MutableMapping):
        rcnn = train_cfg.get('rcnn')
        for stage in rcnn if isinstance(rcnn, list | tuple) else [rcnn]:
            if isinstance(stage, MutableMapping) and stage.get('sampler'):
                yield stage
    for key, value in node.items():
        if key != 'train_cfg':
            yield from _stages(value)


def _import_package(config: Any) -> None:
    """Have the package imported also where the dumped config is read."""
    imports = dict(config.get('custom_imports') or {})
    names = imports.get('imports', [])
    names = [names] if isinstance(names, str) else list(names)
    if 'mmdet_ohem' not in names:
        imports['imports'] = [*names, 'mmdet_ohem']
    config['custom_imports'] = imports


def _add_hooks(config: Any) -> None:
    """Have the training say what it mines, and stop where it learns none."""
    hooks = list(config.get('custom_hooks') or [])
    others = (config.get('default_hooks') or {}).values()
    there = {hook.get('type') for hook in (*hooks, *others) if hook}
    hooks += [dict(type=name) for name in _HOOKS if name not in there]
    config['custom_hooks'] = hooks
