import multiprocessing
import os
import pickle
import signal
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmdet_ohem.proposals.image_files import find_images
from mmdet_ohem.proposals.image_list import read_image_list
from mmdet_ohem.proposals.journal import SettingsMismatchError
from mmdet_ohem.proposals.make import make_proposals
from mmdet_ohem.proposals.proposal_file import (
    load_proposals,
    make_entry,
    proposal_key,
    save_proposals,
)


def brightness_box(img: np.ndarray, mode: str, width: int) -> np.ndarray:
    """Stands in for the search: one box that tells the image."""
    return np.full((2, 4), img[0, 0, 0], dtype=np.float32)


def never(img: np.ndarray, mode: str, width: int) -> np.ndarray:
    raise AssertionError('searched again')


def make_images(folder: Path, values: list[int]) -> dict[str, Path]:
    """Flat images of different sizes, ids 'a', 'b', ..."""
    folder.mkdir()
    ids = [chr(ord('a') + i) for i in range(len(values))]
    for i, (image_id, value) in enumerate(zip(ids, values, strict=True)):
        img = np.full((8 + i, 12, 3), value, dtype=np.uint8)
        cv2.imwrite(str(folder / f'{image_id}.png'), img)
    return find_images(ids, folder, '.png')


def assert_same_file(first: Path, second: Path) -> None:
    left, right = load_proposals(first), load_proposals(second)
    assert list(left) == list(right)
    for key in left:
        np.testing.assert_array_equal(
            left[key]['bboxes'], right[key]['bboxes']
        )


def stop_after(
    num: int, stop: Callable[[], None]
) -> Callable[[int, int], None]:
    """A progress callback that stops the run after some images."""

    def on_progress(done: int, total: int) -> None:
        if done == num:
            stop()

    return on_progress


def interrupt() -> None:
    raise KeyboardInterrupt


def run_interrupted(images: dict[str, Path], out: Path, num: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        make_proposals(
            images,
            out,
            on_progress=stop_after(num, interrupt),
            search=brightness_box,
        )


def kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_image_list_skips_empty_lines(tmp_path: Path) -> None:
    path = tmp_path / 'list.txt'
    path.write_text('000005\r\n\n 000007 \n')
    assert read_image_list(path) == ['000005', '000007']


@pytest.mark.parametrize(
    ('data', 'message'),
    [(b'\n', 'empty'), (b'a\nb\na\n', "'a' twice"), (b'\xff\xd8', 'not a t')],
)
def test_bad_image_list_is_named(
    tmp_path: Path, data: bytes, message: str
) -> None:
    path = tmp_path / 'list.txt'
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_image_list(path)


def test_key_has_the_folder_though_given_as_dot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'JPEGImages').mkdir()
    monkeypatch.chdir(tmp_path / 'JPEGImages')
    assert proposal_key(find_images(['5'], '.')['5']) == 'JPEGImages/5.jpg'


def test_file_follows_the_list_and_side_file_goes(tmp_path: Path) -> None:
    images = make_images(tmp_path / 'images', [30, 10, 20])
    out = tmp_path / 'o.pkl'
    steps: list[tuple[int, int]] = []
    result = make_proposals(
        images,
        out,
        on_progress=lambda *step: steps.append(step),
        search=brightness_box,
    )
    loaded = load_proposals(out)
    assert [entry['bboxes'][0, 0] for entry in loaded.values()] == [30, 10, 20]
    assert list(loaded) == ['images/a.png', 'images/b.png', 'images/c.png']
    assert (result.written, result.skipped, result.failed) == (3, 0, [])
    assert result.box_counts == [2, 2, 2]
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert not out.with_name('o.pkl.partial').exists()


def test_complete_file_is_not_made_again(tmp_path: Path) -> None:
    images = make_images(tmp_path / 'images', [1, 2])
    out = tmp_path / 'o.pkl'
    make_proposals(images, out, search=brightness_box)
    before = out.read_bytes()
    result = make_proposals(images, out, search=never)
    assert (result.written, result.skipped, result.failed) == (2, 2, [])
    assert out.read_bytes() == before


def test_resumed_after_an_interruption_equals_undisturbed(
    tmp_path: Path,
) -> None:
    images = make_images(tmp_path / 'images', [5, 6, 7, 8])
    out, undisturbed = tmp_path / 'o.pkl', tmp_path / 'u.pkl'
    make_proposals(images, undisturbed, search=brightness_box)
    run_interrupted(images, out, 3)
    result = make_proposals(images, out, search=brightness_box)
    assert result.skipped == 3
    assert_same_file(out, undisturbed)


