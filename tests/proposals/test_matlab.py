from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from mmdet_ohem.proposals.matlab import convert_mat


def save_cells(path: Path, matrices: list[Any], row: bool = True) -> Path:
    cells = np.empty(len(matrices), dtype=object)
    cells[:] = matrices
    shape = (1, -1) if row else (-1, 1)
    savemat(path, {'boxes': cells.reshape(shape), 'images': 'unused'})
    return path


@pytest.mark.parametrize('row', [True, False])
def test_cells_are_yxyx_from_one(tmp_path: Path, row: bool) -> None:
    # A 20 x 10 box (w x h) whose first pixel is the image's first.
    path = save_cells(
        tmp_path / 'voc.mat',
        [np.array([[1.0, 1, 10, 20], [3, 5, 3, 5]]), np.ones((1, 4))],
        row,
    )
    boxes = convert_mat(path, ['a', 'b'])
    assert list(boxes) == ['a', 'b']
    assert boxes['a'].tolist() == [[0, 0, 20, 10], [4, 2, 5, 3]]
    assert boxes['b'].tolist() == [[0, 0, 1, 1]]
    assert boxes['a'].dtype == np.float32


def test_single_cell_is_no_plain_matrix(tmp_path: Path) -> None:
    path = save_cells(tmp_path / 'one.mat', [np.array([[1, 2, 3, 4]])])
    assert convert_mat(path, ['a'])['a'].tolist() == [[1, 0, 4, 3]]


def test_image_without_boxes_has_shape_0_4(tmp_path: Path) -> None:
    path = save_cells(tmp_path / 'a.mat', [np.zeros((0, 0)), np.ones((1, 4))])
    assert convert_mat(path, ['a', 'b'])['a'].shape == (0, 4)


def test_unsigned_numbers_do_not_wrap(tmp_path: Path) -> None:
    path = save_cells(tmp_path / 'a.mat', [np.array([[1, 1, 2, 2]], 'u2')])
    assert convert_mat(path, ['a'])['a'].tolist() == [[0, 0, 2, 2]]


@pytest.mark.parametrize(
    ('order', 'base', 'expected'),
    [
        ('xyxy', 0, [[1, 2, 31, 5]]),
        ('xyxy', 1, [[0, 1, 30, 4]]),
        ('yxyx', 0, [[2, 1, 5, 31]]),
        ('yxyx', 1, [[1, 0, 4, 30]]),
    ],
)
def test_plain_matrix_follows_order_and_base(
    tmp_path: Path, order: str, base: int, expected: list[list[int]]
) -> None:
    path = tmp_path / 'demo.mat'
    savemat(path, {'boxes': np.array([[1, 2, 30, 4]], dtype=np.uint16)})
    assert convert_mat(path, ['a'], order, base)['a'].tolist() == expected


@pytest.mark.parametrize('given', [{}, {'column_order': 'xyxy'}, {'base': 0}])
def test_plain_matrix_is_not_guessed(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    path = tmp_path / 'demo.mat'
    savemat(path, {'boxes': np.array([[1, 2, 30, 4]])})
    with pytest.raises(ValueError, match="column_order='xyxy', base=0"):
        convert_mat(path, ['a'], **given)


def test_other_number_of_images_is_named(tmp_path: Path) -> None:
    path = save_cells(tmp_path / 'a.mat', [np.ones((1, 4))] * 3)
    with pytest.raises(ValueError, match=r'boxes of 3 images.*has 2'):
        convert_mat(path, ['a', 'b'])


@pytest.mark.parametrize(
    ('matrix', 'given', 'message'),
    [
        (np.array([[0, 1, 2, 3]]), {}, "image 'a': row 0.*base=1"),
        ([[1, 1, 2, 2], [5, 1, 4, 2]], {}, 'row 1'),
        ([[1, 1, 2, np.nan]], {}, 'row 0'),
        (np.ones((2, 5)), {}, r'shape \(2, 5\)'),
        ([[1, 2, 3, 4]], {'column_order': 'xywh'}, "is 'xywh'"),
        ([[1, 2, 3, 4]], {'base': 2}, 'base is 2'),
    ],
)
def test_boxes_that_are_none_are_named(
    tmp_path: Path, matrix: object, given: dict[str, Any], message: str
) -> None:
    path = save_cells(tmp_path / 'a.mat', [np.asarray(matrix)])
    with pytest.raises(ValueError, match=message):
        convert_mat(path, ['a'], **given)


def test_missing_key_lists_those_found(tmp_path: Path) -> None:
    path = tmp_path / 'a.mat'
    savemat(path, {'proposals': np.ones((1, 4))})
    with pytest.raises(ValueError, match=r"only \['proposals'\]"):
        convert_mat(path, ['a'])


def test_missing_and_damaged_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / 'a.mat'
    with pytest.raises(FileNotFoundError, match=r'a\.mat does not exist'):
        convert_mat(path, ['a'])
    path.write_bytes(b'no matlab here')
    with pytest.raises(ValueError, match=r'a\.mat: not a readable \.mat'):
        convert_mat(path, ['a'])


def test_matlab_7_3_says_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / 'a.mat'
    # The head of such a file: text, version 2.0, byte order.
    path.write_bytes(b'MATLAB 7.3 MAT-file'.ljust(124) + b'\x00\x02IM' * 9)
    with pytest.raises(ValueError, match='-v7'):
        convert_mat(path, ['a'])
