"""``mmdet-ohem doctor CONFIG``: what is wrong is a line with its remedy."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mmdet_ohem.commands import main
from mmdet_ohem.doctor import resources
from mmdet_ohem.doctor.machine import GIB
from tests.voc_folder import Picture, Thing, boxes_around, write_voc

ROOT = Path(__file__).parents[2]
Call = Callable[..., tuple[int, list[str]]]
THINGS = [Thing('dog', (4, 4, 43, 43)), Thing('cat', (50, 20, 95, 75))]
# A small detector on two images.
CONFIG = """
_base_ = {base!r}

for _loader in (_base_.train_dataloader, _base_.val_dataloader,
                _base_.test_dataloader):
    _loader.dataset.data_root = 'data'
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
    train_cfg=dict(rcnn=dict(sampler=dict(num=16))))
"""


@pytest.fixture(scope='module')
def user(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's folder with data and a config."""
    folder = tmp_path_factory.mktemp('a user')
    picture = Picture(THINGS, proposals=boxes_around(THINGS, 40))
    write_voc(folder / 'data', {'000001': picture, '000002': picture})
    base = ROOT / 'configs' / 'fast_rcnn_vgg16_ohem_voc07.py'
    (folder / 'ohem.py').write_text(CONFIG.format(base=str(base)))
    (folder / 'broken.py').write_text('model = dict(\n')
    (folder / 'torn.pth').write_bytes(b'PK')
    return folder


@pytest.fixture
def doctor(
    user: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> Call:
    """Calls the command in the user's folder: status and printed lines."""
    monkeypatch.chdir(user)
    # Whether the machine of the tests is nearly full is none of theirs.
    monkeypatch.setattr(resources, 'free_disk', lambda _: 100 * GIB)
    monkeypatch.setattr(resources, 'available_memory', lambda: 100 * GIB)

    def call(*args: str) -> tuple[int, list[str]]:
        monkeypatch.setattr(sys, 'argv', ['mmdet-ohem', 'doctor', *args])
        status = main()
        return status, capsys.readouterr().out.splitlines()

    return call


def test_a_good_config_is_trained_on_one_image(
    doctor: Call, user: Path
) -> None:
    before = sorted(user.rglob('*'))
    status, lines = doctor('ohem.py', '--device', 'cpu')
    assert status == 0, lines
    assert lines[-1].startswith('0 errors')
    text = '\n'.join(lines)
    for found in (
        'mmcv ops on cpu  nms and RoIAlign work',
        '2 images, 20 classes; the network sees the first at 100 x 80 pixels',
        'train proposals  40 an image',
        'test data        the same as val data',
        'num_classes is 20',
        'mmdet_ohem.OHEMSampler takes 16 RoIs an image of 40',
        'gradients are finite',
    ):
        assert found in text
    assert sorted(user.rglob('*')) == before


@pytest.mark.parametrize(
    ('option', 'line', 'status'),
    [
        (
            'model.roi_head.bbox_head.num_classes=7',
            'error   classes          model.roi_head.bbox_head.num_classes '
            'is 7, but the train dataset has 20: aeroplane',
            1,
        ),
        (
            'train_dataloader.dataset.proposal_file=none.pkl',
            'error   train data       proposal file data/none.pkl does not',
            1,
        ),
        (
            'load_from=none.pth',
            'error   weights          none.pth does not exist (load_from). '
            'Remedy: bring it there, or name another file',
            1,
        ),
        (
            'load_from=torn.pth',
            'error   weights          torn.pth is cut off',
            1,
        ),
        (
            'model.train_cfg.rcnn.sampler.type=OHEMSampler '
            'model.train_cfg.rcnn.sampler.pos_fraction=0.25 '
            'custom_imports.imports=[mmdet_ohem]',
            'warning sampler          OHEMSampler takes 16 RoIs an image',
            0,
        ),
        (
            'model.train_cfg.rcnn.sampler.num=512',
            'warning sampler          mmdet_ohem.OHEMSampler takes 512 RoIs '
            'an image of 40 (median of the proposals): all are taken',
            0,
        ),
        (
            'train_dataloader.dataset.type=VOCProposalDatset',
            "error   train data       'VOCProposalDatset is not in",
            1,
        ),
    ],
)
def test_what_is_wrong_is_a_line(
    option: str, line: str, status: int, doctor: Call
) -> None:
    found = doctor('ohem.py', '--no-step', '--cfg-options', *option.split())
    assert found[0] == status, found
    start = line.replace("'VOC", 'VOC')
    assert any(x.startswith(start) for x in found[1]), found[1]


def test_an_infinite_loss_is_an_error(doctor: Call) -> None:
    status, lines = doctor(
        'ohem.py', '--cfg-options',
        'model.roi_head.bbox_head.loss_bbox.loss_weight=inf',
        'model.train_cfg.rcnn.sampler.type=RandomSampler',
        'model.train_cfg.rcnn.sampler.pos_fraction=0.25',
        '--device', 'cpu',
    )  # fmt: skip
    assert status == 1
    found = [x for x in lines if x.startswith('error')]
    assert len(found) == 1
    assert found[0].startswith('error   training step    the loss is not')


def test_a_broken_config_is_a_line(doctor: Call) -> None:
    status, lines = doctor('broken.py')
    assert status == 1
    assert any(
        x.startswith('error   config           config broken.py cannot be')
        for x in lines
    ), lines


@pytest.mark.parametrize(
    'args', [['none.py'], ['ohem.py', '--cfg-options', 'x'], ['--colour']]
)
def test_bad_usage(
    args: list[str],
    doctor: Call,
    capsys: pytest.CaptureFixture,
) -> None:
    code: object = 0
    try:
        code = doctor(*args)[0]
    except SystemExit as stopped:
        code = stopped.code
    assert code == 2
