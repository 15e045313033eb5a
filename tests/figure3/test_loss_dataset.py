"""The images that the loss over all RoIs is computed on."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.structures.bbox import get_box_tensor
from mmengine.config import ConfigDict

from mmdet_ohem.figure3.loss_dataset import (
    analysis_pipeline,
    build_dataloader,
    build_dataset,
    spaced,
)
from tests.figure3.runs import small_config, write_images

LOAD = dict(type='LoadImageFromFile')
ANNOTATIONS = dict(type='LoadAnnotations', with_bbox=True, with_mask=True)
RESIZE = dict(type='Resize', scale=(64, 48))
PACK = dict(type='PackDetInputs')


def names(steps: list[dict]) -> list[str]:
    return [step['type'] for step in steps]


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp('data'), num=5)


@pytest.fixture
def config(root: Path) -> Any:
    return small_config(root)


def test_ground_truth_is_resized_as_in_training(config: Any) -> None:
    sample = build_dataset(config)[0]['data_samples']
    # 100 x 80 pixels become 150 x 120; the difficult object is ignored.
    expected = [[6, 6, 64.5, 64.5], [75, 30, 142.5, 112.5]]
    found = get_box_tensor(sample.gt_instances.bboxes)
    assert sorted(found.tolist()) == expected
    assert len(sample.ignored_instances) == 1
    assert len(sample.proposals.bboxes) == 20
    assert sample.img_shape == (120, 150)


def test_images_are_never_mirrored(config: Any) -> None:
    config.train_dataloader.dataset.pipeline[3].transforms[0].prob = 1.0
    first, second = (
        build_dataset(config)[1]['inputs'],
        build_dataset(config, split='test')[1]['inputs'],
    )
    assert torch.equal(first, second)


def test_records_are_those_of_the_split(config: Any, root: Path) -> None:
    test_list = root / 'VOC2007/ImageSets/Main/one.txt'
    test_list.write_text('image3\n')
    config.test_dataloader.dataset.ann_file = 'VOC2007/ImageSets/Main/one.txt'
    assert len(build_dataset(config, 'train')) == 5
    dataset = build_dataset(config, 'test')
    assert len(dataset) == 1
    assert dataset[0]['data_samples'].img_id == 'image3'


def test_images_are_as_many_as_asked_for(config: Any) -> None:
    dataset = build_dataset(config, max_images=2)
    names = [dataset[i]['data_samples'].img_id for i in range(len(dataset))]
    assert names == ['image0', 'image4']


@pytest.mark.parametrize(
    ('total', 'num', 'indices'),
    [
        (5, None, [0, 1, 2, 3, 4]),
        (5, 7, [0, 1, 2, 3, 4]),
        (5, 3, [0, 2, 4]),
        (5, 1, [0]),
        (0, 3, []),
    ],
)
def test_spaced(total: int, num: int | None, indices: list[int]) -> None:
    assert spaced(total, num) == indices


WRAPPERS = {
    'repeated': (1, lambda x: dict(type='RepeatDataset', times=3, dataset=x)),
    'joined': (2, lambda x: dict(type='ConcatDataset', datasets=[x, x])),
    'mixed': (
        1,
        lambda x: dict(
            type='MultiImageMixDataset',
            dataset=x,
            pipeline=[dict(type='Mosaic')],
        ),
    ),
    'joined and repeated': (
        2,
        lambda x: dict(
            type='RepeatDataset',
            times=3,
            dataset=dict(type='ConcatDataset', datasets=[x, x]),
        ),
    ),
}


@pytest.mark.parametrize('name', WRAPPERS)
def test_wrappers_are_reduced_to_their_images(config: Any, name: str) -> None:
    times, wrap = WRAPPERS[name]
    inner = config.train_dataloader.dataset.to_dict()
    config.train_dataloader.dataset = ConfigDict(wrap(inner))
    before = copy.deepcopy(config.train_dataloader.dataset)
    dataset = build_dataset(config)
    assert len(dataset) == 5 * times
    assert dataset[0]['inputs'].shape == (3, 120, 150)
    assert config.train_dataloader.dataset == before


@pytest.mark.parametrize('rank', [0, 1])
def test_each_process_has_its_share(
    config: Any, rank: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        'mmengine.dataset.sampler.get_dist_info', lambda: (rank, 2)
    )
    loader = build_dataloader(build_dataset(config), num_workers=0)
    found = [x['data_samples'][0].img_id for x in loader]
    assert found == [f'image{i}' for i in range(rank, 5, 2)]


def test_annotations_come_first_in_the_pipeline() -> None:
    dataset = dict(pipeline=[LOAD, RESIZE, ANNOTATIONS, PACK])
    steps = analysis_pipeline(dataset)
    assert names(steps) == [
        'LoadImageFromFile',
        'LoadAnnotations',
        'Resize',
        'PackDetInputs',
    ]
    assert not steps[1]['with_mask']
    assert dataset['pipeline'][2] is ANNOTATIONS and ANNOTATIONS['with_mask']


def test_a_pipeline_without_annotations_gets_them() -> None:
    """mmdet's own test pipeline of Fast R-CNN has none."""
    load = [LOAD, dict(type='LoadProposals')]
    steps = analysis_pipeline(dict(pipeline=[*load, RESIZE, PACK]))
    assert names(steps)[2] == 'LoadAnnotations'
    assert steps[2]['with_bbox']


@pytest.mark.parametrize(
    'flip',
    ['RandomFlip', 'mmdet.RandomFlip'],
)
def test_flips_are_left_out(flip: str) -> None:
    step = dict(type=flip, prob=0.5)
    inside = dict(type='ProposalBroadcaster', transforms=[RESIZE, step])
    steps = analysis_pipeline(dict(pipeline=[LOAD, step, inside, PACK]))
    assert names(steps) == [
        'LoadImageFromFile',
        'LoadAnnotations',
        'ProposalBroadcaster',
        'PackDetInputs',
    ]
    assert steps[2]['transforms'] == [RESIZE]


@pytest.mark.parametrize(
    'name', ['RandomChoiceResize', 'mmdet.RandomCrop', 'TestTimeAug']
)
def test_random_transforms_of_the_test_are_an_error(name: str) -> None:
    step = dict(type=name, transforms=[[RESIZE], [PACK]])
    inside = dict(type='ProposalBroadcaster', transforms=[step])
    with pytest.raises(ValueError, match=name.rpartition('.')[2]):
        analysis_pipeline(dict(pipeline=[LOAD, inside, PACK]))


def test_an_unknown_split_is_an_error(config: Any) -> None:
    with pytest.raises(ValueError, match=r"'train', 'test'.*got 'val'"):
        build_dataset(config, 'val')


def test_a_config_without_test_data_is_an_error(config: Any) -> None:
    config.test_dataloader = None
    with pytest.raises(ValueError, match=r'no test_dataloader.*Remedy'):
        build_dataset(config)
