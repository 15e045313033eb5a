"""Selective search (Uijlings et al., IJCV 2013) by OpenCV contrib.

The paper takes its RoIs from selective search in the "fast" mode, run on
images of 500 pixels width.

Boxes are ``(x1, y1, x2, y2)`` edges in pixels of the original image.
"""

import cv2
import numpy as np

MODES = ('fast', 'quality')

# Columns and banners would otherwise grow to images of any height.
MAX_HEIGHT_PER_WIDTH = 4


def check_opencv() -> None:
    """Checks that this OpenCV can do selective search.

    Raises:
        ImportError: ``cv2.ximgproc`` is missing; says how to get it.
    """
    segmentation = getattr(
        getattr(cv2, 'ximgproc', None), 'segmentation', None
    )
    if not hasattr(segmentation, 'createSelectiveSearchSegmentation'):
        raise ImportError(
            f'cv2 {cv2.__version__} from {cv2.__file__} has no '
            'ximgproc.segmentation, which selective search needs. All OpenCV '
            'wheels share the folder cv2 and the one installed last wins: '
            'pip install --force-reinstall --no-deps '
            'opencv-contrib-python-headless'
        )


def check_settings(mode: str, width: int) -> None:
    """Checks the settings of :func:`selective_search`.

    Args:
        mode: Has to be one of ``MODES``.
        width: Has to be an image width of at least 16 pixels.

    Raises:
        ValueError: One of them is not; names it and its value.
    """
    if mode not in MODES:
        raise ValueError(f'mode is {mode!r}, expected one of {MODES}')
    if width < 16:
        raise ValueError(
            f'width is {width}, expected at least 16 pixels; the paper uses '
            '500'
        )


def selective_search(
    img: np.ndarray, mode: str = 'fast', width: int = 500
) -> np.ndarray:
    """Proposes boxes that may hold an object.

    1. Resize the image to ``width`` pixels width, keeping its aspect (an
       image over four times as tall as wide: to a height of ``4 * width``).
    2. Run selective search.
    3. Scale the boxes back to whole pixels of the original image and clip.
    4. Drop exact duplicates and boxes of less than 2 pixels width or height.

    The same image and OpenCV always give the same boxes in the same order.
    The order means nothing: any first part is a fair sample of all boxes, for
    detectors that read only the first 2000.

    Args:
        img: ``(H, W, 3)`` uint8, BGR.
        mode: ``'fast'``, as in the paper, or ``'quality'``: about four times
            the boxes and the time.
        width: Width in pixels to which the image is resized.

    Returns:
        ``(n, 4)`` float32 xyxy edges, whole pixels of the original image.

    Raises:
        ImportError: OpenCV has no contrib modules.
        ValueError: The image, the mode or the width is not as described.
    """
    check_opencv()
    check_settings(mode, width)
    if img.ndim != 3 or img.shape[2] != 3 or img.dtype != np.uint8:
        raise ValueError(
            f'img has shape {img.shape} and type {img.dtype}, expected '
            '(H, W, 3) uint8; read it with cv2.imread(path, cv2.IMREAD_COLOR)'
        )
    if img.size == 0:
        raise ValueError(f'img is empty, shape {img.shape}')
    resized = _resize(img, width)
    rects = _search(resized, mode)
    scale_x = img.shape[1] / resized.shape[1]
    scale_y = img.shape[0] / resized.shape[0]
    boxes = rects_to_boxes(rects, scale_x, scale_y)
    return clean_boxes(boxes, *img.shape[:2])


def rects_to_boxes(
    rects: np.ndarray, scale_x: float = 1.0, scale_y: float = 1.0
) -> np.ndarray:
    """Turns OpenCV's rectangles into boxes of a scaled image.

    Args:
        rects: ``(n, 4)`` ``(x, y, w, h)``.
        scale_x: Width of the wanted image by that of the rectangles' image.
        scale_y: The same of heights.

    Returns:
        ``(n, 4)`` float32 xyxy edges, x and x + w scaled and rounded.
    """
    start, size = rects[:, :2].astype(np.float64), rects[:, 2:]
    edges = np.concatenate([start, start + size], axis=1)
    # floor(v + 0.5): np.round would send 0.5 and 1.5 to even numbers.
    scaled = np.floor(edges * [scale_x, scale_y, scale_x, scale_y] + 0.5)
    return scaled.astype(np.float32)


def clean_boxes(
    boxes: np.ndarray, height: int, width: int, min_size: int = 2
) -> np.ndarray:
    """Clips boxes and drops exact duplicates and small ones, keeping order.

    Args:
        boxes: ``(n, 4)`` xyxy edges.
        height: Height of the image in pixels.
        width: Width of the image in pixels.
        min_size: Least width and height of a box in pixels.

    Returns:
        ``(k, 4)``, ``k <= n``, in the type of ``boxes``.
    """
    limits = np.array([width, height, width, height], dtype=boxes.dtype)
    return distinct_boxes(np.clip(boxes, 0, limits), min_size)


def distinct_boxes(
    boxes: np.ndarray, min_size: int | tuple[int, int] = 2
) -> np.ndarray:
    """Drops exact duplicates and small boxes, keeping order.

    Args:
        boxes: ``(n, 4)`` xyxy edges.
        min_size: Least width and height of a box in pixels, one number for
            both or one for each.

    Returns:
        ``(k, 4)``, ``k <= n``: of equal boxes the first.
    """
    boxes = boxes[first_of_equals(boxes)]
    sizes = boxes[:, 2:] - boxes[:, :2]
    return boxes[(sizes >= min_size).all(axis=1)]


def first_of_equals(boxes: np.ndarray) -> np.ndarray:
    """Finds the boxes that no box before equals.

    Args:
        boxes: ``(n, 4)``.

    Returns:
        Their indices, ascending.
    """
    if not len(boxes):
        return np.arange(0)
    # Plus zero: -0 equals 0, though its bytes do not. Sorting bytes takes a
    # fifth of the time of np.unique(axis=0).
    rows = np.ascontiguousarray(boxes + 0)
    as_bytes = rows.view(f'V{rows.itemsize * 4}').ravel()
    _, first = np.unique(as_bytes, return_index=True)
    return np.sort(first)


def _resize(img: np.ndarray, width: int) -> np.ndarray:
    """Resizes to ``width``, or to the greatest height if that comes first."""
    old_height, old_width = img.shape[:2]
    scale = min(width / old_width, MAX_HEIGHT_PER_WIDTH * width / old_height)
    # OpenCV takes (width, height).
    size = (
        max(1, round(old_width * scale)),
        max(1, round(old_height * scale)),
    )
    if size == (old_width, old_height):
        return img
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(img, size, interpolation=how)


def _search(img: np.ndarray, mode: str) -> np.ndarray:
    """Runs OpenCV's selective search; ``(n, 4)`` int ``(x, y, w, h)``."""
    search = cv2.ximgproc.segmentation.createSelectiveSearchSegmentation()
    search.setBaseImage(img)
    if mode == 'fast':
        search.switchToSelectiveSearchFast()
    else:
        search.switchToSelectiveSearchQuality()
    rects = np.asarray(search.process(), dtype=np.int64).reshape(-1, 4)
    # OpenCV finds the same rectangles every time, but orders them by C's
    # rand(), which cv2.setRNGSeed does not touch and which the process
    # shares. So: sort, then shuffle with a generator whose stream NumPy has
    # promised to keep.
    rects = np.unique(rects, axis=0)
    return rects[np.random.RandomState(0).permutation(len(rects))]
