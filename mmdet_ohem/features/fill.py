"""Fill the feature cache of a config before it is trained."""

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from mmdet.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.runner import Runner

from mmdet_ohem.host.pipelines import (
    all_steps,
    edited,
    leaf_datasets,
    reduced_to_images,
    transform_name,
)

#: What is kept: images of the training, and those of the test.
SPLITS = ('train', 'test')


def fill_cache(
    config: Config,
    split: str,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    device: str = 'cpu',
) -> tuple[int, int]:
    """Compute the features of every view of every image of a split.

    A training fills the cache as it goes as well; this does it at once, so
    that the first epoch is as fast as the others. What is there already is
    not computed again, so that an interrupted call goes on. Several processes
    may fill one cache at the same time.

    Args:
        config: Whose model has a ``feature_cache``.
        split: ``'train'`` or ``'test'``.
        on_progress: Called after each image with images done and images in
            all.
        device: Where the network runs.

    Returns:
        Images that were computed, and images that were there.

    Raises:
        ValueError: The model has no feature cache, or a transform of the
            pipeline is random and not a flip or a choice of sizes: then no
            two epochs see the same image.
    """
    detector = _detector(config).to(device)
    datasets = [
        _dataset(config, split, pipeline)
        for pipeline in _views(config[f'{split}_dataloader'].dataset)
    ]
    total, done = sum(len(x) for x in datasets), 0
    for dataset in datasets:
        for batch in Runner.build_dataloader(
            dict(
                dataset=dataset,
                batch_size=1,
                num_workers=0,
                sampler=dict(type='DefaultSampler', shuffle=False),
            )
        ):
            with torch.no_grad():
                data = detector.data_preprocessor(batch, False)
                detector.extract_feat(data['inputs'])
            done += 1
            on_progress(done, total)
    cache = detector.feature_cache
    return cache.num_computed, cache.num_found


def views(pipeline: list[dict]) -> Iterator[list[dict]]:
    """Every way in which a pipeline can treat an image.

    Args:
        pipeline: Of a dataset.

    Yields:
        Pipelines without chance: flipped and not, and each of the sizes.

    Raises:
        ValueError: A transform is random in another way.
    """
    choices = [
        choice
        for step in all_steps(pipeline)
        if (choice := _choices(step)) is not None
    ]
    for chosen in itertools.product(*choices):
        # In the order of all_steps, which edited() keeps.
        yield edited(pipeline, partial(_decide, chosen=iter(chosen)))


def _decide(step: dict, chosen: Iterator[dict]) -> dict:
    """What stands in the place of a transform."""
    return step if _choices(step) is None else next(chosen)


def _choices(step: dict) -> list[dict] | None:
    """What a random transform can do; None where it is not random."""
    name = transform_name(step)
    if name == 'RandomFlip' and not isinstance(step.get('prob'), list):
        probs = {0.0, 1.0} if 0 < step['prob'] < 1 else {float(step['prob'])}
        return [dict(step, prob=x) for x in sorted(probs)]
    if name == 'RandomChoiceResize':
        kept = {
            k: x
            for k, x in step.items()
            if k not in ('type', 'scales', 'resize_type')
        }
        return [
            dict(type='Resize', scale=scale, **kept)
            for scale in step['scales']
        ]
    if name.startswith('Random') or name == 'TestTimeAug':
        raise ValueError(
            f'the pipeline has {name}: its views cannot be listed. Remedy: '
            'only RandomFlip and RandomChoiceResize; of other random '
            'transforms no cache can keep features'
        )
    return None


def _views(dataset: Any) -> Iterator[list[dict]]:
    """Pipelines for all views of a split's first dataset."""
    return views(next(leaf_datasets(dataset))['pipeline'])


def _dataset(config: Config, split: str, pipeline: list[dict]) -> Any:
    """The images of a split, once each."""
    dataset = DATASETS.build(
        reduced_to_images(config[f'{split}_dataloader'].dataset, pipeline)
    )
    dataset.full_init()
    return dataset


def _detector(config: Config) -> Any:
    """The detector with its first weights."""
    if not config.model.get('feature_cache'):
        raise ValueError(
            f'{config.filename} has no model.feature_cache. Remedy: '
            'model.feature_cache=FOLDER, with backbone.frozen_stages=5'
        )
    detector = MODELS.build(config.model)
    detector.init_weights()
    return detector.eval()
