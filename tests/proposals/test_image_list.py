"""Lists as editors, shells and VOC's kit write them; images of any suffix."""

from pathlib import Path

import pytest

from mmdet_ohem.proposals.image_files import find_images, other_files
from mmdet_ohem.proposals.image_list import read_image_list


@pytest.mark.parametrize(
    'data',
    [
        b'a\nb c\n',
        b'a\nb c',
        b'a\r\nb c\r\n',
        b'a\rb c\r',
        b' a \t\n\n\nb c  \n\n',
        b'\xef\xbb\xbfa\nb c\n',
        'a\nb c\n'.encode('utf-16'),
        b'a.jpg\nb c.PNG\n',
    ],
)
def test_the_same_two_names(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / 'list.txt'
    path.write_bytes(data)
    assert read_image_list(path) == ['a', 'b c']


def test_names_keep_what_is_no_suffix_of_an_image(tmp_path: Path) -> None:
    path = tmp_path / 'list.txt'
    names = ['v1.2', 'sub/a', '.jpg', 'Überweg', 'x\u2028y', 'frame 0']
    path.write_text('\n'.join(names), encoding='utf-8')
    assert read_image_list(path) == names


def test_repeats_are_kept_where_they_are_allowed(tmp_path: Path) -> None:
    path = tmp_path / 'list.txt'
    path.write_text('a\nb\na.jpg\n')
    assert read_image_list(path, repeats=True) == ['a', 'b', 'a']
    with pytest.raises(ValueError, match="'a' twice"):
        read_image_list(path)


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (b'a -1\nb  1\nc  0\n', r"two columns.*'a -1'.*awk"),
        (b'\n \n', 'lists no image'),
        (b'/data/a.jpg\n', 'which is a path'),
        (b'../a\n', 'which is a path'),
        (b'a\0b\n', 'not a text file'),
        ('é'.encode('latin-1'), 'not a text file'),
        (b'\xff\xfea', 'not a text file'),
    ],
)
def test_what_is_no_list(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / 'list.txt'
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as info:
        read_image_list(path)
    assert str(path) in str(info.value)


def test_names_that_count_are_no_class_list(tmp_path: Path) -> None:
    path = tmp_path / 'list.txt'
    path.write_text('frame 0\nframe 1\n')
    assert read_image_list(path) == ['frame 0', 'frame 1']


def test_no_list_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'no\.txt does not exist'):
        read_image_list(tmp_path / 'no.txt')


def test_images_are_found_by_their_stems(tmp_path: Path) -> None:
    names = ['a.jpg', 'b.JPG', 'c.jpeg', 'd.png', 'e.v1.bmp', 'sub/f.WebP']
    (tmp_path / 'sub').mkdir()
    for name in [*names, 'a.xml', 'a.txt', 'd']:
        (tmp_path / name).touch()
    stems = ['a', 'b', 'c', 'd', 'e.v1', 'sub/f']
    found = find_images(stems, tmp_path)
    assert found == {
        stem: tmp_path / name for stem, name in zip(stems, names, strict=True)
    }


def test_a_missing_image_has_the_path_that_it_should_have(
    tmp_path: Path,
) -> None:
    (tmp_path / 'a.heic').touch()
    assert find_images(['a'], tmp_path) == {'a': tmp_path / 'a.jpg'}
    assert find_images(['a'], tmp_path / 'no') == {'a': tmp_path / 'no/a.jpg'}
    assert other_files(tmp_path / 'a.jpg') == ['a.heic']
    assert other_files(tmp_path / 'no/a.jpg') == []


def test_two_files_of_a_stem_are_an_error(tmp_path: Path) -> None:
    for name in ('a.jpg', 'a.png', 'b.jpg'):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r'first is a\.jpg and a\.png'):
        find_images(['a', 'b'], tmp_path)
    assert find_images(['b'], tmp_path) == {'b': tmp_path / 'b.jpg'}
    assert find_images(['a'], tmp_path, '.png') == {'a': tmp_path / 'a.png'}
