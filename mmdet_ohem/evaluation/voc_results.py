"""Reads and writes the result files of PASCAL VOC's evaluation server.

An archive holds a file a class,
``results/VOC2012/Main/comp4_det_test_<class>.txt``, with a line a detection::

    2008_000001 0.973412 48.0 240.0 195.0 371.0

that is image, score, x1, y1, x2, y2. In the files, pixels of the original
image count from 1, and x2 and y2 are the last pixels of a box; here boxes are
edges, so that the same box is 47, 239, 195, 371.
"""

import io
import os
import re
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mmdet_ohem.evaluation.file_names import check_class_names
from mmdet_ohem.host.files import replacing, write_text

ClassDetections = dict[str, np.ndarray]
"""Image name -> ``(n, 5)``: edges x1, y1, x2, y2, and the score."""


def format_lines(
    detections: Mapping[str, np.ndarray], score_decimals: int
) -> str:
    """Write the detections of a class as the server reads them.

    The lines run from the highest score to the lowest. The server sorts by
    score: scores that rounding made equal keep their true order if its sort
    is stable.

    Args:
        detections: As :data:`ClassDetections`.
        score_decimals: Digits behind the point of a score.

    Returns:
        The text of the file, empty without detections.
    """
    names = np.repeat(
        list(detections), [len(boxes) for boxes in detections.values()]
    )
    if not len(names):
        return ''
    rows = np.concatenate(list(detections.values()))
    order = np.argsort(-rows[:, 4], kind='stable')
    template = f'%s %.{score_decimals}f %.1f %.1f %.1f %.1f\n'
    return ''.join(
        template % (name, score, x1 + 1, y1 + 1, x2, y2)
        for name, (x1, y1, x2, y2, score) in zip(
            names[order].tolist(), rows[order].tolist(), strict=True
        )
    )


def write_voc_archive(
    outfile_prefix: str | os.PathLike[str],
    detections: Mapping[str, Mapping[str, np.ndarray]],
    year: int = 2012,
    competition: str = 'comp4',
    image_set: str = 'test',
    score_decimals: int = 6,
) -> Path:
    """Write a file a class, and all of them in one archive.

    Args:
        outfile_prefix: Folder that gets ``results/VOC<year>/Main/*.txt``;
            with ``.tar.gz`` added, the archive.
        detections: By class, then as :data:`ClassDetections`. A class without
            any gets an empty file: the server wants all of them.
        year: In the folder's name.
        competition: In the files' names; comp4 is detection trained on any
            data but the test set.
        image_set: In the files' names.
        score_decimals: Digits behind the point of a score.

    Returns:
        The archive.

    Raises:
        OSError: A file cannot be written; the error names it.
        ValueError: The name of a class cannot be part of a file's name.
    """
    check_class_names(list(detections))
    prefix = Path(outfile_prefix)
    archive = prefix.with_name(prefix.name + '.tar.gz')
    folder = f'results/VOC{year}/Main'
    # A half-written archive would be sent in: there is all or none.
    with (
        replacing(archive) as temporary,
        tarfile.open(temporary, 'w:gz') as tar,
    ):
        for name, of_class in detections.items():
            file = f'{folder}/{competition}_det_{image_set}_{name}.txt'
            write_text(prefix / file, format_lines(of_class, score_decimals))
            tar.add(prefix / file, arcname=file)
    return archive


def read_voc_archive(
    path: str | os.PathLike[str], classes: Sequence[str] = ()
) -> dict[str, ClassDetections]:
    """Read what :func:`write_voc_archive`, or another program, has written.

    Args:
        path: The ``.tar.gz``.
        classes: Classes that have to be there, none for any.

    Returns:
        Detections by class, images and boxes in the order of the file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no such archive, a class is missing, or a line is
            malformed.
    """
    found: dict[str, ClassDetections] = {}
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                match = re.fullmatch(
                    r'(?:\./)?results/VOC\d+/Main/[^_/]+_det_[^_]+_(.+)\.txt',
                    member.name,
                )
                file = tar.extractfile(member)
                if match is not None and file is not None:
                    found[match[1]] = _parse(file.read(), member.name)
    except tarfile.TarError as error:
        raise ValueError(
            f'{path} is not an archive ({error}). Remedy: make it with '
            'mmdet_ohem.VOCServerMetric'
        ) from error
    missing = [name for name in classes if name not in found]
    if missing or not found:
        raise ValueError(
            f'{path} has no results/VOC<year>/Main/comp<n>_det_<set>_<class>'
            f'.txt for {missing or "any class"}. Remedy: make it with '
            'mmdet_ohem.VOCServerMetric'
        )
    return found


def _parse(text: bytes, file_name: str) -> ClassDetections:
    """The detections of one file."""
    rows: dict[str, list[list[float]]] = {}
    for number, line in enumerate(io.StringIO(text.decode('ascii')), 1):
        try:
            name, *numbers = line.split()
            score, x1, y1, x2, y2 = map(float, numbers)
        except ValueError as error:
            raise ValueError(
                f'{file_name}, line {number}: {line.strip()!r} is not "image '
                f'score x1 y1 x2 y2" ({error}). Remedy: correct the line'
            ) from error
        row = [x1 - 1, y1 - 1, x2, y2, score]
        rows.setdefault(name, []).append(row)
    return {name: np.array(boxes) for name, boxes in rows.items()}
