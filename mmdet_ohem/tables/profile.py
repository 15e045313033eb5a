"""A row of a table on other data, at another size: a profile."""

import copy
from collections.abc import Iterator
from pathlib import Path

from mmengine.config import Config

from mmdet_ohem.host.configs import load_config

#: Rows as the paper has them.
FULL = 'full'
# Whose data a row has to have, that another profile's can take their place.
_FULL = 'fast_rcnn_vgg16_voc07.py'
_FULL_MULTI_SCALE = 'fast_rcnn_vgg16_ms_vote_voc07.py'
# Taken over whole.
_SIZE = (
    'scale', 'data_root', 'val_dataloader', 'test_dataloader',
    'val_evaluator', 'test_evaluator', 'val_cfg', 'randomness',
)  # fmt: skip
# As of MultiScaleTTAModel: pixels of an image that is resized as in the paper.
_CLOSEST_TO = 224
# Of the box head.
_HEAD = ('in_channels', 'num_classes', 'fc_out_channels', 'feature_scale')


class NotInProfileError(ValueError):
    """A row that means nothing on the data of a profile."""


def profile_path(data: str, configs: Path) -> Path:
    """The config that a profile is.

    Args:
        data: A name, such as ``demo``, of the leaf
            ``fast_rcnn_vgg16_<name>.py``, or the path of a config.
        configs: Folder of the leaf configs.

    Returns:
        Its file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is called ``full.py``.
    """
    is_file = data.endswith('.py')
    if is_file and Path(data).stem == FULL:
        raise ValueError(
            f'a profile cannot be called {FULL!r}, which is the data of the '
            f'paper: {data}. Remedy: rename it'
        )
    path = Path(data) if is_file else configs / f'fast_rcnn_vgg16_{data}.py'
    if not path.is_file():
        names = ', '.join(sorted(_known(configs)))
        raise FileNotFoundError(
            f'there is no profile {data!r}: {path} is no file. Remedy: '
            f'--data full (the paper), one of {names}, or the path of a '
            'config that trains Fast R-CNN on your data'
        )
    return path


def profile_name(data: str) -> str:
    """A profile's name, for folders and records.

    Args:
        data: As for :func:`profile_path`, or ``'full'``.
    """
    return Path(data).stem if data.endswith('.py') else data


def at_profile(row: Config, profile: Config, configs: Path) -> Config:
    """Put a config for VOC07 on the data of a profile, at its size.

    A profile is a config that trains the baseline (row 2 of Table 1) on
    other data. Data, image scales, widths of layers, weights, normalisation,
    frozen stages, feature cache, optimizer and schedule are the profile's.
    What a row varies stays: network, images an iteration, RoIs an image, their
    sampler, ``bg_lo``, whether it sees several scales, how it is tested, and
    how its learning rate and iterations compare with those of row 2.

    A profile for rows with several scales has ``multi_scale_train_pipeline``
    and ``tta_pipeline``, as ``_base_/datasets/demo.py`` has; one for rows
    with another network has ``network_weights``, a checkpoint by the type of
    the backbone.

    Args:
        row: The row's leaf config.
        profile: The profile's config.
        configs: Folder of the leaf configs.

    Returns:
        A new config. Every checkpoint is kept: the mean loss over the
        training is computed from them.

    Raises:
        NotInProfileError: The row's data are not those of VOC07, or the
            profile lacks the scales or the weights that the row needs.
    """
    config = copy.deepcopy(row)
    full = load_config(configs / _FULL)
    _take_data(config, profile, row, full, configs)
    _take_model(config, profile)
    _take_schedule(config, profile, full)
    _take_test(config, profile, full)
    config.default_hooks.checkpoint.update(
        interval=profile.default_hooks.checkpoint.interval, max_keep_ckpts=-1
    )
    return config


def _known(configs: Path) -> Iterator[str]:
    """Names of the profiles that are leaves: what trains the baseline."""
    for name in ('demo', 'voc12_animals'):
        if (configs / f'fast_rcnn_vgg16_{name}.py').is_file():
            yield name


