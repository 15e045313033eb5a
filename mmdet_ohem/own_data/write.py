"""Write what a training of one's own data reads: lists and a config."""

import json
from collections.abc import Mapping
from pathlib import Path

from mmdet_ohem.counts import Count
from mmdet_ohem.host.files import write_json, write_text
from mmdet_ohem.own_data.files import MADE
from mmdet_ohem.own_data.made import digest, read_made, was_edited
from mmdet_ohem.own_data.plan import Plan
from mmdet_ohem.own_data.records import OwnData
from mmdet_ohem.proposals.proposal_file import proposal_key
from mmdet_ohem.version import __version__

_HEAD = """\
# {name}: {num_train:image} for training, {num_test} for the test. Made by
# mmdet-ohem init; edit it as you like. What may be changed: the page 'Your own
# data' of the documentation.
_base_ = {base}

data_root = {folder!r}
lists = '{{{{ fileDirname }}}}/'  # train.json, test.json{with_proposals}
classes = {classes}
scale = {scale}  # longest and shortest side, pixels
max_iters = {max_iters}  # of two images
milestones = {milestones}  # the learning rate drops
interval = {interval}  # between validations, and checkpoints
num = {num}  # RoIs of an image that are trained on, the hardest
"""
_FAST = """\
# ImageNet weights, fetched once. Without a network: the path of a file that
# has vgg16-397923af.pth in it. None: from scratch, which learns little.
weights = {weights!r}

_init = weights and dict(type='Pretrained', checkpoint=weights)
_base_.model.backbone.update(
    init_cfg=_init, frozen_stages=2 if weights else 0)
_base_.model.roi_head.bbox_head.update(
    num_classes=len(classes), init_cfg=_init)
_base_.model.train_cfg.rcnn.sampler.num = num


def _dataset(split, steps):
    steps.move.resize.scale = scale
    move = dict(type='ProposalBroadcaster', transforms=[*steps.move.values()])
    return dict(
        _delete_=True,
        type='mmdet_ohem.CocoProposalDataset',
        data_root=data_root,
        ann_file=f'{{lists}}{{split}}.json',
        proposal_file=f'{{lists}}proposals/{{split}}.safetensors',
        data_prefix=dict(img=''),
        metainfo=dict(classes=classes),
        filter_cfg=dict(filter_empty_gt=False),
        test_mode=split != 'train',
        pipeline=[*steps.load.values(), move, *steps.finish.values()])


train_dataloader = dict(dataset=_dataset('train', _base_.train_steps))
"""
_FASTER = """\
# An RPN finds the boxes: there is no proposal file.
__import__('mmdet_ohem').use_ohem(_base_, num=num)
_base_.model.roi_head.bbox_head.num_classes = len(classes)


def _dataset(split, pipeline):
    for step in pipeline:
        if step.type == 'Resize':
            step.scale = scale
    return dict(
        _delete_=True,
        type='mmdet_ohem.CocoProposalDataset',
        data_root=data_root,
        ann_file=f'{{lists}}{{split}}.json',
        data_prefix=dict(img=''),
        metainfo=dict(classes=classes),
        filter_cfg=dict(filter_empty_gt=False),
        test_mode=split != 'train',
        pipeline=pipeline)


train_dataloader = dict(
    batch_size=2,
    batch_sampler=None,
    sampler=dict(_delete_=True, type='InfiniteSampler'),
    dataset=_dataset('train', _base_.train_pipeline))
log_processor = dict(by_epoch=False)
optim_wrapper = dict(optimizer=dict(lr=0.0025))  # of two images
"""
_TAIL = """\
val_dataloader = dict(dataset=_dataset({val!r}, {test_steps}))
test_dataloader = dict(dataset=_dataset('test', {test_steps}))
# VOC's AP at IoU 0.5, the area under the curve.
val_evaluator = dict(
    _delete_=True, type='mmdet_ohem.DevkitVOCMetric', eval_mode='area')
test_evaluator = val_evaluator
train_cfg = dict(
    _delete_=True, type='IterBasedTrainLoop', max_iters=max_iters,
    val_interval=interval)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0,
         end=min(100, 1 + max_iters // 4)),
    dict(type='MultiStepLR', by_epoch=False, milestones=milestones, gamma=0.1),
]
default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval=interval, max_keep_ckpts=2))
"""
#: Base config and the part of the text that is its own, by detector.
DETECTORS: Mapping[str, tuple[str, str]] = {
    'fast_rcnn': (
        "__import__('mmdet_ohem').config_file('fast_rcnn_vgg16_ohem_voc07')",
        _FAST,
    ),
    'faster_rcnn': (
        "'mmdet::faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py'",
        _FASTER,
    ),
}


