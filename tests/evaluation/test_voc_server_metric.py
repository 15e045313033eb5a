"""From the detections of a test run to the archive."""

import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from mmdet.datasets import VOCDataset
from mmdet.registry import METRICS
from mmengine.structures import InstanceData

from mmdet_ohem.evaluation import VOCServerMetric, read_voc_archive
from mmdet_ohem.proposals import ImageListDataset

META = ImageListDataset.METAINFO
CLASSES = META['classes']


def metric(out: Path, **kwargs: Any) -> VOCServerMetric:
    config = dict(
        type='mmdet_ohem.VOCServerMetric', outfile_prefix=str(out), **kwargs
    )
    built = METRICS.build(config)
    built.dataset_meta = META
    return built


def sample(name: str, num: int = 40, **kwargs: Any) -> dict:
    """A detection result as the test loop hands it over."""
    generator = torch.Generator().manual_seed(num)
    corner = torch.rand(num, 2, generator=generator) * 100
    found = InstanceData(
        bboxes=torch.cat([corner, corner + 20], 1),
        scores=torch.rand(num, generator=generator),
        labels=torch.arange(num) % len(CLASSES),
    )
    found.set_metainfo({})
    return dict(img_id=name, pred_instances=found, **kwargs)


def test_all_classes_and_images_come_back(tmp_path: Path) -> None:
    tested = metric(tmp_path / 'run')
    samples = [sample('2008_000001', 40), sample('2008_000002', 25)]
    for one in samples:
        tested.process({}, [one])
    values = tested.evaluate(2)
    assert values == {
        'voc_server/num_images': 2,
        'voc_server/num_detections': 65,
    }
    found = read_voc_archive(tmp_path / 'run.tar.gz', CLASSES)
    assert list(found) == list(CLASSES)
    for label, name in enumerate(CLASSES):
        for one in samples:
            of_class = one['pred_instances'].labels == label
            boxes = one['pred_instances'][of_class]
            boxes = boxes[boxes.scores.argsort(descending=True)]
            rows = found[name][one['img_id']]
            np.testing.assert_allclose(rows[:, :4], boxes.bboxes, atol=0.0501)
            np.testing.assert_allclose(rows[:, 4], boxes.scores, atol=1e-6)


@pytest.mark.parametrize(
    ('meta', 'last'),
    [
        # Our data sets hold edges, mmdet's the last pixels themselves.
        (ImageListDataset.METAINFO, ['20.0', '30.0']),
        (VOCDataset.METAINFO, ['21.0', '31.0']),
    ],
)
def test_the_server_gets_pixels_from_1(
    tmp_path: Path, meta: dict, last: list[str]
) -> None:
    one = sample('a', 1)
    one['pred_instances'].bboxes = torch.tensor([[10.0, 0, 20, 30]])
    tested = metric(tmp_path / 'run')
    tested.dataset_meta = meta
    tested.process({}, [one])
    tested.evaluate(1)
    folder = tmp_path / 'run/results/VOC2012/Main'
    text = (folder / f'comp4_det_test_{CLASSES[0]}.txt').read_text()
    assert text.split()[2:] == ['11.0', '1.0', *last]


def test_a_class_without_detections_has_its_file(tmp_path: Path) -> None:
    tested = metric(tmp_path / 'run')
    tested.process({}, [sample('a', 0)])
    assert tested.evaluate(1)['voc_server/num_detections'] == 0
    found = read_voc_archive(tmp_path / 'run.tar.gz', CLASSES)
    assert all(of_class == {} for of_class in found.values())


def test_a_score_threshold_leaves_out_what_is_not_above_it(
    tmp_path: Path,
) -> None:
    one = sample('a', 3)
    one['pred_instances'].scores = torch.tensor([0.25, 0.5, 0.75])
    tested = metric(tmp_path / 'run', score_thr=0.5)
    tested.process({}, [one])
    assert tested.evaluate(1)['voc_server/num_detections'] == 1


def test_year_competition_set_and_digits_are_keys(tmp_path: Path) -> None:
    tested = metric(
        tmp_path / 'run',
        year=2010,
        competition='comp3',
        image_set='val',
        score_decimals=3,
    )
    tested.process({}, [sample('a', 1)])
    tested.evaluate(1)
    folder = tmp_path / 'run/results/VOC2010/Main'
    text = (folder / f'comp3_det_val_{CLASSES[0]}.txt').read_text()
    assert len(text.split()[1]) == len('0.123')
    assert CLASSES[0] in read_voc_archive(tmp_path / 'run.tar.gz')


def test_it_works_in_half_precision(tmp_path: Path) -> None:
    one = sample('a', 4)
    found = one['pred_instances']
    found.bboxes, found.scores = found.bboxes.bfloat16(), found.scores.half()
    tested = metric(tmp_path / 'run')
    tested.process({}, [one])
    assert tested.evaluate(1)['voc_server/num_detections'] == 4


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(outfile_prefix=''), 'outfile_prefix is empty'),
        (dict(outfile_prefix='x', score_decimals=0), 'score_decimals is 0'),
    ],
)
def test_bad_keys_are_errors(kwargs: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VOCServerMetric(**kwargs)


def _one_of_two(rank: int, folder: Path) -> None:
    """Tests images rank, rank + 2, ...; of three, the last one twice."""
    dist.init_process_group(
        'gloo',
        init_method=f'file://{folder}/meeting',
        rank=rank,
        world_size=2,
    )
    tested = metric(folder / 'run', collect_dir=str(folder / 'parts'))
    names = ['a', 'b', 'c', 'a']
    for name in names[rank::2]:
        tested.process({}, [sample(name, 5)])
    values = tested.evaluate(3)
    assert values['voc_server/num_images'] == 3
    dist.destroy_process_group()


def test_several_processes_write_one_archive_with_each_image_once(
    tmp_path: Path,
) -> None:
    # Forked, since an import of mmdet takes seconds.
    context = multiprocessing.get_context('fork')
    processes = [
        context.Process(target=_one_of_two, args=(rank, tmp_path))
        for rank in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    found = read_voc_archive(tmp_path / 'run.tar.gz', CLASSES)[CLASSES[0]]
    assert {name: len(rows) for name, rows in found.items()} == {
        'a': 1,
        'b': 1,
        'c': 1,
    }
