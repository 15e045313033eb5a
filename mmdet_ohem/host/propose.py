"""The proposals that a detector trains on.

Relies on RPN heads of mmdet 3.3.0, and all their stages, predicting by their
attribute ``test_cfg`` where ``predict`` is told nothing else.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

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


@contextmanager
def _proposing_by(rpn_head: nn.Module, cfg: Any) -> Iterator[None]:
    """Let an RPN, which may have stages, predict by another config."""
    with ExitStack() as stack:
        for module in rpn_head.modules():
            if cfg is not None and hasattr(module, 'test_cfg'):
                stack.enter_context(replaced(module, test_cfg=cfg))
        yield
