"""Finds the image files of a list by their stems, under any usual suffix."""

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from mmdet_ohem.counts import Count

#: Of the files that OpenCV reads, in small letters.
SUFFIXES = (
    *('.jpg', '.jpeg', '.jpe', '.png', '.bmp', '.dib', '.webp', '.tif'),
    *('.tiff', '.jp2', '.avif', '.gif', '.pbm', '.pgm', '.ppm', '.pnm'),
    *('.pxm', '.pfm', '.sr', '.ras'),
)


def find_images(
    image_ids: Iterable[str],
    img_dir: str | os.PathLike[str],
    suffix: str | None = None,
) -> dict[str, Path]:
    """Finds the image of each name.

    Args:
        image_ids: Names of the images, without suffix.
        img_dir: Their folder.
        suffix: What follows the name in the file name, if there are several
            files of one name. None: any of :data:`SUFFIXES`, in small or
            capital letters.

    Returns:
        Absolute path by id: the folder's name is part of mmdet's key, and
        ``.`` has none. Where there is no image, the path that it should have
        had, as ``.jpg``.

    Raises:
        ValueError: Two files differ in their suffix alone.
    """
    folder = os.path.abspath(img_dir)
    if suffix is not None:
        return {name: Path(folder, name + suffix) for name in image_ids}
    files = _Folders(folder)
    found, doubled = {}, []
    for name in image_ids:
        paths = files.of_stem(name)
        if len(paths) > 1:
            doubled.append(paths)
        found[name] = paths[0] if paths else Path(folder, f'{name}.jpg')
    if doubled:
        raise ValueError(
            f'{Count(len(doubled)):image} {Count(len(doubled)):has|have} two '
            f'files in {folder}, the first is '
            f'{" and ".join(path.name for path in doubled[0])}: it is not '
            'certain which of them is meant. Remedy: move all but one away, '
            'or say which suffix counts: img_suffix in the dataset, --suffix '
            'for mmdet-ohem proposals make'
        )
    return found


def other_files(path: str | os.PathLike[str]) -> list[str]:
    """Names of the files that have the stem of a missing image.

    Args:
        path: Of the image; its suffix does not matter.
    """
    folder, name = os.path.split(os.fspath(path))
    stem = os.path.splitext(name)[0]
    if not os.path.isdir(folder):
        return []
    return sorted(
        x for x in os.listdir(folder) if os.path.splitext(x)[0] == stem
    )


class _Folders:
    """Image files by stem, of a folder and those below that are asked for."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._files: dict[str, dict[str, list[Path]]] = {}

    def of_stem(self, name: str) -> list[Path]:
        """Images called ``name`` and a suffix, sorted."""
        below, stem = os.path.split(name)
        if below not in self._files:
            self._files[below] = self._read(os.path.join(self._root, below))
        return self._files[below].get(stem, [])

    def _read(self, folder: str) -> dict[str, list[Path]]:
        """Each folder is read once: asking for every suffix takes longer."""
        files = defaultdict(list)
        for name in sorted(
            os.listdir(folder) if os.path.isdir(folder) else ()
        ):
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in SUFFIXES:
                files[stem].append(Path(folder, name))
        return dict(files)