def test_a_flipped_bit_makes_its_image_again(tmp_path: Path) -> None:
    images = make_images(tmp_path / 'images', [5, 6, 7])
    out, undisturbed = tmp_path / 'o.pkl', tmp_path / 'u.pkl'
    make_proposals(images, undisturbed, search=brightness_box)
    run_interrupted(images, out, 3)
    journal = out.with_name('o.pkl.partial')
    data = bytearray(journal.read_bytes())
    data[data.index(np.full(8, 6, '<f4').tobytes())] ^= 1
    journal.write_bytes(data)
    result = make_proposals(images, out, search=brightness_box)
    assert result.skipped == 2
    assert_same_file(out, undisturbed)


@pytest.mark.skipif(
    'fork' not in multiprocessing.get_all_start_methods(), reason='no fork'
)
def test_resumed_after_sigkill_equals_undisturbed(tmp_path: Path) -> None:
    images = make_images(tmp_path / 'images', [5, 6, 7, 8])
    out, undisturbed = tmp_path / 'o.pkl', tmp_path / 'u.pkl'
    make_proposals(images, undisturbed, search=brightness_box)
    process = multiprocessing.get_context('fork').Process(
        target=make_proposals,
        args=(images, out),
        kwargs={
            'on_progress': stop_after(2, kill_this_process),
            'search': brightness_box,
        },
    )
    process.start()
    process.join(20)
    assert process.exitcode == -signal.SIGKILL
    assert not out.exists()
    result = make_proposals(images, out, search=brightness_box)
    assert result.skipped == 2
    assert_same_file(out, undisturbed)


def test_dying_workers_fail_their_image_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In a file of its own, so that the workers can import it.
    (tmp_path / 'fatal_search.py').write_text(
        'import os, signal\n'
        'def search(img, mode, width):\n'
        '    if img[0, 0, 0] == 66:\n'
        '        os.kill(os.getpid(), signal.SIGKILL)\n'
        '    return img[0, :1, :1].repeat(4, 1)\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    from fatal_search import search  # type: ignore[import-not-found]

    images = make_images(tmp_path / 'images', [1, 2, 66, 4, 5, 6, 7])
    out = tmp_path / 'o.pkl'
    result = make_proposals(images, out, num_workers=2, search=search)
    assert [image_id for image_id, _ in result.failed] == ['c']
    assert 'process died' in result.failed[0][1]
    values = [e['bboxes'][0, 0] for e in load_proposals(out).values()]
    assert values == [1, 2, 4, 5, 6, 7]


@pytest.mark.parametrize('unfinished', [True, False])
def test_other_settings_are_refused(tmp_path: Path, unfinished: bool) -> None:
    images = make_images(tmp_path / 'images', [1, 2])
    out = tmp_path / 'o.pkl'
    if unfinished:
        run_interrupted(images, out, 1)
    else:
        make_proposals(images, out, search=brightness_box)
    with pytest.raises(SettingsMismatchError, match="'width': 400"):
        make_proposals(images, out, width=400, search=brightness_box)


def test_file_of_other_images_or_makers_is_kept(tmp_path: Path) -> None:
    images = make_images(tmp_path / 'images', [1, 2])
    out = tmp_path / 'o.pkl'
    make_proposals(images, out, search=brightness_box)
    with pytest.raises(ValueError, match=r"1 image.*'images/b\.png'"):
        make_proposals({'a': images['a']}, out, search=brightness_box)
    save_proposals(out, {'images/a.png': make_entry(np.ones((1, 4)))})
    with pytest.raises(SettingsMismatchError, match='does not name'):
        make_proposals(images, out, search=brightness_box)


def test_foreign_side_file_is_kept(tmp_path: Path) -> None:
    images = make_images(tmp_path / 'images', [1])
    side = tmp_path / 'o.pkl.partial'
    side.write_text('my notes')
    with pytest.raises(ValueError, match='is in the way'):
        make_proposals(images, tmp_path / 'o.pkl', search=brightness_box)
    assert side.read_text() == 'my notes'


def test_an_older_file_is_taken_over_as_edges(tmp_path: Path) -> None:
    images = make_images(tmp_path / 'images', [1, 2])
    out = tmp_path / 'o.pkl'
    make_proposals(images, out, search=brightness_box)
    with out.open('rb') as file:
        entries, stamp = pickle.load(file), pickle.load(file)
    assert stamp.pop('corners') == 'edges'
    # As this package wrote it before: corners inclusive, nothing said.
    out.write_bytes(pickle.dumps(entries) + pickle.dumps(stamp))
    result = make_proposals(images, out, search=never)
    assert result.skipped == 2
    with out.open('rb') as file:
        entries, stamp = pickle.load(file), pickle.load(file)
    assert stamp['corners'] == 'edges'
    first = entries['images/a.png']['bboxes'][0]
    assert first.tolist() == [1, 1, 2, 2]


def test_images_that_mmdet_cannot_tell_apart_are_refused(
    tmp_path: Path,
) -> None:
    images = {'x': Path('/1/images/a.png'), 'y': Path('/2/images/a.png')}
    with pytest.raises(ValueError, match='2 images share 1 key:'):
        make_proposals(images, tmp_path / 'o.pkl', search=never)
