"""What is written for the server is what was detected."""

import tarfile
from pathlib import Path

import numpy as np
import pytest

from mmdet_ohem.evaluation import read_voc_archive, write_voc_archive
from mmdet_ohem.evaluation.voc_results import format_lines

BOXES = {
    '2008_000001': np.array([[47, 239, 195, 371, 0.25], [0, 0, 10, 10, 0.9]]),
    '2008_000002': np.array([[7.04, 11.26, 352, 498.95, 0.5]]),
    '2008_000003': np.zeros((0, 5)),
}


def random_boxes(num: int) -> np.ndarray:
    """x1, y1, x2, y2 (edges), score of shape (num, 5), float32."""
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 400, (num, 2))
    size = rng.uniform(1, 100, (num, 2))
    scores = rng.uniform(0, 1, (num, 1)) ** 4
    return np.hstack([corner, corner + size, scores]).astype(np.float32)


def test_a_line_a_box_counted_from_one_highest_score_first() -> None:
    assert format_lines(BOXES, 3).splitlines() == [
        '2008_000001 0.900 1.0 1.0 10.0 10.0',
        '2008_000002 0.500 8.0 12.3 352.0 498.9',
        '2008_000001 0.250 48.0 240.0 195.0 371.0',
    ]


def test_a_pixel_is_its_own_last_pixel() -> None:
    pixel = {'a': np.array([[7, 3, 8, 4, 0.5]])}
    assert format_lines(pixel, 1) == 'a 0.5 8.0 4.0 8.0 4.0\n'


def test_scores_that_rounding_makes_equal_keep_their_order() -> None:
    scores = [2e-5, 4e-4, 1e-5, 3e-4]
    boxes = {
        str(i): np.array([[0, 0, 9, 9, score]])
        for i, score in enumerate(scores)
    }
    lines = [line.split() for line in format_lines(boxes, 3).splitlines()]
    assert [line[0] for line in lines] == ['1', '3', '0', '2']
    assert {line[1] for line in lines} == {'0.000'}
    assert format_lines(boxes, 6).split()[1::6] == [
        '0.000400',
        '0.000300',
        '0.000020',
        '0.000010',
    ]


def test_no_detection_is_an_empty_file() -> None:
    assert format_lines({}, 3) == ''
    assert format_lines({'a': np.zeros((0, 5))}, 3) == ''


def test_the_archive_has_the_servers_tree(tmp_path: Path) -> None:
    detections = {'dog': BOXES, 'diningtable': {}}
    archive = write_voc_archive(tmp_path / 'out/run', detections)
    assert archive == tmp_path / 'out/run.tar.gz'
    folder = 'results/VOC2012/Main'
    with tarfile.open(archive) as tar:
        assert tar.getnames() == [
            f'{folder}/comp4_det_test_dog.txt',
            f'{folder}/comp4_det_test_diningtable.txt',
        ]
    file = tmp_path / 'out/run' / folder / 'comp4_det_test_dog.txt'
    assert file.read_text() == format_lines(BOXES, 6)


@pytest.mark.parametrize('decimals', [3, 6])
def test_reading_back_gives_the_boxes_to_the_precision_of_the_format(
    tmp_path: Path, decimals: int
) -> None:
    boxes = random_boxes(200)
    by_image = {str(i): boxes[i::7] for i in range(7)}
    archive = write_voc_archive(
        tmp_path / 'run', {'cat': by_image}, score_decimals=decimals
    )
    found = read_voc_archive(archive)['cat']
    assert sorted(found) == sorted(by_image)
    for name, rows in by_image.items():
        expected = rows[np.argsort(-rows[:, 4])]
        off = np.abs(found[name] - expected).max(0)
        # Half of the last digit; of float32 as well.
        assert off[:4].max() <= 0.05 + 1e-4
        assert off[4] <= 0.5 * 10**-decimals + 1e-7


def test_a_run_that_fails_leaves_the_older_archive(tmp_path: Path) -> None:
    archive = write_voc_archive(tmp_path / 'run', {'dog': BOXES})
    before = archive.read_bytes()
    bad = {'dog': {'a': np.zeros((1, 3))}}
    with pytest.raises(IndexError):
        write_voc_archive(tmp_path / 'run', bad)
    assert archive.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {'run', 'run.tar.gz'}


def test_a_class_that_is_missing_is_an_error(tmp_path: Path) -> None:
    archive = write_voc_archive(tmp_path / 'run', {'dog': BOXES, 'cat': {}})
    assert read_voc_archive(archive, ['cat', 'dog'])['cat'] == {}
    with pytest.raises(ValueError, match=r"for \['cow'\]"):
        read_voc_archive(archive, ['dog', 'cow'])


def test_what_is_no_archive_is_an_error(tmp_path: Path) -> None:
    (tmp_path / 'a.tar.gz').write_bytes(b'boxes')
    with pytest.raises(ValueError, match='is not an archive'):
        read_voc_archive(tmp_path / 'a.tar.gz')
    with tarfile.open(tmp_path / 'b.tar.gz', 'w:gz') as tar:
        tar.add(tmp_path / 'a.tar.gz', arcname='comp4_det_test_dog.txt')
    with pytest.raises(ValueError, match='any class'):
        read_voc_archive(tmp_path / 'b.tar.gz')


@pytest.mark.parametrize('line', ['a 0.5 1 2 3', 'a 0.5 1 2 3 four', ''])
def test_a_malformed_line_is_an_error_that_shows_it(
    tmp_path: Path, line: str
) -> None:
    file = tmp_path / 'comp4_det_test_dog.txt'
    file.write_text(f'a 0.5 1 2 3 4\n{line}\n')
    name = f'results/VOC2012/Main/{file.name}'
    with tarfile.open(tmp_path / 'run.tar.gz', 'w:gz') as tar:
        tar.add(file, arcname=name)
    with pytest.raises(ValueError, match=f'{name}, line 2: {line!r}'):
        read_voc_archive(tmp_path / 'run.tar.gz')
