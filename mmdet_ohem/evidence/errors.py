"""False positives of a finished run, from the detections that it kept."""

from mmdet_ohem.evaluation.false_positives import count_false_positives
from mmdet_ohem.evidence.detections import detected_images
from mmdet_ohem.runs.work_dir import WorkDir

#: Shares of the objects that have to be found, in percent.
RECALLS = (40, 60)
#: What the names of these metrics begin with.
PREFIX = 'false_positives/'


def error_key(kind: str, recall: int) -> str:
    """Name of a number of false positives.

    Args:
        kind: Of which, or ``'classes'``: how many reach the recall.
        recall: Percent of the objects.
    """
    return f'{PREFIX}{kind}@{recall}'


def error_metrics(run: WorkDir) -> dict[str, float]:
    """False positives for each image of the test, at equal recall.

    Args:
        run: With its detections; the data set of its test must be in place.

    Returns:
        By :func:`error_key` their number for each image, of decoys where the
        data have any, added up over the classes that reach the recall, and
        how many classes these are. Nothing where the run has kept no
        detections.

    Raises:
        ValueError: An image of the detections is not in the data set.
        OSError: The data set cannot be read.
    """
    if not run.has_detections:
        return {}
    images, metainfo = detected_images(run)
    num_classes, found = len(metainfo['classes']), {}
    for recall in RECALLS:
        counts = count_false_positives(images, num_classes, recall / 100)
        reached = [x for x in counts if x is not None]
        found[error_key('classes', recall)] = float(len(reached))
        for kind in reached[0] if reached else ():
            total = sum(x[kind] for x in reached)
            found[error_key(kind, recall)] = total / len(images)
    return found
