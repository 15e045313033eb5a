"""Files from others, given to what reads them: nothing of them is run."""

import importlib.util
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmdet.evaluation import DumpProposals
from mmengine.structures import InstanceData
from scipy.io import savemat

from mmdet_ohem.evaluation.voc_results import write_voc_archive
from mmdet_ohem.inference.inputs import boxes_of_file
from mmdet_ohem.proposals import VOCProposalDataset
from mmdet_ohem.proposals.matlab import convert_mat
from mmdet_ohem.proposals.proposal_file import (
    load_made_with,
    load_proposals,
    save_proposals,
)
from mmdet_ohem.report.page import make_report
from tests.runs.logged_runs import train_line, write_logged_run
from tests.safety.attack import Attack, would_run
from tests.voc_folder import Picture, Thing, write_voc

TOOLS = Path(__file__).parents[2] / 'tools'
IMAGE = 'JPEGImages/000001.jpg'
GOOD = {IMAGE: {'bboxes': np.array([[0, 0, 9, 9]], np.float32)}}


def hostile_proposals(mark: Path) -> dict[str, bytes]:
    """Proposal files, by where the code is."""
    good = pickle.dumps(GOOD)
    bad = pickle.dumps(Attack(mark))
    boxes = np.array([Attack(mark)], dtype=object)
    return {
        'alone': bad,
        'in the dict': pickle.dumps({**GOOD, 'x': Attack(mark)}),
        'in the boxes': pickle.dumps({IMAGE: {'bboxes': boxes}}),
        'behind the dict': good + bad,
        'behind the settings': good + pickle.dumps({'mode': 'fast'}) + bad,
    }


PLACES = list(hostile_proposals(Path('x')))


def dataset_reader(path: Path) -> Any:
    root = path.parent / 'data'
    thing = Thing('person', (10, 10, 50, 50))
    write_voc(root, {'000001': Picture([thing])})
    return VOCProposalDataset(
        data_root=str(root),
        ann_file='VOC2007/ImageSets/Main/trainval.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        proposal_file=str(path),
        pipeline=[],
    )


READERS: dict[str, Callable[[Path], Any]] = {
    'training': dataset_reader,
    'detect.py --boxes': lambda path: boxes_of_file(path, [IMAGE]),
    'made with': load_made_with,
}


@pytest.mark.parametrize('reader', READERS)
@pytest.mark.parametrize('place', PLACES)
def test_no_code_of_proposals_is_run(
    reader: str, place: str, tmp_path: Path
) -> None:
    mark, path = tmp_path / 'mark', tmp_path / 'boxes.pkl'
    path.write_bytes(hostile_proposals(mark)[place])
    with pytest.raises(ValueError, match=r'boxes\.pkl') as error:
        READERS[reader](path)
    assert not mark.exists()
    assert 'make it again with mmdet-ohem proposals make' in str(error.value)


def test_the_attack_is_a_true_one(tmp_path: Path) -> None:
    mark = tmp_path / 'mark'
    for place in PLACES[:3]:
        assert would_run(hostile_proposals(mark)[place], mark)


