"""Names of classes and images in the files of an evaluation server.

A class is part of a file's name, an image begins a line. Both come from
configs and datasets, where any text can stand.
"""

# What separates folders, or what some system does not allow in a name.
_FORBIDDEN = '/\\:*?"<>|'
# Most file systems allow 255 bytes, of which the rest of the name needs some.
_MAX_BYTES = 200


def check_class_names(names: list[str]) -> None:
    """Refuse classes that cannot be part of a file's name.

    Args:
        names: Of all classes.

    Raises:
        ValueError: One is empty, too long, holds a line break, ``/`` or what
            else a system forbids, or two give the same file where a system
            does not tell upper from lower case.
    """
    seen: dict[str, str] = {}
    for name in names:
        if (
            not name.strip()
            or not name.isprintable()
            or any(x in name for x in _FORBIDDEN)
            or len(name.encode()) > _MAX_BYTES
        ):
            raise ValueError(
                f'class {name!r} cannot be part of a file name, as the '
                'results of a class are: it must be one line of at most '
                f'{_MAX_BYTES} bytes without {" ".join(_FORBIDDEN)}. Remedy: '
                'give it another name in metainfo.classes of the dataset'
            )
        twin = seen.setdefault(name.lower(), name)
        if twin != name:
            raise ValueError(
                f'classes {twin!r} and {name!r} would share a file where '
                'upper and lower case are the same. Remedy: give one of them '
                'another name in metainfo.classes of the dataset'
            )


def check_image_name(name: str) -> None:
    """Refuse an image that cannot begin a line of results.

    Args:
        name: As the dataset has it.

    Raises:
        ValueError: It is empty, not ASCII, or holds a space or a line break,
            at which the server would cut it.
    """
    if name.split() != [name] or not (name.isascii() and name.isprintable()):
        raise ValueError(
            f'image {name!r} cannot begin a line of results, which is ASCII '
            'and is cut at spaces. Remedy: rename the file, in the list of '
            'the dataset too'
        )