def _take_data(
    config: Config, profile: Config, row: Config, full: Config, configs: Path
) -> None:
    """Data, lists, scales and evaluation of the profile, in place."""
    dataset = row.train_dataloader.dataset
    several = load_config(configs / _FULL_MULTI_SCALE).train_dataloader
    is_multi_scale = dataset == several.dataset
    if dataset != full.train_dataloader.dataset and not is_multi_scale:
        raise NotInProfileError(
            'this row has training data or transforms that are not those of '
            f'{_FULL} or {_FULL_MULTI_SCALE}, which a profile replaces. '
            'Remedy: --data full'
        )
    for key in _SIZE:
        config[key] = copy.deepcopy(profile[key])
    loader = copy.deepcopy(profile.train_dataloader)
    loader.batch_size = row.train_dataloader.batch_size
    needs = dict(tta_pipeline=config.test_cfg.type != 'TestLoop')
    needs['multi_scale_train_pipeline'] = is_multi_scale
    if missing := [k for k, x in needs.items() if x and k not in profile]:
        raise NotInProfileError(
            f'this row sees several scales, and the profile has no '
            f'{" and no ".join(missing)}. Remedy: write them, as '
            '_base_/datasets/demo.py does'
        )
    if is_multi_scale:
        loader.dataset.pipeline = profile.multi_scale_train_pipeline
    config.train_dataloader = loader
    if 'tta_pipeline' in profile:
        config.tta_pipeline = copy.deepcopy(profile.tta_pipeline)


def _take_model(config: Config, profile: Config) -> None:
    """Layer widths, classes and weights of the profile, in place."""
    model, own = config.model, profile.model
    net = model.backbone.type
    # The normalisation belongs to the weights.
    model.data_preprocessor = copy.deepcopy(own.data_preprocessor)
    model.backbone.frozen_stages = own.backbone.frozen_stages
    if 'widen_factor' in own.backbone:
        model.backbone.widen_factor = own.backbone.widen_factor
    if 'feature_cache' in own:
        model.feature_cache = own.feature_cache
    head, own_head = model.roi_head.bbox_head, own.roi_head.bbox_head
    init_cfgs = [own.backbone.init_cfg, own_head.init_cfg]
    if net != own.backbone.type:
        known = profile.get('network_weights', {})
        if net not in known:
            raise NotInProfileError(
                f'the profile has no weights of {net}, only of '
                f'{[own.backbone.type, *known]}. Remedy: network_weights = '
                f"{{'{net}': FILE}} in the profile"
            )
        weights = dict(type='Pretrained', checkpoint=known[net])
        init_cfgs = [x and weights for x in init_cfgs]
    model.backbone.init_cfg, head.init_cfg = init_cfgs
    # The scale decides how large a pixel of the original image is, and the
    # width of the backbone how many channels are pooled.
    extractor, own_extractor = (
        x.roi_head.bbox_roi_extractor for x in (model, own)
    )
    for theirs, ours, keys in (
        (extractor, own_extractor, ('pixel', 'out_channels')),
        (head, own_head, _HEAD),
    ):
        theirs.update({key: ours[key] for key in keys if key in ours})


def _take_schedule(config: Config, profile: Config, full: Config) -> None:
    """Optimizer and schedule of the profile, in place.

    A row that has k times the learning rate or the iterations of row 2 has k
    times those of the profile.
    """
    longer = config.train_cfg.max_iters / full.train_cfg.max_iters
    num_iters = config.train_cfg.max_iters
    loop = copy.deepcopy(profile.train_cfg)
    loop.max_iters = round(longer * loop.max_iters)
    config['train_cfg'] = loop
    schedulers = copy.deepcopy(profile.param_scheduler)
    for scheduler in schedulers:
        if 'milestones' in scheduler:
            scheduler.milestones = [
                round(longer * x) for x in scheduler.milestones
            ]
    config.param_scheduler = schedulers
    faster = (
        config.optim_wrapper.optimizer.lr / full.optim_wrapper.optimizer.lr
    )
    sampler = config.model.train_cfg.rcnn.sampler
    if warmup := sampler.get('warmup_iters'):
        share = warmup / num_iters
        sampler.warmup_iters = round(share * loop.max_iters)
    optimizer = copy.deepcopy(profile.optim_wrapper.optimizer)
    optimizer.lr *= faster
    config.optim_wrapper.optimizer = optimizer
    _take_multipliers(config, profile, full)
    if 'clip_grad' in profile.optim_wrapper:
        config.optim_wrapper.clip_grad = profile.optim_wrapper.clip_grad


def _take_multipliers(config: Config, profile: Config, full: Config) -> None:
    """The profile's own ``custom_keys``, such as one of the backbone."""
    keys, known = (
        x.optim_wrapper.get('paramwise_cfg', {}).get('custom_keys', {})
        for x in (profile, full)
    )
    if own := {name: x for name, x in keys.items() if name not in known}:
        paramwise = config.optim_wrapper.setdefault('paramwise_cfg', {})
        paramwise.setdefault('custom_keys', {}).update(copy.deepcopy(own))


def _take_test(config: Config, profile: Config, full: Config) -> None:
    """How large a proposal should be, where one scale is chosen for each.

    It is as large a part of an image as in the paper.
    """
    tta = config.get('tta_model', {})
    if tta.get('scale_choice') == 'closest':
        smaller = min(profile.scale) / min(full.scale)
        side = tta.get('closest_to', _CLOSEST_TO)
        tta.closest_to = round(smaller * side, 1)
