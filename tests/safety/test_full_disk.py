"""On a full disk the old file stays, and the error names it."""

import ast
import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

import mmdet_ohem
from mmdet_ohem.host.checkpoints import read_checkpoint, write_checkpoint
from mmdet_ohem.host.files import write_json, write_text
from mmdet_ohem.inference.drawing import draw_detections
from mmdet_ohem.proposals.proposal_file import make_entry, save_proposals

resource = pytest.importorskip('resource')

ROOT = Path(mmdet_ohem.__file__).parents[1]
LIMIT = 10_000  # bytes


@contextmanager
def full_disk() -> Iterator[None]:
    """A limit on the size of files: it, too, fails in the midst of writing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def draw(path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (99, 99, 3), np.uint8)
    found = InstanceData(
        bboxes=torch.zeros(0, 4),
        scores=torch.zeros(0),
        labels=torch.zeros(0, dtype=torch.long),
    )
    meta = dict(classes=('cat',), palette=[(1, 2, 3)])
    sample = DetDataSample(pred_instances=found)
    draw_detections(pixels, sample, meta, path, 0.5)


WRITERS: dict[str, Callable[[Path], Any]] = {
    'a.txt': lambda path: write_text(path, 'x' * 2 * LIMIT),
    'a.json': lambda path: write_json(path, [0] * LIMIT),
    'a.pth': lambda path: write_checkpoint(path, dict(w=torch.ones(LIMIT))),
    'a.pkl': lambda path: save_proposals(
        path, {'a/b.jpg': make_entry(np.ones((LIMIT, 4), np.float32))}
    ),
    'a.png': draw,
}


@pytest.mark.parametrize('name', WRITERS)
def test_the_old_file_stays_and_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text('old')
    with pytest.raises(OSError, match=r'.') as error, full_disk():
        WRITERS[name](path)
    assert error.value.errno == errno.EFBIG
    assert error.value.filename == str(path)
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]
    WRITERS[name](path)
    assert path.stat().st_size > LIMIT


def test_a_checkpoint_has_the_same_bytes_by_any_name(tmp_path: Path) -> None:
    for name in 'ab':
        write_checkpoint(tmp_path / name, dict(w=torch.ones(3)))
    assert (tmp_path / 'a').read_bytes() == (tmp_path / 'b').read_bytes()
    assert torch.equal(read_checkpoint(tmp_path / 'a')['w'], torch.ones(3))


# Methods and functions that write to a path.
_WRITING = {
    'imwrite',
    'save',
    'savefig',
    'tofile',
    'to_csv',
    'write',
    'write_bytes',
    'write_text',
    'writestr',
}
# Part of the code -> why it need not write in one step.
ALLOWED = {
    ('command_line.py', 'sys.stderr.write'): 'no file',
    ('demo/voc_writer.py', 'path.write_bytes(data)'): 'it names the file',
    ('benchmark/measure.py', "Path('/proc/self/clear_refs')"): 'no disk',
    ('tables/execute.py', "open('ab')"): 'a log grows; its errors name it',
    ('report/sheets.py', 'save(file'): 'into memory',
    ('figure3/loss_analysis.py', 'save(self.path_of'): 'ours, in one step',
    ('figure3/loss_report.py', 'to_csv(index'): 'into memory',
    ('tables/render.py', 'to_csv(index'): 'into memory',
    ('tools/evidence.py', 'to_csv(index'): 'into memory',
}


def writers(code: str) -> Iterator[tuple[int, str]]:
    """Calls that write to a path, other than to that of ``replacing``."""
    return visit(ast.parse(code), set())


def visit(node: ast.AST, temporary: set[str]) -> Iterator[tuple[int, str]]:
    """As :func:`writers`; the names of temporary files are given."""
    if isinstance(node, ast.With):
        for item in node.items:
            names = names_of(item.context_expr)
            if item.optional_vars and names & {'replacing', *temporary}:
                temporary = temporary | names_of(item.optional_vars)
    good = bool(names_of(node) & temporary)
    if isinstance(node, ast.Call) and writes(node) and not good:
        yield node.lineno, ast.unparse(node)
    for child in ast.iter_child_nodes(node):
        yield from visit(child, temporary)


def names_of(node: ast.AST) -> set[str]:
    return {x.id for x in ast.walk(node) if isinstance(x, ast.Name)}


def writes(call: ast.Call) -> bool:
    name = ast.unparse(call.func).rpartition('.')[2]
    if name == 'open':
        given = [*call.args, *(x.value for x in call.keywords)]
        modes = [x.value for x in given if isinstance(x, ast.Constant)]
        return any(set('wax+') & set(x) for x in modes if isinstance(x, str))
    # write_text(...) alone is ours.
    return isinstance(call.func, ast.Attribute) and name in _WRITING


def test_all_files_are_written_in_one_step() -> None:
    found = []
    paths = [*ROOT.glob('mmdet_ohem/**/*.py'), *ROOT.glob('tools/*.py')]
    for path in sorted(paths):
        name = str(path.relative_to(ROOT)).removeprefix('mmdet_ohem/')
        reasons = [text for file, text in ALLOWED if file == name]
        if name != 'host/files.py':
            found += [
                f'{name}:{line}: {call}'
                for line, call in writers(path.read_text())
                if not any(text in call for text in reasons)
            ]
    remedy = 'Remedy: write in "with replacing(path)" of host/files'
    assert not found, '\n'.join([remedy, *found])


@pytest.mark.parametrize(
    'code',
    [
        "{}.write_text('x')",
        "open({}, 'w')",
        "{}.open(mode='ab')",
        'torch.save(1, {})',
        'figure.savefig({})',
        'mmcv.imwrite(1, {})',
        'frame.to_csv({})',
    ],
)
def test_finds(code: str) -> None:
    assert len(list(writers(code.format('path')))) == 1
    block = f'with replacing(path) as new, new.open() as file:\n {code}'
    assert len(list(writers(block.format('path')))) == 1
    assert not list(writers(block.format('new')))
    assert not list(writers(block.format('file')))


@pytest.mark.parametrize('code', ["path.open('rb')", 'write_text(path, text)'])
def test_leaves_alone(code: str) -> None:
    assert not list(writers(code))
