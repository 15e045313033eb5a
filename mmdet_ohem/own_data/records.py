"""What is known of a dataset, whatever format it came in."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from mmdet_ohem.proposals.box_checks import first_few

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Thing:
    """An object of an image.

    Attributes:
        name: Of its class.
        box: xyxy edges, pixels.
        ignored: Marked difficult, or a crowd: neither learnt nor wrong.
    """

    name: str
    box: Box
    ignored: bool = False


@dataclass(frozen=True)
class Picture:
    """An image and what its annotation says.

    Attributes:
        path: Of the image.
        things: None where it has no annotation.
        said_size: Width and height by the annotation; 0 where it says none.
        size: Width and height of the file, pixels, once it was looked at.
        split: ``'train'``, ``'val'`` or ``'test'``; None where nothing says.
    """

    path: Path
    things: tuple[Thing, ...] | None = None
    said_size: tuple[int, int] = (0, 0)
    size: tuple[int, int] = (0, 0)
    split: str | None = None


@dataclass(frozen=True)
class OwnData:
    """A dataset.

    Attributes:
        folder: All of it is in there.
        format: How it was annotated: a key of ``FORMATS``.
        pictures: By path.
        classes: Those of which there is an object, in the order of the
            format, or by name where it has none.
        mistakes: Names of what is wrong, by what is wrong with it.
        notes: What was decided, in words.
    """

    folder: Path
    format: str
    pictures: tuple[Picture, ...]
    classes: tuple[str, ...] = ()
    mistakes: dict[str, list[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def of(self, split: str) -> list[Picture]:
        """The images of a split."""
        return [x for x in self.pictures if x.split == split]

    def counts(self) -> Counter[str]:
        """How many objects there are of each class."""
        return Counter(thing.name for thing in self.things())

    def things(self) -> Iterator[Thing]:
        """All objects."""
        for picture in self.pictures:
            yield from picture.things or ()

    def name(self, picture: Picture) -> str:
        """The path of an image below the folder."""
        return picture.path.relative_to(self.folder).as_posix()

    def noting(self, *notes: str) -> 'OwnData':
        """The same with more notes."""
        return replace(self, notes=(*self.notes, *notes))

    def mistake_lines(self) -> list[str]:
        """A line for each kind of mistake, with a count and some names."""
        return [
            f'{len(names)} {kind}: {first_few(names)}'
            for kind, names in self.mistakes.items()
            if names
        ]
