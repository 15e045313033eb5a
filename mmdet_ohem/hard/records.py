"""What is known of a hard RoI, and of a hard image."""

from dataclasses import dataclass

#: What a RoI may be flagged as, and what that means.
FALSE_POSITIVE = 'confident false positive'
MISSING = 'object without a label?'
OTHER_CLASS = 'object of another class?'
FLAGS = {
    MISSING: 'background that a confident prediction of one class fills, and '
    'that hardly overlaps any object: perhaps nobody has labelled it',
    OTHER_CLASS: 'a RoI on an object that is confidently another class: '
    'perhaps the label is wrong',
    FALSE_POSITIVE: 'background that is confidently taken for an object, and '
    'overlaps one',
}
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class HardRoI:
    """A RoI and what the network makes of it.

    Attributes:
        image: Path of its image.
        box: xyxy edges, pixels of the original image.
        refined: The box that the network makes of it, likewise.
        label: Class that it should be; None: background.
        predicted: Class that scores highest; None: background.
        score: Of the prediction, in [0, 1].
        cls_loss: Classification part of its loss.
        loc_loss: Localisation part; 0 for background.
        iou: Largest IoU with an object of the image.
        flag: A key of ``FLAGS``, or empty.
    """

    image: str
    box: Box
    refined: Box
    label: str | None
    predicted: str | None
    score: float
    cls_loss: float
    loc_loss: float
    iou: float
    flag: str = ''

    @property
    def loss(self) -> float:
        """What OHEM ranks by."""
        return self.cls_loss + self.loc_loss

    @property
    def change(self) -> str:
        """Label and prediction in words."""
        names = (self.label, self.predicted)
        return ' → '.join(x or 'background' for x in names)


@dataclass(frozen=True)
class HardImage:
    """An image and how the network does on it.

    Attributes:
        image: Its path.
        width: Pixels.
        height: Pixels.
        num_rois: How many RoIs were scored.
        num_objects: Labelled in it.
        mean_loss: Of all RoIs.
        hard_loss: Mean of the RoIs that OHEM would train on.
        flags: How many RoIs are flagged, by flag.
        objects: The labelled boxes, xyxy, and their classes.
    """

    image: str
    width: int
    height: int
    num_rois: int
    num_objects: int
    mean_loss: float
    hard_loss: float
    flags: dict[str, int]
    objects: tuple[tuple[Box, str], ...] = ()
