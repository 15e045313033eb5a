"""Whether the datasets of a config load, and what is in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from mmdet.registry import DATASETS
from mmengine.config import Config
from torch import Tensor

from mmdet_ohem.counts import Count
from mmdet_ohem.doctor.finding import Finding, from_exception, ok, warning
from mmdet_ohem.host.log_capture import captured_warnings

SPLITS = ('train', 'val', 'test')
# Images whose proposals are counted: enough for a median.
_COUNTED = 200
# And whose objects: most datasets, in less than a second.
_SEARCHED = 5000


@dataclass(frozen=True)
class SplitData:
    """The dataset of one split, as it was loaded.

    Attributes:
        split: ``'train'``, ``'val'`` or ``'test'``.
        dataset: Built.
        sample: Its first image after its pipeline.
        num_proposals: Of some of its images; empty where it has none.
        without_objects: Classes of which no image looked at has an object.
    """

    split: str
    dataset: Any
    sample: Any
    num_proposals: list[int]
    without_objects: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(self.dataset.metainfo.get('classes', ()))


def load_data(config: Config) -> tuple[list[Finding], list[SplitData]]:
    """Build the datasets of a config and load an image of each.

    Args:
        config: A whole config.

    Returns:
        What was found, among it each dataset's own warnings, and the
        datasets that load. One that serves two splits is loaded once.
    """
    found: list[Finding] = []
    loaded: list[SplitData] = []
    seen: dict[str, str] = {}
    for split in SPLITS:
        loader = config.get(f'{split}_dataloader')
        if not loader:
            continue
        same = seen.setdefault(repr(loader['dataset']), split)
        if same != split:
            found.append(ok(f'{split} data', f'the same as {same} data'))
            continue
        with captured_warnings(hide_prints=True) as messages:
            try:
                data = _load(split, loader['dataset'])
            except Exception as raised:
                data = None
                failed = from_exception(f'{split} data', raised)
        found += [warning(f'{split} data', x) for x in messages]
        if data is None:
            found.append(failed)
        else:
            found += _describe(data)
            loaded.append(data)
    return found, loaded


def _load(split: str, config: Any) -> SplitData:
    dataset: Any = DATASETS.build(config)
    if not len(dataset):
        raise ValueError(
            'no image is left. Remedy: correct ann_file, data_root and '
            'filter_cfg of the dataset'
        )
    return SplitData(
        split,
        dataset,
        dataset[0],
        _count_proposals(dataset),
        _without_objects(dataset),
    )


def _without_objects(dataset: Any) -> tuple[str, ...]:
    """Classes that are spelt otherwise in the annotations have none."""
    step = max(1, -(-len(dataset) // _SEARCHED))
    seen: set[int] = set()
    for index in range(0, len(dataset), step):
        instances = dataset.get_data_info(index).get('instances', ())
        seen.update(x['bbox_label'] for x in instances)
    classes = dataset.metainfo.get('classes', ())
    return tuple(x for i, x in enumerate(classes) if i not in seen)


def _count_proposals(dataset: Any) -> list[int]:
    """Proposals of images that are spread evenly over a dataset."""
    step = max(1, len(dataset) // _COUNTED)
    counts = []
    for index in range(0, len(dataset), step):
        proposals = dataset.get_data_info(index).get('proposals')
        if proposals is None:
            return []
        counts.append(len(getattr(proposals, 'bboxes', proposals['bboxes'])))
    return counts


def _describe(data: SplitData) -> Iterator[Finding]:
    text = (
        f'{Count(len(data.dataset)):image}, {Count(len(data.classes)):class}'
    )
    inputs = data.sample['inputs']
    if isinstance(inputs, Tensor):  # several views are a list
        height, width = inputs.shape[-2:]
        text += f'; the network sees the first at {width} x {height} pixels'
    yield ok(f'{data.split} data', text)
    if data.without_objects:
        shown = ', '.join(data.without_objects[:5])
        more = ', ...' if len(data.without_objects) > 5 else ''
        yield warning(
            f'{data.split} data',
            f'no object of {Count(len(data.without_objects)):class}: {shown}'
            f'{more}. Remedy: spell metainfo.classes as the annotations do',
        )
    counts = data.num_proposals
    if counts:
        yield ok(
            f'{data.split} proposals',
            f'{median(counts):.0f} an image ({min(counts)} to {max(counts)} '
            f'in {Count(len(counts)):image} looked at)',
        )
