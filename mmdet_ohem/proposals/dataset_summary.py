"""Three lines that say what a dataset holds when it is loaded."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mmdet_ohem.counts import Count


def summary_lines(
    data_list: Sequence[Mapping[str, Any]],
    classes: Sequence[str],
    left_out: Mapping[str, int],
) -> list[str]:
    """Sum a dataset up.

    Args:
        data_list: All images that are listed, each with its ``instances``.
        classes: Names, by label.
        left_out: How many there were of what was left out or changed.

    Returns:
        Three lines: images, objects by class, and what was left out.
    """
    flags = [
        [x.get('ignore_flag', 0) for x in data_info['instances']]
        for data_info in data_list
    ]
    without = sum(not of_image for of_image in flags)
    only_difficult = sum(bool(x) and all(x) for x in flags)
    with_objects = len(flags) - without - only_difficult
    changes = [
        f'{Count(count):{what}}' for what, count in left_out.items() if count
    ]
    return [
        f'{Count(len(flags)):image}: {with_objects} with objects, {without} '
        f'without, {only_difficult} with only difficult (or crowded) ones',
        f'objects: {_per_class(data_list, classes)}',
        f'left out or changed: {"; ".join(changes) or "nothing"}',
    ]


def _per_class(
    data_list: Sequence[Mapping[str, Any]], classes: Sequence[str]
) -> str:
    """Counts by class, the most frequent first."""
    objects: Counter[int] = Counter()
    difficult: Counter[int] = Counter()
    for data_info in data_list:
        for instance in data_info['instances']:
            objects[instance['bbox_label']] += 1
            if instance.get('ignore_flag', 0):
                difficult[instance['bbox_label']] += 1
    if not objects:
        return 'none'
    parts = []
    for label, count in objects.most_common():
        odd = f' ({difficult[label]} difficult)' if difficult[label] else ''
        parts.append(f'{classes[label]} {count}{odd}')
    missing = [x for i, x in enumerate(classes) if not objects[i]]
    if missing:
        parts.append(f'none of {", ".join(missing)}')
    return ', '.join(parts)
