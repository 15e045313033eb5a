"""Proposals of a detector's own RPN, written for Fast R-CNN to train on."""

import functools
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose

from mmdet_ohem.host.propose import has_rpn, predict_proposals
from mmdet_ohem.inference.fast_rcnn_inferencer import FastRCNNInferencer
from mmdet_ohem.inference.pipelines import inference_pipeline
from mmdet_ohem.localization.views import single_view_pipeline
from mmdet_ohem.proposals.box_checks import check_boxes
from mmdet_ohem.proposals.image_headers import read_image
from mmdet_ohem.proposals.make import MakeResult, OnProgress, make_file
from mmdet_ohem.proposals.proposal_entries import FoundBoxes
from mmdet_ohem.proposals.workers import Outcome, call


class RegionProposer:
    """The RPN of a detector, for images that are no data set's.

    Args:
        config: Of a detector with an RPN, or of an RPN alone; a file, or the
            config.
        checkpoint: Its weights; None leaves them random.
        num_proposals: How many boxes an image at most. None: as
            ``test_cfg.rpn`` of the config says.
        device: Such as ``'cuda:0'``; None: a GPU if there is one.

    Raises:
        FileNotFoundError: There is no such config or checkpoint.
        ValueError: One of them is something else, or has no RPN.
    """

    def __init__(
        self,
        config: str | os.PathLike[str] | Config,
        checkpoint: str | os.PathLike[str] | None,
        num_proposals: int | None = None,
        device: str | None = None,
    ) -> None:
        loaded = FastRCNNInferencer(config, checkpoint, device)
        self.detector = loaded.detector
        self.num_proposals = num_proposals
        if not has_rpn(self.detector):
            raise ValueError(
                f'{type(self.detector).__name__} has no RPN, whose boxes '
                'could be taken. Remedy: give the config of a two-stage '
                'detector such as Faster R-CNN, or of an RPN'
            )
        self._pipeline = Compose(
            inference_pipeline(single_view_pipeline(loaded.config))
        )

    @torch.no_grad()
    def __call__(self, image: np.ndarray) -> FoundBoxes:
        """Propose boxes.

        Args:
            image: (H, W, 3) uint8, BGR.

        Returns:
            Boxes that lie inside the image and have an area, by descending
            score.
        """
        height, width = image.shape[:2]
        packed = self._pipeline(dict(img=image, img_id=0))
        batch = {key: [item] for key, item in packed.items()}
        found_boxes, found_scores = predict_proposals(
            self.detector, batch, self.num_proposals
        )
        boxes, found = check_boxes(
            found_boxes.float().cpu().numpy(), width, height
        )
        scores = found_scores.float().cpu().numpy()
        good = ~(found['not finite'] | found['without area'])
        order = np.argsort(-scores[good], kind='stable')
        return FoundBoxes(
            boxes[good][order], (width, height), scores[good][order]
        )


def make_by_detector(
    images: Mapping[str, Path],
    out: str | os.PathLike[str],
    config: str | os.PathLike[str],
    checkpoint: str | os.PathLike[str],
    num_proposals: int | None = None,
    device: str | None = None,
    on_progress: OnProgress | None = None,
) -> MakeResult:
    """Write a proposal file with the boxes of a detector's RPN.

    Args:
        images: Paths by image id.
        out: See :func:`make_file`; an interrupted run goes on.
        config: See :class:`RegionProposer`.
        checkpoint: See :class:`RegionProposer`.
        num_proposals: See :class:`RegionProposer`.
        device: See :class:`RegionProposer`.
        on_progress: Called with the images done and to do.

    Returns:
        What was written, skipped and failed.

    Raises:
        FileNotFoundError, ValueError: See :class:`RegionProposer` and
            :func:`make_file`.
    """
    propose = RegionProposer(config, checkpoint, num_proposals, device)
    made_with = {
        'method': 'rpn',
        'config': Path(config).name,
        'checkpoint': Path(checkpoint).name,
        'sha256': _sha256(Path(checkpoint))[:16],
        'num_proposals': num_proposals,
    }
    run = functools.partial(_run, propose)
    return make_file(images, out, made_with, run, on_progress)


def _run(
    propose: RegionProposer, images: Mapping[str, Path]
) -> Iterator[Outcome[FoundBoxes]]:
    """An image after the other, in this process."""
    for name, path in images.items():
        yield Outcome(name, *call(lambda x: propose(read_image(x)), path))


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
