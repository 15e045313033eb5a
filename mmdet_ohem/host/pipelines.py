"""Configs of datasets and of their pipelines: walking through and editing.

Relies on how mmengine 0.10.7 and mmdet 3.3.0 write configs: a dataset that
wraps or joins others has them as ``dataset`` or ``datasets``; a transform that
holds others has them as ``transforms``, where a list stands for one view or
choice; ``type`` is a class, or its name with or without the scope.

A pipeline is a list of configs of transforms.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
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


def replace_pipelines(dataset: Any, pipeline: Sequence[dict]) -> None:
    """Give a dataset's config, or each one that it wraps, a pipeline.

    Args:
        dataset: Changed in place.
        pipeline: Copied for each.
    """
    for leaf in leaf_datasets(dataset):
        leaf['pipeline'] = copy.deepcopy(pipeline)


def reduced_to_images(dataset: Any, pipeline: Sequence[dict]) -> dict:
    """A dataset without the wrappers that repeat or mix its images.

    Args:
        dataset: Its config, left as it is.
        pipeline: Of each dataset that reads images.

    Returns:
        A config in which only datasets that join others are left around them.
    """
    if 'datasets' in dataset:
        parts = [reduced_to_images(x, pipeline) for x in dataset['datasets']]
        return dict(dataset, datasets=parts)
    if 'dataset' in dataset:
        return reduced_to_images(dataset['dataset'], pipeline)
    return dict(dataset, pipeline=pipeline)


def outer_pipeline(dataset: Any) -> list[dict]:
    """The pipeline of a dataset, or of the first one that it wraps or joins.

    Args:
        dataset: Its config.

    Returns:
        The outermost one, where a wrapper has a pipeline itself.
    """
    while 'pipeline' not in dataset:
        dataset = (dataset.get('datasets') or [dataset['dataset']])[0]
    return dataset['pipeline']


def transform_name(transform: Any) -> str:
    """Name of a transform's class, without the scope.

    Args:
        transform: Its config; that of any other thing does as well.
    """
    kind = transform['type']
    return kind.rpartition('.')[2] if isinstance(kind, str) else kind.__name__


def all_steps(pipeline: Sequence[Any]) -> Iterator[dict]:
    """Transforms, each before the ones inside of it.

    Args:
        pipeline: May have lists of transforms in it, as views have.

    Yields:
        The configs themselves, not copies.
    """
    for step in pipeline:
        if isinstance(step, list | tuple):
            yield from all_steps(step)
        else:
            yield step
            yield from all_steps(step.get('transforms', []))


def broadcast_steps(transform: dict) -> Iterator[dict]:
    """Transforms that run on an image and, at once, on its proposals.

    Args:
        transform: A ``ProposalBroadcaster``, or any other.

    Yields:
        Those inside the broadcaster, else the transform itself; no copies.
    """
    if transform_name(transform) != 'ProposalBroadcaster':
        yield transform
        return
    for part in transform['transforms']:
        yield from broadcast_steps(part)


def edited(
    pipeline: Sequence[Any], edit: Callable[[dict], dict | None]
) -> list[Any]:
    """A copy of a pipeline in which each transform has been edited.

    Args:
        pipeline: May have lists of transforms in it, as views have.
        edit: Is given a copy of each transform, before the ones inside of it;
            returns what stands in its place, None for nothing.

    Returns:
        Shares nothing with ``pipeline``. A list that would become empty is
        left out, since a view without a choice would make no view at all.
    """
    found: list[Any] = []
    for step in pipeline:
        if isinstance(step, list | tuple):
            choice = edited(step, edit)
            found += [choice] if choice else []
            continue
        step = edit(copy.deepcopy(step))
        if step is not None:
            if 'transforms' in step:
                step['transforms'] = edited(step['transforms'], edit)
            found.append(step)
    return found
