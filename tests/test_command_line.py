"""``mim train``, ``--resume`` and ``mim test``, as a user calls them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmdet_ohem.installation import fork_prefix
from mmdet_ohem.report.page import make_report
from mmdet_ohem.runs import WorkDir
from tests.voc_folder import Picture, Thing, boxes_around, write_voc

ROOT = Path(__file__).parents[1]
THINGS = [Thing('dog', (4, 4, 43, 43)), Thing('cat', (50, 20, 95, 75))]
# A user's own config in a folder with a space, based on a leaf of ours.
CONFIG = """
_base_ = {base!r}

for _loader in (_base_.train_dataloader, _base_.val_dataloader,
                _base_.test_dataloader):
    _loader.dataset.data_root = {data!r}
    _loader.update(num_workers=0, persistent_workers=False)
for _loader, _steps in (
        (_base_.train_dataloader, _base_.train_steps),
        (_base_.val_dataloader, _base_.test_steps),
        (_base_.test_dataloader, _base_.test_steps)):
    _steps.move.resize.scale = (100, 80)
    _loader.dataset.pipeline = [
        *_steps.load.values(),
        dict(
            type='ProposalBroadcaster', transforms=[*_steps.move.values()]),
        *_steps.finish.values()]
model = dict(
    backbone=dict(init_cfg=None),
    roi_head=dict(bbox_head=dict(fc_out_channels=(16, 16), init_cfg=None)),
    test_cfg=dict(rcnn=dict(max_per_img=10)))
train_cfg = dict(max_iters=2, val_interval=2)
default_hooks = dict(
    checkpoint=dict(interval=1), logger=dict(interval=1))
custom_hooks = [*_base_.custom_hooks,
                dict(type='mmdet_ohem.IterativeBBoxVotingHook')]
"""


@pytest.fixture(scope='module')
def user(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder with data and a config."""
    folder = tmp_path_factory.mktemp('a user')
    picture = Picture(THINGS, proposals=boxes_around(THINGS, 40))
    write_voc(folder / 'data', {'000001': picture, '000002': picture})
    base = ROOT / 'configs' / 'fast_rcnn_vgg16_ohem_voc07.py'
    (folder / 'ohem.py').write_text(
        CONFIG.format(base=str(base), data=str(folder / 'data'))
    )
    return folder


def mim(user: Path, *args: str) -> str:
    """Run mim in the user's folder, with no setting for weights_only."""
    env = {
        key: value
        for key, value in os.environ.items()
        if 'WEIGHTS_ONLY' not in key
    }
    env['PATH'] = f'{Path(sys.executable).parent}{os.pathsep}{env["PATH"]}'
    done = subprocess.run(
        [sys.executable, '-m', 'mim', *args],
        cwd=user,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-3000:]
    return output


@pytest.mark.skipif(
    bool(fork_prefix()),
    reason='openmim knows stock mmdet alone, and a fork is installed',
)
def test_train_then_resume_then_test(user: Path) -> None:
    train = ('train', 'mmdet', 'ohem.py', '--gpus', '0', '--work-dir', 'run')
    output = mim(user, *train)
    assert 'Iter(train) [2/2]' in output
    assert 'mining/sampled_fg_share' in output
    assert 'pascal_voc/mAP' in output

    output = mim(
        user, *train, '--resume', '--cfg-options', 'train_cfg.max_iters=3'
    )
    assert 'resumed epoch: 0, iter: 2' in output
    assert 'Iter(train) [3/3]' in output
    assert 'Iter(train) [1/' not in output

    output = mim(
        user, 'test', 'mmdet', 'ohem.py', '--gpus', '0',
        '--checkpoint', 'run/iter_3.pth', '--work-dir', 'run/test',
        '--out', 'run/test/detections.pkl',
    )  # fmt: skip
    assert 'Load checkpoint from run/iter_3.pth' in output
    assert 'pascal_voc/mAP' in output

    # What they left behind is what the reader of a work dir knows.
    run = WorkDir(user / 'run')
    assert run.last_checkpoint() == user / 'run' / 'iter_3.pth'
    assert run.curves['loss'].iterations == [1, 2, 3]
    assert run.metrics.measured_by.startswith('test, test/')
    assert len(run.read_detections()) == 2
    page = make_report([run.folder], num_detections=2).html
    assert 'alt="Detections of OHEM in 000002"' in page
