"""Laws of the embedded dataset: exact labels, clear decoys, no leaks."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from mmdet.datasets import VOCDataset

pytest.importorskip('sklearn')
pytest.importorskip('skimage')

from mmdet_ohem.demo import CLASSES, Scene, render_scene, write_dataset
from mmdet_ohem.demo.canvas import crop_photograph, load_photographs
from mmdet_ohem.demo.glyphs import (
    INK_THRESHOLD,
    MIN_DECOY_DISTANCE,
    digit_distance,
    draw_decoy,
    ink,
    load_digit_set,
)
from mmdet_ohem.demo.hard_digits import cover_shares
from mmdet_ohem.proposals import VOCProposalDataset

TOOL = Path(__file__).parents[2] / 'tools/make_demo_dataset.py'
SIZE = (256, 192)


@pytest.fixture(scope='module')
def scenes() -> list[Scene]:
    return [_scene(i) for i in range(40)]


def _scene(index: int) -> Scene:
    return render_scene(np.random.default_rng((0, 0, index)), 'train', SIZE)


def _iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU ``(A, B)`` of boxes whose corners are edges."""
    top_left = np.maximum(a[:, None, :2], b[:, :2])
    bottom_right = np.minimum(a[:, None, 2:], b[:, 2:])
    inter = np.maximum(bottom_right - top_left, 0).prod(-1)
    area_a = (a[:, 2:] - a[:, :2]).prod(-1)
    area_b = (b[:, 2:] - b[:, :2]).prod(-1)
    return inter / (area_a[:, None] + area_b - inter)


def _files(folder: Path) -> dict[str, bytes]:
    paths = (p for p in folder.rglob('*') if p.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths}


def test_one_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in 'ab':
        write_dataset(tmp_path / name, seed=3, num_train=2, num_test=1)
    assert _files(tmp_path / 'a') == _files(tmp_path / 'b')


