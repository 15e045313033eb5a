"""Finished runs, read row by row."""

import json
from pathlib import Path

import pytest

from mmdet_ohem.runs.work_dir import SERVER
from mmdet_ohem.tables import TABLES
from mmdet_ohem.tables.collect import collect
from mmdet_ohem.tables.run_plan import run_folder
from tests.tables.finished_runs import OHEM, finish

VOC12 = 'fast_rcnn_vgg16_ohem_voc12'


def test_a_run_that_is_not_finished_does_not_count(tmp_path: Path) -> None:
    run_folder(tmp_path, OHEM, 'full', 0).mkdir(parents=True)
    (result,) = collect(TABLES[1], tmp_path, 'full')[12:]
    assert result.measured['mAP'].values == ()


def test_a_run_in_a_wrong_folder_is_an_error(tmp_path: Path) -> None:
    folder = finish(tmp_path, 0, dict(mAP=0.25), data='demo')
    wrong = run_folder(tmp_path, OHEM, 'full', 0)
    wrong.parent.mkdir(parents=True)
    folder.rename(wrong)
    with pytest.raises(ValueError, match=r'holds a demo run.*put it back'):
        collect(TABLES[1], tmp_path, 'full')


def test_the_answer_of_a_server_is_taken(tmp_path: Path) -> None:
    folder = finish(tmp_path, 0, {}, config=VOC12)
    (folder / SERVER).write_text(json.dumps({'mAP': 70.1, 'dog': 80.0}))
    result = collect(TABLES[4], tmp_path, 'full')[1]
    assert result.measured['mAP'].values == (70.1,)
    assert result.measured['dog'].values == (80.0,)
    assert result.measured['cat'].values == ()
    (folder / SERVER).write_text(json.dumps({'map': 70.1}))
    with pytest.raises(ValueError, match=r"\['map'\], which table 4"):
        collect(TABLES[4], tmp_path, 'full')


def test_what_was_not_measured_is_no_number(tmp_path: Path) -> None:
    # COCO's way to say that there is no such object.
    finish(tmp_path, 0, dict(mAP=-1.0))
    result = collect(TABLES[1], tmp_path, 'full')[12]
    assert result.measured['mAP'].values == ()
