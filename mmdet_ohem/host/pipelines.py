"""Walking through the configs of datasets and their pipelines."""

from collections.abc import Iterator
from typing import Any


def leaf_datasets(dataset: Any) -> Iterator[Any]:
    """Datasets that read images, inside of wrappers of any depth.

    Args:
        dataset: Config of a dataset, or of one that wraps or joins others.

    Yields:
        The configs themselves, not copies.
    """
    if 'datasets' in dataset:
        for part in dataset['datasets']:
            yield from leaf_datasets(part)
    elif 'dataset' in dataset:
        yield from leaf_datasets(dataset['dataset'])
    else:
        yield dataset


def transform_name(transform: Any) -> str:
    """Name of a transform's class, without the scope."""
    kind = transform['type']
    return kind.rpartition('.')[2] if isinstance(kind, str) else kind.__name__
