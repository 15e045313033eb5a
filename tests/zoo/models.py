"""mmdet's configs as models so small that a step takes a second."""

import copy
import functools
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmdet.registry import MODELS
from mmdet.testing import demo_mm_inputs, demo_mm_proposals
from mmengine.config import Config
from mmengine.model import BaseModule
from mmengine.utils import get_installed_path
from torch import Tensor, nn

from tests.zoo.families import Family

CONFIGS = Path(get_installed_path('mmdet')) / '.mim' / 'configs'
#: RoIs to mine of an image.
NUM = 16


@MODELS.register_module()
class TinyBackbone(BaseModule):
    """A convolution per level, in the place of a ResNet.

    Args:
        channels: Of each level.
        stride: Of the first level; that of each further one is twice as much.
    """

    def __init__(self, channels: Sequence[int], stride: int) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3, channels[0], stride, stride)])
        for before, after in itertools.pairwise(channels):
            self.convs.append(nn.Conv2d(before, after, 2, 2))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        levels = []
        for conv in self.convs:
            x = conv(x).relu()
            levels.append(x)
        return tuple(levels)


def model_of(config: str) -> Any:
    """The model of one of mmdet's configs; the caller may change it."""
    return copy.deepcopy(_read(config))


@functools.cache
def _read(config: str) -> Any:
    # Some name a backbone of a package that need not be installed.
    path = CONFIGS / config
    return Config.fromfile(path, import_custom_modules=False).model


def small_model(family: Family) -> Any:
    """The model of a config: narrow, few RoIs, nothing downloaded."""
    model = shrink(model_of(family.config), family.width)
    if 'shared_head' in model.roi_head:
        # Its layers have a fixed width: fewer cells instead.
        model.roi_head.bbox_roi_extractor.roi_layer.output_size = 4
        model.roi_head.bbox_head.roi_feat_size = 2
    if 'rpn_proposal' in model.train_cfg:
        model.train_cfg.rpn_proposal.update(nms_pre=48, max_per_img=48)
    for stage in as_list(model.train_cfg.rcnn):
        stage.sampler.num = NUM
    for path, value in family.changes.items():
        parent, _, key = path.rpartition('.')
        lookup(model, parent)[key] = value
    return model


def shrink(model: Any, width: int) -> Any:
    """Narrower layers, in place; fewer classes where there are hundreds."""
    for part in dicts(model):
        for key, value in part.items():
            if key.endswith(('channels', 'inplanes')):
                part[key] = _divided(value, width)
            elif key == 'num_classes' and value > 200:
                part[key] = 20
    _shrink_backbone(model, width)
    return model


def lookup(value: Any, path: str) -> Any:
    """What is at a dotted path in a config; numbers are list indices."""
    for key in path.split('.'):
        value = value[int(key) if key.isdigit() else key]
    return value


def use_ohem(model: Any, replace: bool = False) -> Any:
    """What a user does: another ``type``, or another sampler altogether."""
    for stage in as_list(model.train_cfg.rcnn):
        if replace:
            stage.sampler = dict(num=stage.sampler.num)
        stage.sampler['type'] = 'mmdet_ohem.OHEMSampler'
    return model


def build(family: Family) -> Any:
    """The small model, with OHEM, in training mode."""
    model = MODELS.build(use_ohem(small_model(family), family.replace))
    # Some convolutions of mmdet start from memory as it is found.
    for part in ('backbone', 'neck'):
        if hasattr(model, part):
            getattr(model, part).init_weights()
    for module in model.modules():
        if type(module).__name__ == 'TridentConv':  # even then
            nn.init.kaiming_normal_(module.weight)
    return model.train()


def inputs_of(family: Family) -> dict[str, Any]:
    """Two random images with what the detector is trained on."""
    size = family.img_size
    inputs = demo_mm_inputs(
        2,
        (3, size, size),
        num_items=[3, 2],
        with_mask='mask' in family.needs,
        with_semantic='semantic' in family.needs,
        sem_seg_output_strides=family.sem_seg_stride,
    )
    if 'proposals' in family.needs:
        proposals = demo_mm_proposals([(3, size, size)] * 2, 64)
        for sample, found in zip(
            inputs['data_samples'], proposals, strict=True
        ):
            sample.proposals = found
    return inputs


def as_list(value: Any) -> list[Any]:
    """One value or several, as several."""
    one = isinstance(value, dict) or not hasattr(value, '__iter__')
    return [value] if one else list(value)


def _shrink_backbone(model: Any, width: int) -> None:
    if model.backbone.type in ('DetectoRS_ResNet', 'TridentResNet'):
        # Part of the method.
        for part in dicts(model):
            if part.get('type') == model.backbone.type:
                part.update(base_channels=64 // width, init_cfg=None)
                part.pop('pretrained', None)
        return
    neck = as_list(model.get('neck', []))
    channels, stride = (neck[0].in_channels, 4) if neck else ([1024], 16)
    model.backbone = dict(
        type='TinyBackbone', channels=channels, stride=stride
    )


def dicts(value: Any) -> Iterator[Any]:
    """All dictionaries in a config."""
    if isinstance(value, dict):
        yield value
    values = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list | tuple):
        for item in values:
            yield from dicts(item)


def _divided(value: Any, width: int) -> Any:
    if isinstance(value, int):
        return value // width if value >= 64 else value
    return [_divided(item, width) for item in value]
