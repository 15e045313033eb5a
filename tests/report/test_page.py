"""The page of runs, and what a browser makes of it."""

import json
import re
import shutil
import subprocess
from base64 import b64decode
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmdet_ohem.report.curves import make_panels
from mmdet_ohem.report.figure3 import Figure3, read_figure3
from mmdet_ohem.report.page import make_report
from mmdet_ohem.report.sheets import read_sheets
from mmdet_ohem.report.tables import (
    NOT_KNOWN,
    Table,
    difference_table,
    results_table,
)
from mmdet_ohem.runs.training_log import Curve
from mmdet_ohem.runs.work_dir import WorkDir
from tests.runs.logged_runs import (
    train_line,
    write_logged_run,
    write_test,
)

CHROMIUM = next(
    filter(
        None, map(shutil.which, ('chromium', 'chromium-browser', 'chrome'))
    ),
    None,
)
# What a browser finds, told by the page itself after its scripts ran.
PROBE = """<script>addEventListener('load', () => setTimeout(() =>
console.log('FOUND' + JSON.stringify({
  width: innerWidth,
  scroll_width: document.documentElement.scrollWidth,
  charts: [...document.querySelectorAll('.chart')].map(
    chart => [chart.clientWidth, chart.querySelector('.main-svg').clientWidth,
      chart.querySelectorAll('.scatterlayer .trace').length]),
  images: [...document.images].map(image => image.naturalWidth),
  requests: performance.getEntriesByType('resource')
    .map(entry => entry.name).filter(name => !name.startsWith('data:')),
}) + 'END'), 1000))</script>"""
CSV = (
    'run,iteration,num_images,stage,kind,total\n'
    '{0},100,7,0,all,0.5\n{0},200,7,0,all,0.25\n'
    '{0},100,7,0,fg,\n{0},200,7,0,fg,3\n'
)


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    """A baseline that was tested, and OHEM, validated; folders need care."""
    root = tmp_path / 'a & <b>runs'
    baseline = write_logged_run(
        root / 'baseline',
        [
            train_line(100, loss=2.0, time=0.5),
            train_line(200, loss=1.0, time=0.1),
            train_line(300, loss=1.0, time=0.3),
        ],
    )
    write_test(baseline, {'pascal_voc/mAP': 0.5}, '20260103_100000')
    mined = {'mining/sampled_fg_share': 20.0, 'mining/loss': 0.5}
    ohem = write_logged_run(
        root / 'ohem',
        [
            train_line(100, loss=3.0, **mined),
            {'pascal_voc/mAP': 0.25, 'step': 100},
            train_line(200, loss=2.0, **{**mined, 'mining/loss': 0.4}),
            {'pascal_voc/mAP': 0.75, 'step': 200},
        ],
        sampler='mmdet_ohem.OHEMSampler',
        bg=0.5,
    )
    return [baseline, ohem]


@pytest.fixture
def sheets(tmp_path: Path) -> Path:
    folder = tmp_path / 'sheets'
    folder.mkdir()
    Image.new('RGBA', (2400, 1200)).save(folder / 'large.png')
    Image.new('RGB', (60, 40), 'red').save(folder / 'small.png')
    (folder / 'notes.txt').touch()
    return folder


def cells(table: Table) -> dict[str, dict[str, str]]:
    return {
        row[0]: dict(zip(table.header[1:], row[1:], strict=True))
        for row in table.rows
    }


def by_name(folders: list[Path]) -> dict[str, Any]:
    return {folder.name: WorkDir(folder) for folder in folders}


def test_results_are_means_medians_and_percent(runs: list[Path]) -> None:
    losses = {'ohem': {'all RoIs': Curve([1, 2], [0.5, 0.25])}}
    table = results_table(by_name(runs), losses)
    found = cells(table)
    assert found['baseline'] == {
        'mAP, %': '50.0',
        'iterations': '300',
        's / iteration, median': '0.300',
        'foreground of sampled, %': NOT_KNOWN,
        'loss, all RoIs, last checkpoint': NOT_KNOWN,
    }
    assert found['ohem'] == {
        'mAP, %': '75.0',
        'iterations': '200',
        's / iteration, median': NOT_KNOWN,
        'foreground of sampled, %': '20.0',
        'loss, all RoIs, last checkpoint': '0.2500',
    }
    assert 'GPU memory, MiB' in table.left_out


def test_differences_are_those_of_the_settings(runs: list[Path]) -> None:
    found = cells(difference_table(by_name(runs)))
    assert found == {
        'model.train_cfg.rcnn.assigner.neg_iou_thr': {
            'baseline': '(0.1, 0.5)',
            'ohem': '0.5',
        },
        'model.train_cfg.rcnn.sampler.type': {
            'baseline': "'RandomSampler'",
            'ohem': "'mmdet_ohem.OHEMSampler'",
        },
    }
    assert not difference_table(by_name(runs[:1])).rows


def test_a_chart_names_the_runs_it_lacks(runs: list[Path]) -> None:
    panels, missing = make_panels(by_name(runs), Figure3())
    found = {panel.title: panel for panel in panels}
    assert found['mAP, %'].curves == {'ohem': Curve([100, 200], [25.0, 75.0])}
    assert found['mAP, %'].left_out == ['baseline']
    assert list(found['loss over the sampled RoIs'].curves) == [
        'baseline',
        'ohem',
    ]
    assert 'Figure 3: loss, all RoIs' in missing
    assert 'foreground of all RoIs, %' in missing
    assert not set(found) & set(missing)


