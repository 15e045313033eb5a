"""Pictures and Figure 3 work on SPPnet and MR-CNN as they are."""

import math
from pathlib import Path

import pytest

from mmdet_ohem.figure3.loss_analysis import AnalysisSettings, LossAnalysis
from mmdet_ohem.figure3.loss_sums import ALL
from mmdet_ohem.mining import MiningRecord
from mmdet_ohem.runs.work_dir import WorkDir
from mmdet_ohem.watch.hard_example_browser import HardExampleBrowser
from mmdet_ohem.watch.hard_example_drawing import DrawingStyle
from mmdet_ohem.watch.selection_rules import HEURISTIC, PAPER, STOCK
from tests.figure3.runs import small_config, write_images, write_run

NAMES = pytest.mark.parametrize(
    'name',
    ['sppnet_vgg16_ohem_voc07', 'mr_cnn_vgg16_two_regions_ohem_voc07'],
)


@NAMES
def test_every_rule_is_drawn(name: str, tmp_path: Path) -> None:
    config = small_config(write_images(tmp_path / 'data', 1), name)
    run = write_run(tmp_path / 'a run', config, (1,))
    browser = HardExampleBrowser(config, [run / 'iter_1.pth'])
    out = tmp_path / 'out'
    (sheet,) = browser.browse([0], out, DrawingStyle(min_side=80))
    assert sheet.is_file()
    choices = browser.choose(browser.dataset[0])
    # A rule that cannot choose says why, in a string.
    for rule in (PAPER, STOCK, HEURISTIC):
        assert isinstance(choices[rule], MiningRecord), choices[rule]


@NAMES
def test_the_loss_over_all_rois_is_computed(name: str, tmp_path: Path) -> None:
    config = small_config(write_images(tmp_path / 'data', 1), name)
    run = WorkDir(write_run(tmp_path / 'a run', config, (1,)))
    analysis = LossAnalysis([run], tmp_path / 'losses', AnalysisSettings())
    analysis.compute()
    ((result,),) = analysis.load()
    loss = next(x for x in result.means if x.kind == ALL)
    assert loss.num_rois > 20
    # Of random weights: classes are alike.
    assert loss.cls == pytest.approx(math.log(21), rel=0.5)
