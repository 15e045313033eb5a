"""What the runs of the demo came to: numbers, curves, detections."""

import json
import pickle
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from matplotlib.figure import Figure
from mmcv import imread, imrescale
from mmdet.structures import DetDataSample
from mmdet.visualization import DetLocalVisualizer
from mmengine.structures import InstanceData

from mmdet_ohem.runs.run_data import Curve, read_curves

_CURVES = {
    'loss': 'loss over the sampled RoIs',
    'mining/sampled_fg_share': 'foreground among the sampled RoIs, %',
    'mining/sampled_far_bg_share': 'sampled background with IoU < 0.1, %',
}


@dataclass(frozen=True)
class RunSummary:
    """One run, trained and tested.

    Attributes:
        name: Of its folder.
        map50: VOC 11-point mAP at IoU 0.5, in [0, 1].
        seconds_per_iter: Median over the logged iterations.
        fg_share: Foreground among the sampled RoIs, percent, mean.
        far_bg_share: Sampled background with IoU < 0.1, percent, mean.
        curves: By the name of the scalar.
        detections: mmdet's ``--out`` file, a dict an image.
    """

    name: str
    map50: float
    seconds_per_iter: float
    fg_share: float
    far_bg_share: float
    curves: dict[str, Curve]
    detections: list[dict]


def read_run(folder: Path) -> RunSummary:
    """Read the logs and detections of one run.

    Args:
        folder: Its ``--work-dir``; the test's is ``folder / 'test'``.

    Returns:
        Its summary.

    Raises:
        FileNotFoundError: It has not been trained and tested.
    """
    logged = read_curves(folder)
    curves = {
        name: logged[name] for name in (*_CURVES, 'time') if name in logged
    }
    tests = sorted((folder / 'test').glob('*/*.json'))
    detections = folder / 'test' / 'detections.pkl'
    if not curves or not tests or not detections.exists():
        raise FileNotFoundError(
            f'{folder} holds no run that was trained and tested. Remedy: '
            'tools/demo.sh, or mim train and mim test with --out '
            f'{detections}'
        )
    return RunSummary(
        name=folder.name,
        map50=json.loads(tests[-1].read_text())['pascal_voc/mAP'],
        seconds_per_iter=float(np.median(curves['time'].values)),
        fg_share=float(np.mean(curves['mining/sampled_fg_share'].values)),
        far_bg_share=float(
            np.mean(curves['mining/sampled_far_bg_share'].values)
        ),
        curves=curves,
        detections=pickle.loads(detections.read_bytes()),
    )


def draw_curves(runs: list[RunSummary], out: Path) -> None:
    """Draw the logged curves of all runs.

    Args:
        runs: At least one.
        out: Picture file.
    """
    figure = Figure(figsize=(5 * len(_CURVES), 4), layout='constrained')
    for axes, (name, title) in zip(
        figure.subplots(1, len(_CURVES)), _CURVES.items(), strict=True
    ):
        for run in runs:
            if name in run.curves:
                axes.plot(*run.curves[name], label=run.name)
        axes.set(title=title, xlabel='iteration', ylim=(0, None))
        axes.legend()
    figure.suptitle(
        'OHEM logs the loss of its hard RoIs: compare curves of one rule only'
    )
    figure.savefig(out, dpi=100)


def draw_detections(
    runs: list[RunSummary],
    classes: tuple[str, ...],
    out: Path,
    num_images: int = 6,
    score_thr: float = 0.3,
) -> None:
    """Draw detections of the runs side by side, a row a test image.

    Args:
        runs: Tested on the same images, in the same order.
        classes: Names of the labels.
        out: Picture file.
        num_images: How many images, evenly spaced.
        score_thr: Lower scores are not drawn.
    """
    visualizer = DetLocalVisualizer()
    visualizer.dataset_meta = dict(classes=classes, palette='random')
    total = len(runs[0].detections)
    rows = []
    for index in np.linspace(0, total - 1, num_images).astype(int):
        row = []
        for run in runs:
            found = run.detections[index]
            image = imread(found['img_path'], channel_order='rgb')
            image = imrescale(image, 2)
            visualizer.add_datasample(
                'detections',
                image,
                _as_sample(found['pred_instances'], scale=2),
                draw_gt=False,
                pred_score_thr=score_thr,
            )
            drawn = visualizer.get_image()[..., ::-1].copy()
            cv2.putText(drawn, run.name, (6, 20), 0, 0.6, (255, 255, 255), 2)
            row.append(drawn)
        rows.append(np.hstack(row))
    cv2.imwrite(str(out), np.vstack(rows))


def _as_sample(instances: dict, scale: float) -> DetDataSample:
    """Detections of one image, enlarged, as the visualizer takes them."""
    sample = DetDataSample()
    sample.pred_instances = InstanceData(
        bboxes=torch.as_tensor(instances['bboxes']) * scale,
        scores=torch.as_tensor(instances['scores']),
        labels=torch.as_tensor(instances['labels']),
    )
    return sample
