"""A dumped config is understood without being run."""

import math
import re
from pathlib import Path
from typing import Any

import pytest
from mmengine.config import Config

from mmdet_ohem.host.safe_config import UnsafeConfigError, read_dumped_config

CONFIGS = Path(__file__).parents[2] / 'configs'


def written(text: str, folder: Path) -> Path:
    (folder / 'config.py').write_text(text)
    return folder / 'config.py'


@pytest.mark.parametrize(
    'name',
    [
        'fast_rcnn_vgg16_ohem_voc07',
        'faster_rcnn_r50_fpn_ohem_coco',
        'fast_rcnn_vgg16_demo',
    ],
)
def test_a_dump_is_read_as_mmengine_reads_it(
    name: str, tmp_path: Path
) -> None:
    config = Config.fromfile(CONFIGS / f'{name}.py')
    config.dump(tmp_path / 'config.py')
    found = read_dumped_config(tmp_path / 'config.py')
    expected = Config.fromfile(tmp_path / 'config.py')
    assert found.to_dict() == expected.to_dict()
    assert isinstance(found.model.roi_head, type(expected.model.roi_head))
    assert found.filename == str(tmp_path / 'config.py')


def test_all_plain_values_are_read(tmp_path: Path) -> None:
    values: dict[str, Any] = dict(
        numbers=[1, -2, 0.5, -1e-3, True, None, math.inf, -math.inf],
        texts=('a', "b'c", 'line\nline', 'ä'),
        bytes=b'x',
        one=(1,),
        by_number={1: 'a', '.*bias': dict(lr_mult=2)},
        members={1, 2},
        empty=dict(a={}, b=[], c=()),
    )
    Config(values).dump(tmp_path / 'config.py')
    found = read_dumped_config(tmp_path / 'config.py').to_dict()
    assert found == values
    path = written("a = nan\nb = float('inf')\n'text'\n", tmp_path)
    found = read_dumped_config(path).to_dict()
    assert math.isnan(found['a'])
    assert found['b'] == math.inf


def test_modules_are_not_imported(tmp_path: Path) -> None:
    text = "custom_imports = dict(imports=['no_such_module'])\n"
    assert read_dumped_config(written(text, tmp_path)).custom_imports


@pytest.mark.parametrize(
    'line',
    [
        'import os',
        "open({mark!r}, 'w')",
        "a = open({mark!r}, 'w')",
        "a = dict(b=[open({mark!r}, 'w')])",
        "a = dict(**dict(b=open({mark!r}, 'w')))",
        "a = dict([(1, open({mark!r}, 'w'))])",
        "a = {{**open({mark!r}, 'w')}}",
        "a = [*open({mark!r}, 'w')]",
        "a = f'{{open}}'",
        "a = [x for x in open({mark!r}, 'w')]",
        "a = lambda x=open({mark!r}, 'w'): x",
        "a, b = 1, open({mark!r}, 'w')",
        "a: open({mark!r}, 'w') = 1",
        "def f(x=open({mark!r}, 'w')): pass",
        "class A: b = open({mark!r}, 'w')",
        "if open({mark!r}, 'w'): pass",
        "a = f'{{open}}'",
        "a = -open({mark!r}, 'w')",
        'a = 9 ** 9 ** 9',
        "a = 'x' * 10 ** 10",
        'a = dict.__class__',
        "a = __import__('os')",
        "a = f'{{open}}'",
        "_base_ = ['other.py']",
        'a = -"text"',
        'a.b = 1',
    ],
)
def test_a_program_is_refused_and_not_run(line: str, tmp_path: Path) -> None:
    mark = tmp_path / 'mark'
    path = written('model = dict()\n' + line.format(mark=str(mark)), tmp_path)
    with pytest.raises(UnsafeConfigError) as error:
        read_dumped_config(path)
    assert not mark.exists()
    assert re.match(
        rf'{re.escape(str(path))}, line 2: .* is no plain value.*Nothing was '
        r'run\. Remedy: give the folder of a training',
        str(error.value),
        re.DOTALL,
    )


@pytest.mark.parametrize(
    'text',
    [
        'model = dict(',
        'a = "\0"',
        'a = ' + '[' * 10000,
        'ß = €',
        'a = {[]: 1}',
        'text = 1',
    ],
)
def test_what_is_no_config_is_named(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'config\.py is not a config that'):
        read_dumped_config(written(text, tmp_path))