@pytest.mark.parametrize('absolute', [True, False])
def test_figure_3_finds_its_run(
    runs: list[Path], tmp_path: Path, absolute: bool
) -> None:
    name = str(runs[1]) if absolute else f'{runs[1].parent.name}/ohem'
    (tmp_path / 'losses.csv').write_text(CSV.format(name))
    found = read_figure3(tmp_path, by_name(runs))
    assert found.num_images == 7
    assert found.curves == {
        'ohem': {
            'all RoIs': Curve([100, 200], [0.5, 0.25]),
            'foreground': Curve([200], [3.0]),
        }
    }


def test_figure_3_of_other_runs_is_an_error(
    runs: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match='mmdet-ohem loss'):
        read_figure3(tmp_path, by_name(runs))
    (tmp_path / 'losses.csv').write_text(CSV.format('other'))
    with pytest.raises(ValueError, match=r"none of these runs.*'other'"):
        read_figure3(tmp_path, by_name(runs))
    (tmp_path / 'losses.csv').write_text('run,kind\nx,all\n')
    with pytest.raises(ValueError, match=r'no column .*iteration'):
        read_figure3(tmp_path, by_name(runs))


def test_sheets_are_shrunk_and_white_where_transparent(sheets: Path) -> None:
    large, small = read_sheets(sheets)
    assert (large.name, large.width, large.height) == ('large', 2000, 1000)
    assert (small.name, small.width, small.height) == ('small', 60, 40)
    code = large.url.removeprefix('data:image/jpeg;base64,')
    image = Image.open(BytesIO(b64decode(code)))
    assert np.asarray(image).min() == 255


def test_a_folder_without_readable_pictures_is_an_error(
    tmp_path: Path,
) -> None:
    with pytest.raises(FileNotFoundError, match='holds no picture'):
        read_sheets(tmp_path)
    (tmp_path / 'x.png').write_bytes(b'no picture')
    with pytest.raises(ValueError, match=r'x\.png cannot be read'):
        read_sheets(tmp_path)


def test_what_is_lacking_is_said_and_names_are_escaped(
    runs: list[Path],
) -> None:
    page = make_report(runs).html
    for said in (
        'Without Figure 3',
        '--sheets</code> adds them',
        'Not drawn, as no run has it: Figure 3: loss, all RoIs;',
        'Left out, as no run has it: GPU memory, MiB;',
        'a &amp; &lt;b&gt;runs/baseline, mAP of its test',
        'mAP of its last validation',
    ):
        assert said in page, said
    assert '<b>runs' not in page
    assert 'There is one run only' in make_report(runs[:1]).html


def test_a_run_of_a_detector_without_sampler_is_known_by_its_folder(
    runs: list[Path],
) -> None:
    config = runs[0] / 'config.py'
    config.write_text("model = dict(type='RetinaNet')")
    assert '<th scope="row">baseline</th>' in make_report(runs).html


def test_the_page_refers_to_nothing_outside(
    runs: list[Path], sheets: Path
) -> None:
    page = make_report(runs, [sheets]).html
    # Text of plotly's own script aside.
    markup = re.sub(r'<script.*?</script>', '', page, flags=re.S)
    links = re.findall(r'(?:src|href|url\()=?["\']?([^"\')> ]+)', markup)
    assert links and all(x.startswith(('data:', '#')) for x in links)
    assert not re.search(r'<script[^>]*\ssrc=', page)


@pytest.mark.skipif(CHROMIUM is None, reason='no chromium is installed')
@pytest.mark.parametrize('width', [390, 1280])
def test_it_renders_in_a_browser(
    runs: list[Path], sheets: Path, tmp_path: Path, width: int
) -> None:
    (tmp_path / 'losses.csv').write_text(CSV.format(runs[0]))
    page = make_report(runs, [sheets], tmp_path).html
    found = browse(page, tmp_path, width)
    assert found['width'] == width
    assert found['scroll_width'] <= width
    num_traces = [traces for _, _, traces in found['charts']]
    # Two of Figure 3, mAP, loss of OHEM, of both, foreground, time.
    assert num_traces == [1, 1, 1, 1, 2, 1, 1]
    assert all(0 < svg <= chart for chart, svg, _ in found['charts'])
    assert found['images'] == [2000, 60]
    assert found['requests'] == []


@pytest.mark.skipif(CHROMIUM is None, reason='no chromium is installed')
def test_a_browser_tells_of_a_script_error(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match='Uncaught'):
        browse('<script>absent()</script>', tmp_path, 390)


def browse(page: str, folder: Path, width: int) -> Mapping[str, Any]:
    """What headless Chromium finds on a page of that width."""
    assert CHROMIUM is not None
    (folder / 'page.html').write_text(page + PROBE, encoding='utf-8')
    # A window is never as narrow as a phone, a frame is.
    (folder / 'frame.html').write_text(
        '<body style="margin: 0"><iframe src="page.html" '
        f'style="border: 0; width: {width}px; height: 3000px"></iframe>'
    )
    done = subprocess.run(
        [
            CHROMIUM,
            '--headless',
            '--no-sandbox',
            '--disable-gpu',
            '--disable-quic',
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
            '--hide-scrollbars',
            f'--user-data-dir={folder / "profile"}',
            '--virtual-time-budget=8000',
            '--window-size=1400,3000',
            '--enable-logging=stderr',
            '--dump-dom',
            (folder / 'frame.html').as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert 'Uncaught' not in done.stderr, done.stderr
    found = re.search('FOUND(.*)END"', done.stderr)
    assert found, done.stderr
    return json.loads(found[1])
