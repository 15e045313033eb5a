"""What a dataset's classes may be."""

from collections import Counter
from typing import Any

from mmdet_ohem.counts import Count


def check_class_names(classes: Any) -> None:
    """Check the ``classes`` of a dataset's ``metainfo``.

    Args:
        classes: Has to be a tuple or list of different names.

    Raises:
        ValueError: It is something else; says what to write instead.
    """
    if isinstance(classes, str):
        raise ValueError(
            f'metainfo.classes is the string {classes!r}, expected a tuple of '
            f'names. Remedy: write classes=({classes!r},), with a comma; for '
            'a file with a name a line, correct its path'
        )
    if not isinstance(classes, list | tuple) or not classes:
        raise ValueError(
            f'metainfo.classes is {classes!r}, expected the names of the '
            "classes. Remedy: write metainfo=dict(classes=('cat', 'dog'))"
        )
    strange = [x for x in classes if not isinstance(x, str) or x != x.strip()]
    strange += [x for x in classes if isinstance(x, str) and not x.strip()]
    if strange:
        raise ValueError(
            f'metainfo.classes has {strange[0]!r}, expected names as the '
            'annotations have them, without blanks around them. Remedy: '
            'write it as a string, such as '
            f'{str(strange[0]).strip() or "cat"!r}'
        )
    twice = [name for name, count in Counter(classes).items() if count > 1]
    if twice:
        raise ValueError(
            f'metainfo.classes has {twice[0]!r} '
            f'{Count(classes.count(twice[0])):time}: one label would never be '
            'trained. Remedy: delete it from the list, and set '
            'num_classes to the number of names'
        )
