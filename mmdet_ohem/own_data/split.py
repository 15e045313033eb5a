"""Which images are trained on, and which are tested."""

import hashlib
from dataclasses import replace

from mmdet_ohem.counts import Count
from mmdet_ohem.own_data.records import OwnData, Picture

#: Of the images without a split, this share is for the test.
TEST_SHARE = 0.2


def with_splits(
    data: OwnData, seed: int = 0, test_share: float = TEST_SHARE
) -> OwnData:
    """Give each image a split.

    Lists, folders and files that say one are believed; images that they do
    not name are left out. Where nothing says a split, a share of the images,
    drawn by the seed and their names, is for the test: a new image does not
    move the others much.

    Args:
        data: Checked.
        seed: Of the draw.
        test_share: Between 0 and 1.

    Returns:
        The dataset with images of ``'train'`` and ``'test'``, perhaps
        ``'val'``.

    Raises:
        ValueError: There are too few images to split.
    """
    said = {x.split for x in data.pictures} - {None}
    if 'train' not in said:
        return _drawn(data, seed, test_share)
    num_lost = sum(x.split is None for x in data.pictures)
    kept = tuple(x for x in data.pictures if x.split is not None)
    data = replace(data, pictures=kept)
    if num_lost:
        data = data.noting(
            f'{Count(num_lost):image} {Count(num_lost):is|are} in no split, '
            'and left out'
        )
    if 'test' in said:
        return data.noting('the splits are those of the dataset')
    if 'val' in said:
        pictures = tuple(
            replace(x, split='test') if x.split == 'val' else x for x in kept
        )
        return replace(data, pictures=pictures).noting(
            'the dataset has no test split: val is taken for it'
        )
    return _drawn(data, seed, test_share).noting(
        'the dataset says a split for training only'
    )


def _drawn(data: OwnData, seed: int, test_share: float) -> OwnData:
    """Split all images by their names."""

    def rank(picture: Picture) -> bytes:
        text = f'{seed}/{data.name(picture)}'
        return hashlib.sha256(text.encode()).digest()

    with_objects = [x for x in data.pictures if x.things]
    num_test = max(1, round(test_share * len(data.pictures)))
    if len(with_objects) < 2 or num_test >= len(data.pictures):
        raise ValueError(
            f'{data.folder} has {Count(len(with_objects)):image} with '
            'objects, too '
            'few to train on some and test on others. Remedy: annotate more'
        )
    order = sorted(data.pictures, key=rank)
    # A test without an object would find nothing.
    first = next(x for x in order if x.things)
    order = [first, *(x for x in order if x is not first)]
    chosen = {x.path for x in order[:num_test]}
    pictures = tuple(
        replace(x, split='test' if x.path in chosen else 'train')
        for x in data.pictures
    )
    if not any(x.things for x in pictures if x.split == 'train'):
        raise ValueError(
            f'{data.folder}: with seed {seed} no image with an object is '
            'left for training. Remedy: another --seed, or more images'
        )
    return replace(data, pictures=pictures).noting(
        f'the split is drawn by seed {seed}: '
        f'{Count(len(pictures) - num_test):image} for training, '
        f'{num_test} for the test'
    )
