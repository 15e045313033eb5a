"""The results of a run's tests."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

#: The mAP of a metric, as 'pascal_voc/mAP' and 'coco/bbox_mAP_50'; that of a
#: class is none.
_HEADLINE = re.compile(r'[^/]+/(\w+_)?mAP(_\w+)?')


class Metrics(NamedTuple):
    """The result of a run.

    Attributes:
        values: By the key of the evaluation, in [0, 1].
        measured_by: Where they were found; empty where they were not.
    """

    values: Mapping[str, float]
    measured_by: str


def is_headline(name: str) -> bool:
    """Whether a scalar is the mAP of a metric."""
    return _HEADLINE.fullmatch(name) is not None


def find_tests(folder: Path) -> list[Path]:
    """Find the files that tests of a run wrote.

    Args:
        folder: mmdet's ``--work-dir``; a test's is the same one, or
            ``folder / 'test'``.

    Returns:
        The files, the newest last.
    """
    tests = [
        path
        for pattern in ('*/*.json', 'test/*/*.json')
        for path in folder.glob(pattern)
        # mmengine names the file by the time, as its folder.
        if path.stem == path.parent.name
    ]
    return sorted(tests, key=lambda path: path.stem)


def read_test(path: Path) -> dict[str, float]:
    """Read what one test wrote.

    Args:
        path: Of :func:`find_tests`.

    Returns:
        Metrics and times by name.

    Raises:
        ValueError: The file is broken.
    """
    return measured(read_json(path))


def measured(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Leave out texts, and -1, which is COCO's for not measured."""
    return {
        name: value
        for name, value in metrics.items()
        if isinstance(value, (int, float)) and value >= 0
    }


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Args:
        path: The file.

    Returns:
        The object.

    Raises:
        ValueError: It is no JSON, or holds something else.
    """
    try:
        value = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(
            f'{path} is no JSON ({error}). Remedy: delete it, and test again'
        ) from error
    if not isinstance(value, dict):
        raise ValueError(
            f'{path} holds a {type(value).__name__}, not names with values. '
            'Remedy: delete it, and test again'
        )
    return value
