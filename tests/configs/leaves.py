"""The leaf configs, cut down so that tests can run them."""

import copy
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config

CONFIGS = Path(__file__).parents[2] / 'configs'
LEAVES = sorted(path.name for path in CONFIGS.glob('*.py'))
# Its relatives among them. mmdet's own detectors with OHEM have tests of their
# own.
RELATIVES = [x for x in LEAVES if x.startswith(('sppnet_', 'mr_cnn_'))]
FAST_RCNN = [x for x in LEAVES if x.startswith('fast_rcnn_')] + RELATIVES
# Configs on other data, which put tables at another size.
PROFILES = ('fast_rcnn_vgg16_demo.py', 'fast_rcnn_vgg16_voc12_animals.py')
# The form for your own data: its users fill in its head.
FORM = 'fast_rcnn_vgg16_ohem_custom_voc.py'
BASELINE = 'fast_rcnn_vgg16_voc07.py'
OHEM = 'fast_rcnn_vgg16_ohem_voc07.py'
# Of 1000 pixels.
_SHRINK = 0.128


@functools.cache
def _read(name: str) -> Config:
    return Config.fromfile(CONFIGS / name)


def load(name: str) -> Any:
    """A copy of a leaf, which a test may change."""
    return copy.deepcopy(_read(name))


def leaf_values(value: Any, path: str = '') -> Iterator[tuple[str, Any]]:
    """Dotted path and value of everything in a config."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaf_values(item, f'{path}.{key}'.lstrip('.'))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from leaf_values(item, f'{path}.{i}')
    else:
        yield path, value


def kinds(names: list[str], *keys: str) -> list[str]:
    """Of leaves that agree in these parts, the first of each."""
    first: dict[str, str] = {}
    for name in names:
        config = load(name).to_dict()
        parts = json.dumps([config.get(key) for key in keys], default=str)
        first.setdefault(parts, name)
    return list(first.values())


def datasets_of(loader: Any) -> list[Any]:
    """Configs of the datasets of a loader, those of a union one by one."""
    return loader.dataset.get('datasets', [loader.dataset])


def without_files(config: Any) -> Any:
    """The model of a config with narrow layers and no checkpoint."""
    model = config.model
    model.backbone.init_cfg = None
    model.roi_head.bbox_head.update(fc_out_channels=(16, 16), init_cfg=None)
    return model


def on_folder(name: str, root: Path) -> Any:
    """A leaf that reads ``root`` in this process, images of small scale."""
    config = load(name)
    plain = _moved(config.to_dict(), root)
    config = Config(plain)
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if config.get(key):
            config[key].update(num_workers=0, persistent_workers=False)
    without_files(config)
    return config


def _moved(value: Any, root: Path, key: str = '') -> Any:
    """A copy with other folders and scales."""
    if isinstance(value, dict):
        return {k: _moved(v, root, k) for k, v in value.items()}
    if key in ('scale', 'scales') and isinstance(value, tuple):
        return tuple(round(side * _SHRINK) for side in value)
    if isinstance(value, list):
        return [_moved(item, root, key) for item in value]
    if isinstance(value, str):
        for folder in ('data/VOCdevkit/', 'data/coco/', 'data/demo/'):
            value = value.replace(folder, f'{root}/')
        if value.startswith('work_dirs/'):
            return str(root / value)
    return value