@pytest.fixture
def make_proposals(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    path = TOOLS / 'make_proposals.py'
    spec = importlib.util.spec_from_file_location('make_proposals', path)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def run(*arguments: object) -> int:
        command = ['make_proposals.py', *map(str, arguments)]
        monkeypatch.setattr(sys, 'argv', command)
        return module.main()

    return run


@pytest.mark.parametrize('suffix', ['', '.partial'])
@pytest.mark.parametrize('place', PLACES)
def test_no_code_of_an_earlier_output_is_run(
    suffix: str,
    place: str,
    tmp_path: Path,
    make_proposals: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    mark, out = tmp_path / 'mark', tmp_path / 'boxes.pkl'
    cv2.imwrite(str(tmp_path / 'a.jpg'), np.zeros((32, 32, 3), np.uint8))
    (tmp_path / 'list.txt').write_text('a\n')
    hostile = tmp_path / f'boxes.pkl{suffix}'
    hostile.write_bytes(hostile_proposals(mark)[place])
    arguments = [tmp_path / 'list.txt', '--img-dir', tmp_path, '--out', out]
    assert make_proposals(*arguments, '--workers', 1) == 2
    assert not mark.exists()
    assert str(hostile) in capsys.readouterr().err


def test_proposals_that_mmdet_dumped_are_read(tmp_path: Path) -> None:
    metric = DumpProposals(str(tmp_path), 'boxes.pkl')
    found = InstanceData(
        bboxes=torch.tensor([[0.0, 0, 9, 9], [1, 1, 5, 5]]),
        scores=torch.tensor([0.25, 0.5]),
    )
    metric.process({}, [dict(pred_instances=found, img_path=f'x/{IMAGE}')])
    metric.compute_metrics(metric.results)
    (entry,) = load_proposals(tmp_path / 'boxes.pkl').values()
    assert entry['bboxes'].tolist() == [[1, 1, 5, 5], [0, 0, 9, 9]]
    assert entry['scores'].tolist() == [0.5, 0.25]


def test_a_mat_file_of_other_things_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'a.mat'
    cell = np.empty(1, dtype=object)
    for content in ('__import__("os")', {'a': 1}, np.array([['x']])):
        cell[0] = content
        savemat(path, {'boxes': cell})
        with pytest.raises(ValueError, match=r"a\.mat, image 'b'"):
            convert_mat(path, ['b'])


def run_folder(folder: Path) -> Path:
    return write_logged_run(folder, [train_line(5, loss=1.0, time=0.5)])


@pytest.mark.parametrize(
    'line', ['import os; os.mkdir({!r})', "a = __import__('os').mkdir({!r})"]
)
def test_the_config_of_a_run_in_a_report_is_not_run(
    line: str, tmp_path: Path
) -> None:
    mark, folder = tmp_path / 'mark', run_folder(tmp_path / 'run')
    with (folder / 'config.py').open('a') as config:
        config.write(f'{line.format(str(mark))}\n')
    with pytest.raises(ValueError, match=r'config\.py, line \d+: .*Remedy'):
        make_report([folder])
    assert not mark.exists()


def test_no_module_that_a_config_names_is_imported(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / 'run')
    sys.modules.pop('this', None)
    with (folder / 'config.py').open('a') as config:
        config.write(
            "custom_imports = dict(imports=['this'])\n"
            "test_dataloader = dict(dataset=dict(type='this.s'))\n"
        )
    (folder / 'test').mkdir()
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((40, 60, 3), np.uint8))
    found = dict(
        bboxes=torch.zeros(1, 4),
        scores=torch.ones(1),
        labels=torch.zeros(1, dtype=torch.long),
    )
    (folder / 'test/detections.pkl').write_bytes(
        pickle.dumps(
            [dict(img_path=str(tmp_path / 'a.png'), pred_instances=found)]
        )
    )
    make_report([folder], num_detections=1)
    assert 'this' not in sys.modules


def test_the_detections_of_a_run_in_a_report_are_not_run(
    tmp_path: Path,
) -> None:
    mark, folder = tmp_path / 'mark', run_folder(tmp_path / 'run')
    (folder / 'test').mkdir()
    (folder / 'test/detections.pkl').write_bytes(pickle.dumps(Attack(mark)))
    with pytest.raises(ValueError, match=r'detections\.pkl asks for'):
        make_report([folder], num_detections=1)
    assert not mark.exists()


def test_a_report_shows_names_as_they_are(tmp_path: Path) -> None:
    names = ['<b>bold', '<img src=x onerror=alert(1)>', '$\\frac$']
    folders = []
    for name in names:
        folders.append(run_folder(tmp_path / name))
    html = make_report(folders).html
    assert '<img src=x' not in html
    assert '&lt;b&gt;bold' in html
    # plotly understands tags, so that they are escaped for it as well.
    assert '\\u003cb\\u003ebold' not in html


@pytest.mark.parametrize('name', ['../../x', 'a\nb', '/x'])
def test_no_class_leaves_the_folder_of_the_archive(
    name: str, tmp_path: Path
) -> None:
    out = tmp_path / 'deep/er/results'
    with pytest.raises(ValueError, match='cannot be part of a file name'):
        write_voc_archive(out, {'cat': {}, name: {}})
    assert not list(tmp_path.iterdir())


def test_what_we_write_is_read(tmp_path: Path) -> None:
    entry = dict(GOOD[IMAGE], scores=np.zeros(1, np.float32))
    save_proposals(tmp_path / 'a.pkl', {IMAGE: entry}, {'mode': 'fast'})
    assert load_made_with(tmp_path / 'a.pkl') == {'mode': 'fast'}
    found = load_proposals(tmp_path / 'a.pkl')[IMAGE]
    assert np.array_equal(found['bboxes'], entry['bboxes'])
