"""What an iteration of the benchmark works on."""

import itertools
from dataclasses import dataclass

import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_ohem.counts import Count
from mmdet_ohem.proposals.proposal_file import read_proposal_file


@dataclass(frozen=True)
class Workload:
    """One line of the table.

    Attributes:
        network: How the table calls the network.
        config: Its baseline config.
        num_images: N.
        num_rois: R, proposals of an image.
        batch_rois: B, RoIs of all N images that are trained on.
        height: Of the resized image, pixels.
        width: Of the resized image, pixels.
        proposals: Proposal file whose first images' boxes are used, stretched
            to this size; None: boxes at random.
        keeps_features: Whether the conv network is fixed and its features
            are read from disk.
    """

    network: str
    config: str
    num_images: int
    num_rois: int = 2000
    batch_rois: int = 128
    height: int = 600
    width: int = 800
    proposals: str | None = None
    keeps_features: bool = False

    @property
    def num(self) -> int:
        """B / N, RoIs of one image that are trained on."""
        return self.batch_rois // self.num_images


def random_batch(load: Workload, device: torch.device, seed: int = 0) -> dict:
    """Images, ground truth and proposals, as the detector's loader packs them.

    Args:
        load: Sizes.
        device: Where the tensors go.
        seed: Of the random numbers.

    Returns:
        ``inputs``, normalised, shape (N, 3, H, W), and ``data_samples``.

    Raises:
        ValueError: The proposal file has too few images, or boxes of one.
    """
    rng = torch.Generator().manual_seed(seed)
    if load.proposals is None:
        proposals = [_random_boxes(load, rng) for _ in range(load.num_images)]
    else:
        proposals = _boxes_of_file(load)
    samples = [_sample(load, boxes).to(device) for boxes in proposals]
    images = torch.randn(
        load.num_images, 3, load.height, load.width, generator=rng
    )
    return dict(inputs=images.to(device), data_samples=samples)


def check_proposals(load: Workload) -> None:
    """Look whether the proposal file has what a measurement needs.

    Args:
        load: Sizes, and the file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no proposal file, or has too few images or boxes.
    """
    if load.proposals is not None:
        _boxes_of_file(load)


def _random_boxes(load: Workload, rng: torch.Generator) -> Tensor:
    """Boxes whose sides are spread evenly in their logarithm.

    From 30 pixels to the size of the image, about as those of selective
    search; but those crowd at the same edges.
    """
    size = torch.tensor([load.width, load.height])
    low, high = torch.tensor(30.0).log(), size.log()
    sides = torch.rand(load.num_rois, 2, generator=rng)
    sides = (low + sides * (high - low)).exp()
    corner = torch.rand(load.num_rois, 2, generator=rng) * (size - sides)
    return torch.cat([corner, corner + sides], 1)


def _boxes_of_file(load: Workload) -> list[Tensor]:
    """Boxes of the first images of a proposal file, xyxy edges.

    Returns:
        One tensor an image, shape (R, 4), pixels of the resized image.
    """
    proposals = read_proposal_file(str(load.proposals)).proposals
    entries = list(itertools.islice(proposals.values(), load.num_images))
    counts = [len(x['bboxes']) for x in entries]
    if len(counts) < load.num_images or min(counts) < load.num_rois:
        raise ValueError(
            f'{load.proposals}: its first images have {counts} boxes; '
            f'{load.num_rois} in {Count(load.num_images):image} are needed. '
            'Remedy: a smaller --num-images or --num-rois'
        )
    found = []
    for entry in entries:
        boxes = torch.from_numpy(entry['bboxes'])
        # Of selective search's boxes, some end at the image's own edges.
        scale = torch.tensor([load.width, load.height]) / boxes.amax(0)[2:]
        found.append(boxes[: load.num_rois] * scale.repeat(2))
    return found


def _sample(load: Workload, boxes: Tensor) -> DetDataSample:
    """An image with four objects of different sizes beside proposals.

    Hundreds of RoIs overlap them, so that every rule finds its B / N.
    """
    by_area = boxes[(boxes[:, 2:] - boxes[:, :2]).prod(1).argsort()]
    places = [int(share * len(boxes)) for share in (0.5, 0.65, 0.8, 0.95)]
    truth = InstanceData(bboxes=by_area[places] + 3.0, labels=torch.arange(4))
    ignored = InstanceData(
        bboxes=torch.empty(0, 4), labels=torch.empty(0, dtype=torch.long)
    )
    return DetDataSample(
        gt_instances=truth,
        ignored_instances=ignored,
        proposals=InstanceData(bboxes=boxes),
        metainfo=dict(
            img_shape=(load.height, load.width), scale_factor=(1.0, 1.0)
        ),
    )
