"""The images that the loss over all RoIs is computed on."""

import numpy as np
from mmdet.registry import DATASETS
from mmengine.config import Config
from mmengine.runner import Runner
from torch.utils.data import DataLoader, Subset

from mmdet_ohem.host.pipelines import (
    all_steps,
    edited,
    leaf_datasets,
    reduced_to_images,
    transform_name,
)

SPLITS = ('train', 'test')


def build_dataset(
    config: Config, split: str = 'train', max_images: int | None = None
) -> Subset:
    """The images of a split as they are tested, but with ground truth.

    Records (annotations, proposals, what is filtered out) are those of the
    split. The transforms are those of the test, which are not random: one
    scale, unflipped; the ground truth is loaded before them, so that it is
    resized with the image as in training. Datasets that repeat images or mix
    them are reduced to the images.

    Args:
        config: Of a run.
        split: 'train' or 'test': whose ``<split>_dataloader.dataset``.
        max_images: Take no more, evenly spaced; None takes all.

    Returns:
        The dataset, which gives what ``PackDetInputs`` makes.

    Raises:
        ValueError: The config lacks a dataset, the dataset has no image, or
            the test pipeline has random transforms.
    """
    if split not in SPLITS:
        raise ValueError(f'split must be one of {SPLITS}, got {split!r}')
    cfg = _dataset_cfg(config, split)
    pipeline = analysis_pipeline(_dataset_cfg(config, 'test'))
    dataset = DATASETS.build(reduced_to_images(cfg, pipeline))
    dataset.full_init()
    if not len(dataset):
        raise ValueError(
            f'{split}_dataloader.dataset of {config.filename} has no image. '
            'Remedy: correct its ann_file and data_root'
        )
    return Subset(dataset, spaced(len(dataset), max_images))


def build_dataloader(dataset: Subset, num_workers: int) -> DataLoader:
    """Give each process its share of the images, each image once.

    Args:
        dataset: The images.
        num_workers: Processes that load.

    Returns:
        Batches of one image: as without padding.
    """
    return Runner.build_dataloader(
        dict(
            dataset=dataset,
            batch_size=1,
            num_workers=num_workers,
            sampler=dict(
                type='DefaultSampler', shuffle=False, round_up=False, seed=0
            ),
        )
    )


def spaced(total: int, num: int | None) -> list[int]:
    """At most ``num`` indices below ``total``, evenly spaced; None: all."""
    if num is None or num >= total:
        return list(range(total))
    return np.linspace(0, total - 1, num).round().astype(int).tolist()


def analysis_pipeline(dataset: dict) -> list[dict]:
    """The pipeline of a test dataset, ground truth loaded at its beginning.

    Args:
        dataset: Its config.

    Returns:
        A new pipeline.

    Raises:
        ValueError: It has a random transform, or views for test-time
            augmentation.
    """
    steps = next(leaf_datasets(dataset))['pipeline']
    for step in all_steps(steps):
        name = transform_name(step)
        if name == 'TestTimeAug' or (
            name.startswith('Random') and not _is_flip(step)
        ):
            raise ValueError(
                f'the test pipeline has {name}: the loss over all RoIs is '
                'that of images of one scale, unflipped. Remedy: set '
                'test_dataloader.dataset.pipeline to one without it'
            )
    # Flips may be there with a probability of zero.
    steps = edited(steps, lambda step: None if _is_flip(step) else step)
    loaders = [x for x in steps if transform_name(x) == 'LoadAnnotations']
    loader = dict(loaders[0] if loaders else dict(type='LoadAnnotations'))
    # The box branch needs no masks.
    loader.update(with_bbox=True, with_mask=False, with_seg=False)
    steps = [x for x in steps if transform_name(x) != 'LoadAnnotations']
    begin = 0
    while begin < len(steps) and transform_name(steps[begin]).startswith(
        'Load'
    ):
        begin += 1
    return [*steps[:begin], loader, *steps[begin:]]


def _dataset_cfg(config: Config, split: str) -> dict:
    """The dataset of a split, or what to do about its absence."""
    dataset = (config.get(f'{split}_dataloader') or {}).get('dataset')
    if not dataset:
        raise ValueError(
            f'{config.filename} has no {split}_dataloader.dataset. Remedy: '
            'add it: images and annotations are those of the split, '
            'transforms those of the test'
        )
    return dataset


def _is_flip(step: dict) -> bool:
    return transform_name(step).endswith('RandomFlip')
