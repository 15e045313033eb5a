"""A row of a table at the size of the embedded dataset."""

import copy
from pathlib import Path

from mmengine.config import Config

from mmdet_ohem.host.configs import load_config

# Full size and demo, at one scale and at several.
_PAIRS = (
    ('fast_rcnn_vgg16_voc07.py', 'fast_rcnn_vgg16_demo.py'),
    (
        'fast_rcnn_vgg16_ohem_ms_vote_voc07.py',
        'fast_rcnn_vgg16_ohem_ms_vote_demo.py',
    ),
)
# What ImageNet's weights are for VOC: tools/make_demo_weights.py.
_WEIGHTS = {
    'mmdet_ohem.VGG16': 'data/demo/vgg16_digits.pth',
    'mmdet_ohem.VGGM': 'data/demo/vgg_m_digits.pth',
}


class NoDemoSizeError(ValueError):
    """A row that means nothing on the embedded dataset."""


def at_demo_size(row: Config, configs: Path) -> Config:
    """Put a config for VOC07 at the size of the demo.

    Data, image scales, layer widths, schedule and weights are those of
    ``fast_rcnn_vgg16_demo.py`` (+M: of ``*_ms_vote_demo.py``), and the
    learning rate is raised by the same factor as there. What a row of the
    table varies stays: network, images an iteration, RoIs an image, their
    sampler, ``bg_lo``, learning rate, how it is tested.

    Args:
        row: The row's leaf config.
        configs: Folder of the leaf configs.

    Returns:
        A new config. Every checkpoint is kept: the mean loss over the
        training is computed from them.

    Raises:
        NoDemoSizeError: The row's data are not those of VOC07, or there are
            no weights for its network.
    """
    full, demo = _pair(row, configs)
    config = copy.deepcopy(row)
    _shrink_model(config, demo)
    batch_size = row.train_dataloader.batch_size
    for key in (
        'scale', 'data_root', 'train_dataloader', 'val_dataloader',
        'test_dataloader', 'val_evaluator', 'test_evaluator', 'train_cfg',
        'val_cfg', 'param_scheduler', 'randomness', 'tta_pipeline',
    ):  # fmt: skip
        config[key] = demo[key]
    config.train_dataloader.batch_size = batch_size
    wrapper = config.optim_wrapper
    rates = [x.optim_wrapper.optimizer.lr for x in (demo, full)]
    wrapper.optimizer.lr *= rates[0] / rates[1]
    wrapper.clip_grad = demo.optim_wrapper.clip_grad
    config.default_hooks.checkpoint.update(
        interval=demo.default_hooks.checkpoint.interval, max_keep_ckpts=-1
    )
    return config


def _pair(row: Config, configs: Path) -> tuple[Config, Config]:
    """The config of full size with the row's training data, and its demo."""
    for full_name, demo_name in _PAIRS:
        full = load_config(configs / full_name)
        if row.train_dataloader.dataset == full.train_dataloader.dataset:
            return full, load_config(configs / demo_name)
    raise NoDemoSizeError(
        'this row has no demo size: its training data or their transforms '
        f'are not those of {[full for full, _ in _PAIRS]}. Remedy: --data full'
    )


def _shrink_model(config: Config, demo: Config) -> None:
    """Layer widths, classes and weights of the demo, in place."""
    net = config.model.backbone.type
    if net not in _WEIGHTS:
        raise NoDemoSizeError(
            f'{net} has no weights of demo size, which {sorted(_WEIGHTS)} have'
        )
    weights = dict(type='Pretrained', checkpoint=_WEIGHTS[net])
    model, small = config.model, demo.model
    # The normalisation belongs to the weights.
    model.data_preprocessor = small.data_preprocessor
    model.backbone.update(
        frozen_stages=small.backbone.frozen_stages, init_cfg=weights
    )
    # The demo's images keep their size, so that a pixel stays one.
    model.roi_head.bbox_roi_extractor.pixel = (
        small.roi_head.bbox_roi_extractor.pixel
    )
    small_head = small.roi_head.bbox_head
    model.roi_head.bbox_head.update(
        num_classes=small_head.num_classes,
        fc_out_channels=small_head.fc_out_channels,
        init_cfg=weights,
    )
