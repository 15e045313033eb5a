"""The proposals that a detector trains on.

Relies on RPN heads of mmdet 3.3.0, and all their stages, predicting by their
attribute ``test_cfg`` where ``predict`` is told nothing else, and on an RPN
that is a detector of its own having its head in ``bbox_head``.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from mmdet.models.detectors import RPN
from mmdet.structures import SampleList
from mmdet.structures.bbox import get_box_tensor
from torch import Tensor, nn

from mmdet_ohem.host.patching import replaced


def propose(
    detector: Any, feats: Sequence[Tensor], samples: SampleList
) -> list[Tensor]:
    """Proposals of each image, as in training.

    Args:
        detector: A two-stage detector.
        feats: Features of N images.
        samples: Their data samples.

    Returns:
        The dataset's proposals, or the RPN's by ``train_cfg.rpn_proposal``:
        xyxy in pixels of the resized image, N tensors of shape (R, 4).

    Raises:
        ValueError: The detector has no RPN and the images come without
            proposals.
    """
    if detector.with_rpn:
        rpn_head = detector.rpn_head
        cfg = detector.train_cfg.get('rpn_proposal')
        with _proposing_by(rpn_head, cfg):
            found = rpn_head.predict(feats, samples, rescale=False)
    elif all('proposals' in sample for sample in samples):
        found = [sample.proposals for sample in samples]
    else:
        raise ValueError(
            f'{type(detector).__name__} has no RPN and the images come '
            'without proposals. Remedy: set proposal_file in the dataset and '
            'put LoadProposals into its pipeline'
        )
    return [get_box_tensor(result.bboxes) for result in found]


def has_rpn(detector: Any) -> bool:
    """Whether a detector proposes boxes of its own.

    Args:
        detector: Any.
    """
    return isinstance(detector, RPN) or getattr(detector, 'with_rpn', False)


def predict_proposals(
    detector: Any, batch: dict[str, Any], num_proposals: int | None = None
) -> tuple[Tensor, Tensor]:
    """Proposals of an image, as in a test.

    Args:
        detector: One with an RPN, or an RPN.
        batch: One image, as a pipeline packs it.
        num_proposals: How many at the most. None: by ``test_cfg.rpn``.

    Returns:
        xyxy in pixels of the original image, (n, 4), and scores, (n,).
    """
    is_rpn = isinstance(detector, RPN)
    rpn_head = detector.bbox_head if is_rpn else detector.rpn_head
    cfg = copy.deepcopy(detector.test_cfg.rpn)
    if num_proposals is not None:
        cfg.max_per_img = num_proposals
        cfg.nms_pre = max(cfg.get('nms_pre', 0), num_proposals)
    data = detector.data_preprocessor(batch, False)
    feats = detector.extract_feat(data['inputs'])
    with _proposing_by(rpn_head, cfg):
        (found,) = rpn_head.predict(feats, data['data_samples'], rescale=True)
    return get_box_tensor(found.bboxes), found.scores


@contextmanager
def _proposing_by(rpn_head: nn.Module, cfg: Any) -> Iterator[None]:
    """Let an RPN, which may have stages, predict by another config."""
    with ExitStack() as stack:
        for module in rpn_head.modules():
            if cfg is not None and hasattr(module, 'test_cfg'):
                stack.enter_context(replaced(module, test_cfg=cfg))
        yield
