"""Only ``host/`` uses what mmdet, mmengine, mmcv and torch do not promise."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import mmdet_ohem
from tests.host.insides import HOSTS, overrides, own_names, uses

ROOT = Path(mmdet_ohem.__file__).parents[1]
HOST = ROOT / 'mmdet_ohem/host'


class Finding(NamedTuple):
    """Something that belongs into ``host/``."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f'{self.path}:{self.line}: {self.what}'


@cache
def findings() -> list[Finding]:
    """All of ``mmdet_ohem/`` outside of ``host/``, and ``tools/``."""
    package = sorted((ROOT / 'mmdet_ohem').rglob('*.py'))
    package = [path for path in package if HOST not in path.parents]
    texts = {path: path.read_text() for path in package}
    # A class may use what another module's class, its base, defines.
    own = set().union(*(own_names(ast.parse(x)) for x in texts.values()))
    found = []
    for path in [*package, *sorted((ROOT / 'tools').glob('*.py'))]:
        code, name = path.read_text(), path.relative_to(ROOT)
        lines = uses(code, own)
        if path in texts and any(x in code for x in HOSTS):
            module = '.'.join(name.with_suffix('').parts)
            lines += overrides(module.removesuffix('.__init__'), code)
        found += [Finding(str(name), *line) for line in sorted(lines)]
    return found


def test_only_host_knows_the_insides_of_the_host() -> None:
    found = [str(x) for x in findings()]
    assert not found, '\n'.join(['Remedy: move to mmdet_ohem/host/', *found])


# What is written to disk is not the host's.
NEEDS_NO_HOST = {'__init__', 'files'}


@pytest.mark.parametrize(
    'path',
    [x for x in HOST.glob('*.py') if x.stem not in NEEDS_NO_HOST],
    ids=lambda path: path.stem,
)
def test_each_module_says_what_it_relies_on(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text())) or ''
    assert 'Relies on' in text
    assert re.search(r'(mmdet 3|mmengine 0|mmcv 2|torch 2)\.\d', text)


@pytest.mark.parametrize(
    'code',
    [
        'roi_head._bbox_forward(x)',
        'self._metainfo',
        'super()._flip(results)',
        "getattr(buffer, '_version')",
        "method = BBoxHead, '_predict_by_feat_single'",
        'from torch.nn.modules.utils import _pair',
        'from mmengine._strategy import Strategy',
        'hub.log_scalars.pop(tag)',
        'loop.dataloader_iterator = skipping',
        'type(thing).__mro__',
        'vars(sampler)',
        "setattr(owner, name, 'x')",
        'from types import MethodType',
        "hasattr(roi_head, 'num_stages')",
        "getattr(roi_head, 'current_stage', None)",
        "step['transforms']",
        'sampler.sample = heard',
        'self.runner.model = model',
    ],
)
def test_finds(code: str) -> None:
    assert len(uses(code)) == 1


@pytest.mark.parametrize(
    'code',
    [
        'class A:\n    def f(self):\n        self._x = 1\n        self._x',
        'class A:\n    _x = 1\nA._x',
        "dict(_delete_=True, type='mmdet.Resize')",
        "f'{name}_lr'",
        'runner.message_hub.update_scalar(key, 1.0)',
        'config.train_cfg.rcnn',
        'type(self).__name__',
        "dict(type='TestTimeAug', transforms=views)",
        "getattr(sampler, 'last_record', None)",
    ],
)
def test_leaves_alone(code: str) -> None:
    assert uses(code) == []


def test_finds_overridden_methods() -> None:
    code = (HOST / 'samplers.py').read_text()
    found = [what for _, what in overrides('mmdet_ohem.host.samplers', code)]
    assert len(found) == 2
    assert 'GatheringSampler overrides _sample_pos' in found[0]
