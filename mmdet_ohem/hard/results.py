"""Whose results a folder of ``mmdet-ohem hard`` holds."""

import json
from collections.abc import Mapping
from pathlib import Path

#: What is flagged in labels, and in its ``info`` what was ranked.
LABEL_MISTAKES = 'label_mistakes.json'


def refuse_other_results(folder: Path, source: Mapping[str, str]) -> None:
    """Keep the results of another ranking from being replaced.

    Args:
        folder: That is to be written into; it need not exist.
        source: What is ranked: facts as :func:`coco_of` writes them.

    Raises:
        ValueError: The folder has results of something else.
    """
    path = folder / LABEL_MISTAKES
    if not path.exists():
        return
    try:
        info = json.loads(path.read_text('utf-8'))['info']
        other = {key: str(info[key]) for key in source if key in info}
    except (ValueError, KeyError, TypeError):
        other = {}
    differs = [key for key in source if other.get(key) != source[key]]
    if differs:
        theirs = other.get(differs[0], 'unknown')
        raise ValueError(
            f'{folder} has results of another {differs[0]}: {theirs}, not '
            f'{source[differs[0]]}. Remedy: give another folder by --out, or '
            'delete this one'
        )
