"""Whether the model of a config fits its data."""

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from mmengine.config import Config

from mmdet_ohem.counts import Count
from mmdet_ohem.doctor.data import SplitData
from mmdet_ohem.doctor.finding import Finding, error, ok, warning
from mmdet_ohem.mining.all_roi_sampler import takes_all


def check_classes(
    config: Config, loaded: Sequence[SplitData]
) -> Iterator[Finding]:
    """Compare the classes of the heads and of the datasets.

    Args:
        config: A whole config.
        loaded: Its datasets.

    Yields:
        One line that is ok, or an error for each difference. Names that
        differ between the datasets are a warning: they may be synonyms.
    """
    yield from _compare_names(loaded)
    heads = dict(_heads_with_classes(config.model))
    num_compared = 0
    wrong = False
    for data in loaded:
        for name, num in heads.items():
            num_compared += 1
            if num == len(data.classes):
                continue
            wrong = True
            yield error(
                'classes',
                f'{name}.num_classes is {num}, but the {data.split} dataset '
                f'has {len(data.classes)}: {_some(data.classes)}. Remedy: '
                f'{name}.num_classes={len(data.classes)}, or correct '
                f'{data.split}_dataloader.dataset.metainfo.classes',
            )
    if num_compared and not wrong:
        yield ok('classes', f'num_classes is {next(iter(heads.values()))}')


def _compare_names(loaded: Sequence[SplitData]) -> Iterator[Finding]:
    """A detector answers by numbers: they have to mean the same classes."""
    for data in loaded[1:]:
        ours, theirs = loaded[0].classes, data.classes
        if ours == theirs or len(ours) != len(theirs):
            continue
        is_order = set(ours) == set(theirs)
        index = next(i for i, x in enumerate(ours) if x != theirs[i])
        yield (error if is_order else warning)(
            'classes',
            f'class {index} is {ours[index]!r} in the {loaded[0].split} '
            f'dataset, {theirs[index]!r} in the {data.split} dataset'
            f'{": another order" if is_order else ""}. Remedy: one '
            'metainfo.classes for all datasets',
        )


def check_samplers(
    config: Config, loaded: Sequence[SplitData]
) -> Iterator[Finding]:
    """Say which sampler each stage has, and from how many RoIs it chooses.

    Args:
        config: A whole config.
        loaded: Its datasets.

    Yields:
        A line for each stage of the RoI head.
    """
    train_cfg = _detector(config.model).get('train_cfg') or {}
    stages = train_cfg.get('rcnn') or []
    stages = [stages] if isinstance(stages, dict) else stages
    num_rois, origin = _num_rois(train_cfg, loaded)
    imports = config.get('custom_imports', {}).get('imports', [])
    for number, stage in enumerate(stages):
        sampler = stage.get('sampler')
        if not sampler:
            continue
        what = 'sampler' if len(stages) == 1 else f'sampler, stage {number}'
        kind, num = str(sampler['type']), sampler.get('num')
        everything = takes_all(sampler)
        takes = 'all RoIs' if everything else f'{Count(num):RoI}'
        text = f'{kind} takes {takes} an image'
        if num_rois:
            text += ',' if everything else ' of'
            text += f' {num_rois:.0f} ({origin})'
        if kind in ('OHEMSampler', 'mmdet.OHEMSampler') and (
            'mmdet_ohem' in imports
        ):
            yield warning(
                what,
                f"{text}; this is mmdet's own OHEMSampler, not the paper's. "
                "Remedy: type='mmdet_ohem.OHEMSampler', unless it is meant",
            )
        elif (
            num_rois
            and num
            and not everything
            and num >= num_rois
            # A baseline may mean to train on all of them, as in Table 1.
            and not kind.endswith('RandomSampler')
        ):
            yield warning(
                what,
                f'{text}: all are taken, and nothing is chosen. Remedy: a '
                'smaller num, or more proposals',
            )
        else:
            yield ok(what, text)


def _num_rois(
    train_cfg: Any, loaded: Sequence[SplitData]
) -> tuple[float | None, str]:
    """RoIs of an image before sampling, and where they come from."""
    if train_cfg.get('rpn_proposal'):
        return train_cfg['rpn_proposal'].get('max_per_img'), 'at most, RPN'
    for data in loaded:
        if data.split == 'train' and data.num_proposals:
            return median(data.num_proposals), 'median of the proposals'
    return None, ''


def _detector(model: Any) -> Any:
    """The config of the detector, inside of a wrapper."""
    return model.get('detector', model)


def _heads_with_classes(model: Any) -> Iterator[tuple[str, int]]:
    """Name and ``num_classes`` of the box and mask heads."""
    detector = _detector(model)
    roi_head = detector.get('roi_head')
    if not roi_head:
        places = {'model.bbox_head': detector.get('bbox_head')}
    else:
        places = {
            f'model.roi_head.{key}': roi_head.get(key)
            for key in ('bbox_head', 'mask_head')
        }
    for name, heads in places.items():
        several = isinstance(heads, list | tuple)
        for index, head in enumerate(heads if several else [heads]):
            if head and head.get('num_classes') is not None:
                yield (
                    f'{name}[{index}]' if several else name,
                    head['num_classes'],
                )


def _some(names: Sequence[str]) -> str:
    shown = ', '.join(names[:4])
    return f'{shown}, ...' if len(names) > 4 else shown