def test_another_seed_gives_other_pictures(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_dataset(tmp_path / str(seed), seed, num_train=1, num_test=1)
    first, second = (_files(tmp_path / str(s)) for s in (0, 1))
    assert first['JPEGImages/000001.jpg'] != second['JPEGImages/000001.jpg']


def test_more_training_images_leave_the_others_alone(tmp_path: Path) -> None:
    write_dataset(tmp_path / 'few', num_train=1, num_test=1)
    write_dataset(tmp_path / 'more', num_train=3, num_test=1)
    few, more = _files(tmp_path / 'few'), _files(tmp_path / 'more')
    pictures = [name for name in few if 'JPEG' in name or 'Annot' in name]
    assert len(pictures) == 4
    assert all(few[name] == more[name] for name in pictures)


@pytest.mark.parametrize('index', range(3))
def test_decoys_are_as_many_as_asked_for_and_leave_the_digits(
    index: int,
) -> None:
    none, some = (
        render_scene(np.random.default_rng((7, index)), 'test', SIZE, num)
        for num in ((0, 0), (2, 2))
    )
    assert none.hard_background.shape == (0, 4)
    assert some.hard_background.shape == (2, 4)
    assert np.array_equal(none.boxes, some.boxes)
    assert np.array_equal(none.labels, some.labels)


def test_a_dataset_with_other_decoys_is_made_again(tmp_path: Path) -> None:
    write_dataset(tmp_path, num_train=1, num_test=1)
    assert write_dataset(tmp_path, num_train=1, num_test=1, num_decoys=(0, 0))
    assert not write_dataset(
        tmp_path, num_train=1, num_test=1, num_decoys=(0, 0)
    )


def test_a_full_square_of_ink_fills_its_box() -> None:
    # A square pattern, unturned, at height 40: 40 x 40 pixels of ink, of
    # which rounded corners alone may be bare.
    alpha = ink(np.full((8, 8), 16.0), height=40)
    assert alpha.shape == (40, 40)
    assert alpha[:, 20].min() > INK_THRESHOLD
    assert alpha[20].min() > INK_THRESHOLD


@pytest.mark.parametrize('angle', [-10, 0, 10])
def test_ink_touches_all_four_sides(angle: float) -> None:
    pattern = load_digit_set('train').patterns[0]
    inked = ink(pattern, 50, angle, shear=0.1) > INK_THRESHOLD
    sides = (inked[0], inked[-1], inked[:, 0], inked[:, -1])
    assert all(side.any() for side in sides)


def test_boxes_lie_in_the_image(scenes: list[Scene]) -> None:
    for scene in scenes:
        both = np.concatenate([scene.boxes, scene.hard_background])
        assert (both[:, :2] >= 0).all()
        assert (both[:, 2:] < SIZE).all()
        assert (both[:, 2:] > both[:, :2]).all()


def test_every_scene_has_objects_and_decoys(scenes: list[Scene]) -> None:
    assert {len(s.boxes) for s in scenes} == {3, 4, 5, 6}
    assert {len(s.hard_background) for s in scenes} <= {4, 5, 6, 7, 8}


def test_decoys_are_clear_background(scenes: list[Scene]) -> None:
    # The 2015 heuristic samples background at IoU >= 0.1 only.
    for scene in scenes:
        assert _iou(scene.hard_background, scene.boxes).max() < 0.1


def test_objects_hardly_overlap(scenes: list[Scene]) -> None:
    for scene in scenes:
        overlap = _iou(scene.boxes, scene.boxes)
        assert (overlap - np.eye(len(overlap))).max() <= 0.2


@pytest.mark.parametrize('field', ['boxes', 'hard_background'])
def test_scales_span_one_to_four(scenes: list[Scene], field: str) -> None:
    boxes = np.concatenate([getattr(s, field) for s in scenes])
    heights = boxes[:, 3] - boxes[:, 1]
    assert 17 <= heights.min() <= 24
    assert 70 <= heights.max() <= 80


def test_all_classes_occur(scenes: list[Scene]) -> None:
    labels = np.concatenate([s.labels for s in scenes])
    assert set(labels) == set(range(len(CLASSES)))


def test_occlusion_is_partial_and_not_rare(scenes: list[Scene]) -> None:
    assert max(s.covered.max() for s in scenes) <= 0.35
    assert min(s.visible.min() for s in scenes) >= 0.6
    assert 0.2 < np.mean([s.covered.any() for s in scenes]) < 0.5


def test_cover_shares_by_hand() -> None:
    # A 2 x 4 box; its right half is hidden, with 1 of 4 units of ink.
    alpha = np.array([[1.0, 1, 0, 0], [0, 1, 1, 0]])
    mask = np.zeros((10, 10), bool)
    mask[:, 5:] = True
    covered, visible = cover_shares(np.array([[3, 2, 7, 4]]), [alpha], mask)
    assert covered.tolist() == [0.5]
    assert visible.tolist() == [0.75]


def test_decoys_are_far_from_every_digit() -> None:
    rng, digits = np.random.default_rng(0), load_digit_set('train')
    decoys = [draw_decoy(rng, digits) for _ in range(40)]
    nearest = min(digit_distance(decoy, digits) for decoy in decoys)
    assert nearest > MIN_DECOY_DISTANCE


def test_splits_share_no_digit() -> None:
    train, test = (load_digit_set(s).patterns for s in ('train', 'test'))
    rows = {pattern.tobytes() for pattern in train}
    assert len(train) > 500
    assert len(test) > 250
    assert not rows & {pattern.tobytes() for pattern in test}


def test_splits_share_no_pixel_of_a_photograph(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Each column of this photograph has a grey level of its own.
    columns = np.linspace(0, 255, 600).astype(np.uint8)
    photo = np.repeat(np.tile(columns, (400, 1))[..., None], 3, axis=2)
    monkeypatch.setattr('cv2.imread', lambda _: photo)
    load_photographs.cache_clear()
    left = load_photographs('train')[0]
    right = load_photographs('test')[0]
    load_photographs.cache_clear()
    assert left.max() < right.min()
    assert left.shape[1] + right.shape[1] == 600


def test_a_crop_has_the_size_asked_for() -> None:
    crop = crop_photograph(np.random.default_rng(0), 'test', (160, 120))
    assert crop.shape == (120, 160, 3)


@pytest.mark.parametrize(
    ('dataset_class', 'last'),
    # mmdet's reads the last pixels, ours the edges behind them.
    [(VOCDataset, 1), (VOCProposalDataset, 0)],
)
def test_both_data_sets_read_the_same_boxes(
    tmp_path: Path, dataset_class: Any, last: int
) -> None:
    write_dataset(tmp_path, num_train=3, num_test=1)
    dataset = dataset_class(
        data_root=str(tmp_path),
        ann_file='ImageSets/Main/train.txt',
        data_prefix={'sub_data_root': ''},
        metainfo={'classes': CLASSES},
        pipeline=[],
    )
    for index in range(3):
        info, scene = dataset.get_data_info(index), _scene(index)
        read = [item['bbox'] for item in info['instances']]
        labels = [item['bbox_label'] for item in info['instances']]
        assert read == (scene.boxes - [0, 0, last, last]).tolist()
        assert labels == scene.labels.tolist()
        assert (info['width'], info['height']) == SIZE


def test_an_interrupted_dataset_is_made_again(tmp_path: Path) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(tmp_path, num_train=1, num_test=1, on_image=stop)
    assert write_dataset(tmp_path, num_train=1, num_test=1)


@pytest.mark.parametrize(
    ('settings', 'words'),
    [
        ({'seed': -1}, 'seed is -1'),
        ({'num_train': 0}, 'train has 0 images'),
        ({'size': (64, 48)}, 'size is 64 x 48'),
        ({'num_decoys': (5, 4)}, 'num_decoys is 5 4'),
        ({'num_decoys': (-1, 4)}, 'num_decoys is -1 4'),
    ],
)
def test_bad_settings_are_named(
    tmp_path: Path, settings: dict, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        write_dataset(tmp_path, **settings)
    assert not _files(tmp_path)


def _load_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location('make_demo_dataset', TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_command_line_skips_what_is_complete(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tool = _load_tool()
    said = []
    for seed in ('0', '0', '1'):
        options = f'--num-train 1 --num-test 1 --seed {seed}'.split()
        argv = ['make_demo_dataset.py', '--out', str(tmp_path), *options]
        monkeypatch.setattr(sys, 'argv', argv)
        assert tool.main() == 0
        said.append('wrote' in capsys.readouterr().out)
    assert said == [True, False, True]
