"""``mmdet-ohem proposals``: make, convert, check, show."""

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmdet_ohem.commands import main
from mmdet_ohem.proposals import (
    ProposalStore,
    load_proposals,
    save_proposals,
)
from mmdet_ohem.proposals.store_writer import write_store
from tests.voc_folder import Picture, Thing, write_voc

Run = Callable[..., int]
DOG, CAT = Thing('dog', (10, 20, 40, 60)), Thing('cat', (0, 0, 100, 80))
THIN = Thing('dog', (50, 20, 51, 60))


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    def call(*arguments: object) -> int:
        words = ['mmdet-ohem', 'proposals', *map(str, arguments)]
        monkeypatch.setattr(sys, 'argv', words)
        try:
            return main()
        except SystemExit as error:
            assert isinstance(error.code, int)
            return error.code

    return call


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two images in a folder with a space in its name, and a store."""
    pictures = {
        'a': Picture([DOG, DOG, THIN], proposals=[(10, 20, 40, 44), CAT.box]),
        'b': Picture([CAT], proposals=[CAT.box, DOG.box]),
    }
    root = write_voc(tmp_path / 'a folder', pictures)
    entries = load_proposals(root / 'proposals/voc_2007_test.pkl')
    sizes = dict.fromkeys(entries, (100, 80))
    save_proposals(root / 'p.safetensors', entries, {}, sizes)
    return root


def dataset(root: Path, file: str = 'p.safetensors') -> list[object]:
    voc = root / 'VOC2007'
    images = ['--img-dir', voc / 'JPEGImages']
    return [root / file, voc / 'ImageSets/Main/test.txt', *images]


def test_made_by_selective_search_and_done_again(
    root: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    _, *listed = dataset(root)
    out = root / 'new/made.safetensors'
    command = ['make', *listed, '--out', out, '--width', 32, '--workers', 1]
    assert run(*command) == 0
    assert '2 images (0 of them' in capsys.readouterr().out
    store = ProposalStore(out)
    assert list(store) == ['JPEGImages/a.jpg', 'JPEGImages/b.jpg']
    assert store.sizes.tolist() == [[100, 80]] * 2
    assert store.usable.all()
    before = out.stat().st_mtime_ns
    assert run(*command) == 0
    assert '2 images (2 of them' in capsys.readouterr().out
    assert out.stat().st_mtime_ns == before


def test_check_tells_recall_and_odd_objects(
    root: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = root / 'recall.png'
    assert run('check', *dataset(root), '--plot', plot) == 0
    printed = capsys.readouterr().out
    rows = [line.replace('│', ' ').split() for line in printed.splitlines()]
    # IoU .6 with the dog, which is annotated twice; none with the thin one.
    assert ['all', '4', '75.0', '25.0'] in rows
    assert ['cat', '1', '100.0', '100.0'] in rows
    assert ['dog', '3', '66.7', '0.0'] in rows
    assert '1 object is at most one pixel wide or high' in printed
    assert '1 object is annotated twice' in printed
    assert 'mean 2.0, median 2, 2 to 2' in printed
    assert cv2.imread(str(plot)) is not None


def test_check_names_all_that_is_wrong_and_fails(
    root: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = dict(load_proposals(root / 'p.safetensors'))
    boxes = [[-5, 3, 120, 90], [5, 5, 5, 9], [1, 2, 30, 40]]
    entries['JPEGImages/a.jpg'] = dict(
        bboxes=np.array(boxes, np.float32), scores=np.zeros(3, np.float32)
    )
    entries['JPEGImages/z.jpg'] = entries.pop('JPEGImages/b.jpg')
    write_store(root / 'bad.safetensors', entries)
    assert run('check', *dataset(root, 'bad.safetensors')) == 1
    printed = capsys.readouterr().out
    assert 'no proposals for 1 of 2 images: JPEGImages/b.jpg' in printed
    assert '1 entry is of images that' in printed
    assert 'clipped 1 box in 1 image' in printed
    assert 'left out 1 box in 1 image' in printed
    assert 'mean 2.0' in printed  # of the image that has some


@pytest.mark.parametrize(
    ('spoil', 'message'),
    [
        (lambda root: (root / 'p.safetensors').write_text('x'), 'no proposal'),
        (
            lambda root: (root / 'VOC2007/JPEGImages/b.jpg').unlink(),
            '1 of 2 images of',
        ),
        (
            lambda root: save_proposals(
                root / 'p.safetensors',
                {
                    f'JPEGImages/{x}.jpg': dict(
                        bboxes=np.array([[0.1, 0.1, 0.5, 0.9]], np.float32)
                    )
                    for x in 'ab'
                },
            ),
            'fractions of the image',
        ),
    ],
)
def test_check_fails_where_a_training_would(
    root: Path,
    run: Run,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], object],
    message: str,
) -> None:
    spoil(root)
    assert run('check', *dataset(root)) == 1
    printed = capsys.readouterr().out
    (line,) = [x for x in printed.splitlines() if x.startswith('error')]
    assert message in line


def test_datasets_of_a_config_are_checked(
    root: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    config = root / 'config.py'
    leaf = dict(
        type='mmdet_ohem.VOCProposalDataset',
        data_root=f'{root}/',
        ann_file='VOC2007/ImageSets/Main/trainval.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        proposal_file='p.safetensors',
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=[dict(type='PackDetInputs')],
    )
    other = dict(leaf, proposal_file='proposals/voc_2007_test.pkl')
    joined = dict(type='ConcatDataset', datasets=[leaf, other])
    config.write_text(
        "custom_imports = dict(imports=['mmdet_ohem'])\n"
        f'model = dict()\ntrain_dataloader = dict(dataset={joined!r})\n'
    )
    assert run('check', '--config', config) == 0
    assert capsys.readouterr().out.count('mean 2.0, median 2') == 2
    assert run('check', '--config', config, '--split', 'val') == 2
    assert 'no val_dataloader' in capsys.readouterr().err


def test_show_draws_the_worst_and_the_best(
    root: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run('show', *dataset(root), '--out', root / 'shown') == 0
    names = sorted(x.name for x in (root / 'shown').iterdir())
    assert names == ['best_1_b.png', 'worst_1_a.png']
    picture = cv2.imread(str(root / 'shown/best_1_b.png'))
    assert picture is not None
    assert picture.shape == (480, 600, 3)
    # The box of the whole image is at its edge.
    assert picture[240, 0].tolist() == [233, 180, 86]
    assert 'mean best IoU 1.00' in capsys.readouterr().out


def test_show_needs_no_objects(root: Path, run: Run) -> None:
    (root / 'VOC2007/Annotations').rename(root / 'elsewhere')
    assert run('show', *dataset(root), '--out', root / 'shown') == 0
    names = sorted(x.name for x in (root / 'shown').iterdir())
    assert names == ['boxes_1_a.png', 'boxes_2_b.png']


def test_converted_by_suffix(
    root: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run('convert', root / 'p.safetensors', root / 'q.pkl') == 0
    found = load_proposals(root / 'q.pkl')
    assert found['JPEGImages/b.jpg']['bboxes'][0].tolist() == list(CAT.box)
    assert run('convert', root / 'p.safetensors', root / 'q.pkl') == 2
    assert 'is there already' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['check'], '--config'),
        (['check', '{store}'], '--img-dir are needed'),
        (['check', '{store}', '--config', '{store}'], 'leave out the prop'),
        (['show', '{store}'], '--out'),
        (['convert', '{store}', 'a.npz'], "'.npz'"),
        (
            ['convert', '{store}', 'a.mat', '--image-list', '{store}'],
            'need each other',
        ),
        (
            ['make', '{store}', '--img-dir', '.', '--out', 'a.pkl',
             '--from-mat', 'x', '--scheduler', 'y'],
            'give one of them',
        ),
    ],
)  # fmt: skip
def test_bad_usage_is_a_line(
    root: Path,
    run: Run,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    store = str(root / 'p.safetensors')
    assert run(*(x.replace('{store}', store) for x in arguments)) == 2
    assert message in capsys.readouterr().err
