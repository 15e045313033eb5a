"""Names of classes and files are text: in a terminal, a picture, a page."""

import ast
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from rich.table import Table

import mmdet_ohem
from mmdet_ohem.inference.drawing import draw_detections, refuse_to_replace
from mmdet_ohem.plain_text import (
    plain_console,
    printable,
    without_math,
    without_tags,
)
from mmdet_ohem.watch.hard_example_drawing import DrawingStyle
from mmdet_ohem.watch.hard_example_sheet import make_sheet

ROOT = Path(mmdet_ohem.__file__).parents[1]
# It has no formula, so that matplotlib fails where it looks for one.
MATH = r'$\frac$'


@pytest.mark.parametrize(
    'name', ['[red]a[/red]', '[/]', ':cat:', '[link=file:x]a[/link]']
)
def test_a_console_prints_names_as_they_are(name: str) -> None:
    file = io.StringIO()
    console = plain_console(file=file, width=80)
    table = Table('name')
    table.add_row(name)
    console.print(f'wrote {name}')
    console.print(table)
    assert file.getvalue().count(name) == 2


def calls(path: Path) -> list[ast.Call]:
    tree = ast.parse(path.read_text())
    return [x for x in ast.walk(tree) if isinstance(x, ast.Call)]


def understands_markup(call: ast.Call) -> bool:
    """Whether rich would look for commands in what a call is given."""
    name = ast.unparse(call.func).rpartition('.')[2]
    if name in ('Console', 'from_markup'):
        return True
    texts = [ast.unparse(x) for x in call.args]
    words = {x.arg: ast.unparse(x.value) for x in call.keywords}
    has_field = any('{' in text for text in texts)
    return (
        name == 'TextColumn' and has_field and words.get('markup') != 'False'
    )


def test_tools_print_through_a_plain_console_only() -> None:
    paths = [*ROOT.glob('tools/*.py'), *ROOT.glob('mmdet_ohem/**/*.py')]
    assert len(paths) > 100
    found = [
        f'{path.relative_to(ROOT)}:{call.lineno}: {ast.unparse(call)}'
        for path in paths
        if path.name != 'plain_text.py'
        for call in calls(path)
        if understands_markup(call)
    ]
    assert not found, '\n'.join(['Remedy: use plain_console', *found])


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('cat', 'cat'),
        ('Käthe 猫', 'Käthe 猫'),
        ('a\nb\t', r'a\nb\t'),
        ('\x1b[31mred', r'\x1b[31mred'),
        ('\u202egnp', r'\u202egnp'),
    ],
)
def test_what_controls_a_terminal_is_shown(text: str, expected: str) -> None:
    assert printable(text) == expected


@pytest.mark.parametrize('name', ['$x$', MATH, '5 $', r'a\b', '$a$ and $b'])
def test_matplotlib_draws_dollars(name: str) -> None:
    def drawn(text: str, parse_math: bool) -> np.ndarray:
        figure = Figure(figsize=(3, 1))
        figure.text(0.1, 0.5, text, parse_math=parse_math)
        figure.savefig(file := io.BytesIO(), format='rgba')
        return np.frombuffer(file.getvalue(), np.uint8)

    assert np.array_equal(drawn(without_math(name), True), drawn(name, False))


def test_tags_are_escaped() -> None:
    assert without_tags('<b>"a" & b') == '&lt;b&gt;"a" &amp; b'


def sample(label: int) -> DetDataSample:
    found = InstanceData(
        bboxes=torch.tensor([[4.0, 4.0, 40.0, 40.0]]),
        scores=torch.ones(1),
        labels=torch.tensor([label]),
    )
    return DetDataSample(pred_instances=found)


def test_detections_of_a_class_with_dollars_are_drawn(tmp_path: Path) -> None:
    meta = dict(classes=('cat', MATH), palette=[(1, 2, 3)] * 2)
    pixels = np.zeros((64, 64, 3), np.uint8)
    draw_detections(pixels, sample(1), meta, tmp_path / 'a.png', 0.5)
    assert (tmp_path / 'a.png').stat().st_size
    assert meta['classes'] == ('cat', MATH)


def test_a_kind_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    meta = dict(classes=('cat',), palette=[(1, 2, 3)])
    pixels = np.zeros((64, 64, 3), np.uint8)
    with pytest.raises(ValueError, match=r"a\.xyz: .*kind '\.xyz'.*Remedy"):
        draw_detections(pixels, sample(0), meta, tmp_path / 'a.xyz', 0.5)
    assert not list(tmp_path.iterdir())


def test_a_sheet_of_an_image_with_dollars_is_drawn(tmp_path: Path) -> None:
    sheet = make_sheet(
        np.zeros((32, 32, 3), np.uint8),
        torch.zeros(0, 4),
        {MATH: {MATH: f'it fails: {MATH}'}},
        DrawingStyle(min_side=64),
        title=MATH,
    )
    sheet.savefig(tmp_path / 'a.png')


def test_pictures_do_not_replace_their_images(tmp_path: Path) -> None:
    images = [tmp_path / 'a/x.jpg', str(tmp_path / 'b/x.jpg'), np.zeros(1)]
    refuse_to_replace(images, tmp_path / 'c')
    for out in ('a', 'b/../a', 'b/.'):
        if out == 'b/.':
            images = images[1:]
        with pytest.raises(ValueError, match='would replace the image itse'):
            refuse_to_replace(images, tmp_path / out)