def write_lists(data: OwnData, out: Path) -> dict[str, Path]:
    """Write a COCO json of each split.

    Args:
        data: Split and checked.
        out: Folder.

    Returns:
        The files by split; there is ``val`` where the dataset has one.

    Raises:
        ValueError: Two images of a split have one name in a proposal file.
    """
    written = {}
    ids = {name: i for i, name in enumerate(data.classes, 1)}
    for split in ('train', 'val', 'test'):
        if not data.of(split):
            continue
        _refuse_equal_keys(data, split)
        images: list[dict] = []
        objects: list[dict] = []
        for nth, picture in enumerate(data.of(split), 1):
            width, height = picture.size
            images.append(
                dict(
                    id=nth,
                    file_name=data.name(picture),
                    width=width,
                    height=height,
                )
            )
            for thing in picture.things or ():
                x1, y1, x2, y2 = thing.box
                objects.append(
                    dict(
                        id=len(objects) + 1,
                        image_id=nth,
                        category_id=ids[thing.name],
                        bbox=[x1, y1, x2 - x1, y2 - y1],
                        area=(x2 - x1) * (y2 - y1),
                        iscrowd=int(thing.ignored),
                    )
                )
        content = dict(
            images=images,
            annotations=objects,
            categories=[dict(id=i, name=x) for x, i in ids.items()],
        )
        written[split] = out / f'{split}.json'
        write_text(written[split], json.dumps(content))
    write_json(out / MADE, {**read_made(out), 'version': __version__})
    return written


def write_config(
    data: OwnData,
    plan: Plan,
    path: Path,
    detector: str = 'fast_rcnn',
    weights: str | None = 'torchvision://vgg16',
) -> Path:
    """Write the config of a training, but over none that was edited.

    Args:
        data: Split and checked.
        plan: Of the training.
        path: The ``.py``, beside the files of :func:`write_lists`.
        detector: A key of :data:`DETECTORS`.
        weights: Of the backbone of Fast R-CNN: a file, a name, or None.

    Returns:
        The file that was written: ``path``, or ``NAME.new.py`` beside it
        where ``path`` is not as an earlier call wrote it.
    """
    base, own = DETECTORS[detector]
    fast = detector == 'fast_rcnn'
    values = dict(
        name=path.stem,
        num_train=Count(len(data.of('train'))),
        num_test=len(data.of('test')),
        base=base,
        folder=f'{data.folder}/',
        with_proposals=', proposals/' if fast else '',
        classes=tuple(data.classes),
        scale=plan.scale,
        max_iters=plan.max_iters,
        milestones=list(plan.milestones),
        interval=plan.interval,
        num=plan.num,
        weights=weights,
        val='val' if data.of('val') else 'test',
        test_steps='_base_.test_steps' if fast else '_base_.test_pipeline',
    )
    text = (_HEAD + own + _TAIL).format(**values)
    if was_edited(path):
        path = path.with_suffix('.new.py')
    else:
        made = {**read_made(path.parent), 'config': digest(text)}
        write_json(path.parent / MADE, made)
    write_text(path, text)
    return path


def _refuse_equal_keys(data: OwnData, split: str) -> None:
    """Mmdet names proposals by the last folder and the file alone."""
    seen: dict[str, str] = {}
    for picture in data.of(split):
        key, name = proposal_key(picture.path), data.name(picture)
        if key in seen:
            raise ValueError(
                f'{seen[key]} and {name} have the same folder and file name, '
                'by which proposals are found. Remedy: rename one of the '
                'folders'
            )
        seen[key] = name
