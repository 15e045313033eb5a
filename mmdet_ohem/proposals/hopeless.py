"""Stop early where it is clear that no image will succeed."""

from collections.abc import Sequence

#: So many images are tried.
NUM_TRIED = 5


def why_hopeless(
    failed: Sequence[tuple[str, str]], num_done: int, num_images: int
) -> str | None:
    """Say why to stop, once the first images have all failed alike.

    Args:
        failed: Id and error, ``Type: message``, of each image that failed.
        num_done: Images done so far, failed or not.
        num_images: Of the whole list.

    Returns:
        The first error with its remedy, if all of the first ``NUM_TRIED``
        images have failed by errors of one type; otherwise None.
    """
    kinds = {error.partition(':')[0] for _, error in failed}
    if not len(failed) == num_done == NUM_TRIED or len(kinds) > 1:
        return None
    image_id, error = failed[0]
    return (
        f'the first {NUM_TRIED} of {num_images} images have all failed, so '
        f'the rest is not tried. Image {image_id}: {error}. Remedy: correct '
        'the folder of the images or their suffix (--img-dir, --suffix), or '
        'the images'
    )
