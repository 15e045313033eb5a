"""Let a detector predict candidates, or voted boxes, for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any

from mmengine.model import BaseTTAModel
from mmengine.structures import InstanceData

from mmdet_ohem.host.box_prediction import predict_raw, predicting_boxes_by
from mmdet_ohem.host.patching import replaced
from mmdet_ohem.host.refusals import check_detector, check_model
from mmdet_ohem.localization.candidates import final_detections
from mmdet_ohem.localization.iterative_localization import (
    Rounds,
    predict_candidates,
)


@contextmanager
def box_voting_inference(
    model: Any,
    num_rounds: int = 2,
    voting_iou_thr: float | None = 0.5,
    vote_score_offset: float = 0.0,
    **keys: Any,
) -> Iterator[None]:
    """Inside, the model detects with iterative localisation and box voting.

    ::

        model = init_detector(config, checkpoint)
        with box_voting_inference(model):
            result = inference_detector(model, 'image.jpg')

    Score threshold, NMS and number of detections are those of the model's
    ``test_cfg.rcnn``. Losses and weights are not touched. Afterwards, also
    when the body raised, the model is as before.

    Args:
        model: A two-stage detector with a ``StandardRoIHead``; a
            ``mmdet_ohem.MultiScaleTTAModel``, where candidates of all views
            vote together; or a DDP wrapper of one of them.
        num_rounds: How many times boxes are relocated.
        voting_iou_thr: IoU from which on candidates vote; None for no vote.
        vote_score_offset: See :func:`final_detections`.
        keys: More keys of :class:`Rounds`.

    Raises:
        TypeError: The model cannot be served.
        ValueError: A value is out of range.
    """
    rounds, voting = parse_keys(
        num_rounds=num_rounds,
        voting_iou_thr=voting_iou_thr,
        vote_score_offset=vote_score_offset,
        **keys,
    )
    model = check_model(model)
    if isinstance(model, BaseTTAModel):
        with replaced(model, localization=asdict(rounds), **voting):
            yield
    else:
        predict = partial(_predict_detections, rounds=rounds, voting=voting)
        with predicting_boxes_by(model.roi_head, predict):
            yield


@contextmanager
def candidate_prediction(detector: Any, **keys: Any) -> Iterator[None]:
    """Inside, the detector predicts candidates in place of detections.

    ``detector.roi_head.predict_bbox``, and with it ``predict`` and
    ``test_step``, return what stands before the NMS: see
    :mod:`mmdet_ohem.localization.candidates`. Afterwards, also when the body
    raised, the detector is as before.

    Args:
        detector: A two-stage detector with a ``StandardRoIHead``.
        keys: Keys of :class:`Rounds`, such as ``num_rounds=2``; none is the
            one round of stock mmdet.

    Raises:
        TypeError: The detector cannot be served, or predicts masks.
        ValueError: A value is out of range.
    """
    rounds = Rounds(**keys)
    roi_head = check_detector(detector, masks=False).roi_head
    predict = partial(_predict_candidates, rounds=rounds)
    with predicting_boxes_by(roi_head, predict):
        yield


def parse_keys(
    voting_iou_thr: float | None, vote_score_offset: float, **keys: Any
) -> tuple[Rounds, dict[str, Any]]:
    """Keys of :func:`box_voting_inference`, checked.

    Args:
        voting_iou_thr: None or in [0, 1].
        vote_score_offset: Any number.
        keys: Keys of :class:`Rounds`.

    Returns:
        The rounds, and what :func:`final_detections` takes about the vote.

    Raises:
        ValueError: A value is out of range.
    """
    if voting_iou_thr is not None and not 0 <= voting_iou_thr <= 1:
        raise ValueError(
            f'voting_iou_thr must be None or in [0, 1], got {voting_iou_thr}'
        )
    voting = dict(
        voting_iou_thr=voting_iou_thr, vote_score_offset=vote_score_offset
    )
    return Rounds(**keys), voting


def _predict_candidates(
    roi_head: Any,
    x: Any,
    batch_img_metas: list[dict],
    rpn_results_list: list[InstanceData],
    rcnn_test_cfg: Any,
    rescale: bool = False,
    *,
    rounds: Rounds,
) -> list[InstanceData]:
    """Stands in for ``StandardRoIHead.predict_bbox``."""
    return predict_candidates(
        roi_head, x, batch_img_metas, rpn_results_list, rescale, rounds
    )


def _predict_detections(
    roi_head: Any,
    x: Any,
    batch_img_metas: list[dict],
    rpn_results_list: list[InstanceData],
    rcnn_test_cfg: Any,
    rescale: bool = False,
    *,
    rounds: Rounds,
    voting: dict[str, Any],
) -> list[InstanceData]:
    """Stands in for ``StandardRoIHead.predict_bbox``."""
    if rcnn_test_cfg is None:  # who asks so wants raw predictions
        return predict_raw(
            roi_head, x, batch_img_metas, rpn_results_list, rescale
        )
    candidates = predict_candidates(
        roi_head, x, batch_img_metas, rpn_results_list, rescale, rounds
    )
    return [
        final_detections(
            each,
            rcnn_test_cfg.score_thr,
            rcnn_test_cfg.nms,
            rcnn_test_cfg.max_per_img,
            **voting,
        )
        for each in candidates
    ]
