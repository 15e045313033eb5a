"""Looks at the images of a dataset before it is used."""

import os.path as osp
from collections.abc import Sequence
from typing import Any

from mmengine.fileio import get_local_path

from mmdet_ohem.proposals.box_checks import Findings, first_few
from mmdet_ohem.proposals.image_files import other_files
from mmdet_ohem.proposals.image_headers import (
    ImageHeader,
    read_header,
    read_headers,
)

# Each image whose annotation contradicts it is named, within reason.
_NUM_CONTRADICTIONS_NAMED = 100


def look_at_images(
    data_list: Sequence[dict[str, Any]],
    source: str,
    turned_by_exif: bool = True,
    backend_args: dict | None = None,
) -> int:
    """Give each image the size that its file has; check that it is readable.

    Images on other machines (``s3://...``) are believed to be what their
    annotations say; one whose annotation says no size is fetched.

    Args:
        data_list: One dict an image, with ``img_path``, ``img_id``, ``width``
            and ``height``, pixels, 0 where unknown; the sizes are set.
        source: What lists them, for the messages.
        turned_by_exif: See :func:`read_header`.
        backend_args: Of mmengine's file backends.

    Returns:
        How many images have another size than was said.

    Raises:
        FileNotFoundError: Images are missing.
        ValueError: Images cannot be read.
    """
    local = [x for x in data_list if '://' not in x['img_path']]
    _check_there(local, len(data_list), source)
    paths = [x['img_path'] for x in local]
    headers = list(read_headers(paths, source, turned_by_exif))
    for data_info in data_list:
        if '://' in data_info['img_path'] and not data_info['width']:
            local.append(data_info)
            with get_local_path(data_info['img_path'], backend_args) as path:
                headers.append(read_header(path, turned_by_exif))
    _check_readable(local, headers, len(data_list), source)
    return _set_sizes(local, headers, source)


def _check_there(
    local: Sequence[dict[str, Any]], num_images: int, source: str
) -> None:
    missing = [x['img_path'] for x in local if not osp.exists(x['img_path'])]
    if not missing:
        return
    names = other_files(missing[0])
    there = ', '.join(names) or 'none with another suffix either'
    raise FileNotFoundError(
        f'{len(missing)} of {num_images} images of {source} are missing, the '
        f'first is {missing[0]} (there is {there}). '
        'Remedy: correct data_root or data_prefix, or delete the image from '
        'the list'
    )


def _check_readable(
    local: Sequence[dict[str, Any]],
    headers: Sequence[ImageHeader],
    num_images: int,
    source: str,
) -> None:
    bad = [
        f'{data_info["img_path"]}: {header.problem}'
        for data_info, header in zip(local, headers, strict=True)
        if header.problem
    ]
    if bad:
        raise ValueError(
            f'{len(bad)} of {num_images} images of {source} cannot be read: '
            f'{first_few(bad, between="; ")}. Remedy: get these files again, '
            'or delete the images from the list'
        )


def _set_sizes(
    local: Sequence[dict[str, Any]],
    headers: Sequence[ImageHeader],
    source: str,
) -> int:
    """The image decides; those that contradict their annotation are named."""
    findings = Findings(source)
    for data_info, header in zip(local, headers, strict=True):
        said = data_info['width'], data_info['height']
        is_size = header.width, header.height
        data_info['width'], data_info['height'] = is_size
        if min(said) > 0 and said != is_size:
            turned = said == is_size[::-1]
            findings.add(
                'turned' if turned else 'size',
                f'{data_info["img_id"]} ({said[0]} x {said[1]}, image '
                f'{is_size[0]} x {is_size[1]})',
            )
    findings.warn(
        'size',
        'the annotations of {images:image} give another size than the image '
        'has: {names}. The image decides, and boxes are clipped to it. '
        'Remedy: if images were resized after they had been annotated, their '
        'boxes lie at wrong places: scale these with them, or take the '
        'original images',
        _NUM_CONTRADICTIONS_NAMED,
    )
    findings.warn(
        'turned',
        'the annotations of {images:image} give width and height the other '
        'way round than the image that is loaded: {names}. Remedy: if they '
        'were annotated without heeding their EXIF orientation, turn the '
        'images themselves, or load them with LoadImageFromFile('
        "color_type='color_ignore_orientation')",
        _NUM_CONTRADICTIONS_NAMED,
    )
    return findings.count('size') + findings.count('turned')
