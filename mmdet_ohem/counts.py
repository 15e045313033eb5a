"""Numbers of things in sentences: 1 image is, 2 images are."""

import re

_NOUN = re.compile(r'[A-Za-z][A-Za-z _-]+')
# What says more of the thing stays as it is: objects of other classes.
_HEAD = re.compile(
    '(.+?)((?: (?:beyond|by|listed|in|of|that|with|without)(?: .*)?)?)'
)
# After these letters the plural has a syllable more.
_HISSING = ('s', 'x', 'z', 'ch', 'sh')


class Count(int):
    """A number whose format is the thing that is counted, in the singular.

    >>> f'{Count(1):image} and {Count(3):ground-truth box}'
    '1 image and 3 ground-truth boxes'

    A bar parts what is said of one from what is said of another number; the
    number itself is then left out:

    >>> f'{Count(2):image} {Count(2):is|are} missing'
    '2 images are missing'
    >>> f'{Count(2):class without object}'
    '2 classes without object'

    Other formats are those of ``int``.
    """

    def __format__(self, spec: str) -> str:
        """Write the number with the thing.

        Args:
            spec: The thing, ``ONE|MANY``, or a format of ``int``.
        """
        one, bar, many = spec.partition('|')
        if bar:
            return one if self == 1 else many
        if not _NOUN.fullmatch(spec):
            return super().__format__(spec)
        return f'{int(self)} {spec if self == 1 else _plural(spec)}'


def _plural(thing: str) -> str:
    noun, more = _HEAD.fullmatch(thing).groups()  # type: ignore[union-attr]
    if noun.endswith(_HISSING):
        return f'{noun}es{more}'
    if re.search('[^aeiou]y$', noun):
        return f'{noun[:-1]}ies{more}'
    return f'{noun}s{more}'
