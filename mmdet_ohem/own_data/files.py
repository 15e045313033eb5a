"""The files of a folder, and which image an annotation belongs to."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmdet_ohem.proposals.image_files import SUFFIXES

#: A folder that has this file was made by us.
MADE = 'made_by_mmdet_ohem.json'
_SPLITS = {
    'train': 'train',
    'training': 'train',
    'trainval': 'train',
    'val': 'val',
    'valid': 'val',
    'validation': 'val',
    'dev': 'val',
    'test': 'test',
    'testing': 'test',
}


class Files:
    """The files of a folder and of those below it, found once.

    Hidden folders, and those that this command made, are left out.

    Args:
        folder: Any.

    Attributes:
        images: Sorted paths.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._by_suffix: dict[str, list[Path]] = defaultdict(list)
        for here, below, names in os.walk(folder, followlinks=True):
            if MADE in names:
                below.clear()
                continue
            below[:] = sorted(
                x for x in below if not x.startswith(('.', '__MACOSX'))
            )
            for name in sorted(names):
                if not name.startswith('.'):
                    suffix = os.path.splitext(name)[1].lower()
                    self._by_suffix[suffix].append(Path(here, name))
        self.images = sorted(self.of(*SUFFIXES))
        self._by_stem: dict[str, list[Path]] = defaultdict(list)
        for path in self.images:
            self._by_stem[path.stem].append(path)

    def of(self, *suffixes: str) -> list[Path]:
        """Files with one of these suffixes, given in small letters."""
        return [x for suffix in suffixes for x in self._by_suffix[suffix]]

    def image_of(self, annotation: Path, name: str = '') -> list[Path]:
        """Images that an annotation may belong to.

        Args:
            annotation: Its file.
            name: What the annotation itself calls its image: counts where no
                image has the stem of the file.

        Returns:
            The nearest ones; more than one where it is not certain.
        """
        found = self._by_stem.get(annotation.stem, [])
        if not found and name:
            found = self._by_stem.get(Path(name.replace('\\', '/')).stem, [])
        return self._nearest(found, annotation)

    def named(self, name: str, annotation: Path) -> list[Path]:
        """Images that an annotation of many calls by a path.

        Args:
            name: As the annotation has it.
            annotation: The file that names it.

        Returns:
            As :meth:`image_of`.
        """
        given = Path(name.replace('\\', '/'))
        for root in (annotation.parent, self.folder):
            if (root / given).is_file():
                return [root / given]
        found = [x for x in self._by_stem[given.stem] if x.name == given.name]
        return self._nearest(found or self._by_stem[given.stem], annotation)

    def _nearest(self, images: Sequence[Path], annotation: Path) -> list[Path]:
        """Of several images, those whose folders fit the annotation's."""
        if len(images) < 2:
            return list(images)
        kin = _words(annotation, self.folder)
        fits = [len(kin & _words(x, self.folder)) for x in images]
        return [
            x for x, fit in zip(images, fits, strict=True) if fit == max(fits)
        ]


def _words(path: Path, root: Path) -> set[str]:
    """Words of a path: ``instances_train2017.json`` and ``train2017/``."""
    text = str(path.relative_to(root).with_suffix(''))
    return set(re.split(r'[^A-Za-z0-9]+', text))


def split_of(names: Iterable[str]) -> str | None:
    """The split that a path, or the name of a list, says.

    Args:
        names: Folders, or words of a name, outermost first.

    Returns:
        ``'train'``, ``'val'``, ``'test'``; None where nothing says.
    """
    found = [_SPLITS[x.lower()] for x in names if x.lower() in _SPLITS]
    return found[-1] if found else None
