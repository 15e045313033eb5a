"""Sheets of hard examples of a dataset at several checkpoints."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmdet.models.utils import unpack_gt_instances
from mmdet.registry import MODELS
from mmdet.structures.bbox import get_box_tensor
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.runner import load_checkpoint

from mmdet_ohem.figure3.loss_dataset import build_dataset, spaced
from mmdet_ohem.host.files import replacing
from mmdet_ohem.host.propose import propose
from mmdet_ohem.host.refusals import Purpose, check_config
from mmdet_ohem.mining import MiningRecord
from mmdet_ohem.runs.torn_checkpoints import refuse_torn
from mmdet_ohem.watch.hard_example_drawing import DrawingStyle
from mmdet_ohem.watch.hard_example_sheet import make_sheet
from mmdet_ohem.watch.hard_example_visualization_hook import as_rgb
from mmdet_ohem.watch.selection_rules import SelectionRules

Choices = dict[str, MiningRecord | str]


class HardExampleBrowser:
    """Show what is trained on in an image, at several checkpoints.

    The images are those of the training dataset with the transforms of the
    test, as for the loss over all RoIs: one scale, not flipped. The network
    is in evaluation mode and is not trained.

    Args:
        config: Of a two-stage detector with its training dataset.
        checkpoints: Checkpoint files, in the order of the columns.
        device: Where the network runs.
        seed: Of the random heuristic.
        rules: Further mining rules, as for :class:`SelectionRules`.

    Raises:
        FileNotFoundError: A checkpoint is missing.
        TypeError: The detector has no RoI head with a sampler.
        ValueError: The config has no training dataset or test pipeline.
    """

    def __init__(
        self,
        config: Config,
        checkpoints: Sequence[Path],
        device: str | torch.device = 'cpu',
        seed: int = 0,
        rules: Sequence[str | Mapping[str, Any]] = (),
    ) -> None:
        self.checkpoints = _name_checkpoints(checkpoints)
        for path in self.checkpoints.values():
            refuse_torn(path, thorough=True)
        self.device = torch.device(device)
        self.seed = seed
        self.rules = rules
        self.model = build_detector(config).to(self.device)
        self.dataset: Any = build_dataset(config, 'train')

    def find(self, names: Sequence[str] | None, num: int = 4) -> list[int]:
        """Find images of the dataset.

        Args:
            names: Of files, with or without folder and ending; None chooses.
            num: How many to choose, evenly over the dataset.

        Returns:
            Their indices.

        Raises:
            ValueError: The dataset has no such image, or ``num`` is below 1.
        """
        if num < 1:
            raise ValueError(f'num must be at least 1 image, got {num}')
        if names is None:
            return spaced(len(self.dataset), num)
        known: dict[str, int] = {}
        for ind in range(len(self.dataset)):
            info = self.dataset.dataset.get_data_info(ind)
            known.setdefault(Path(info['img_path']).stem, ind)
        missing = [name for name in names if Path(name).stem not in known]
        if missing:
            raise ValueError(
                f'{len(missing)} of {len(names)} images are not among the '
                f'{len(known)} of the training dataset: '
                f'{", ".join(missing[:5])}. It has, for example, '
                f'{", ".join(list(known)[:3])}'
            )
        return [known[Path(name).stem] for name in names]

    def browse(
        self, inds: Sequence[int], out: Path, style: DrawingStyle
    ) -> Iterator[Path]:
        """Write a sheet for each image.

        Args:
            inds: Indices of images.
            out: Folder; a sheet is ``<name of the image>.png``.
            style: What is drawn, and how large.

        Yields:
            The sheets, when they are written.

        Raises:
            OSError: A sheet cannot be written; the error names it.
            ValueError: A sheet would replace its image.
        """
        images = [self.dataset[ind] for ind in inds]
        for image in images:
            _refuse_to_replace(Path(image['data_samples'].img_path), out)
        found: list[dict[str, Choices]] = [{} for _ in images]
        for name, path in self.checkpoints.items():
            _load(self.model, path)
            for image, by_checkpoint in zip(images, found, strict=True):
                by_checkpoint[name] = self.choose(image)
        for image, by_checkpoint in zip(images, found, strict=True):
            sample = image['data_samples']
            stem = Path(sample.img_path).stem
            figure = make_sheet(
                as_rgb(image['inputs']),
                get_box_tensor(sample.gt_instances.bboxes),
                by_checkpoint,
                style,
                title=f'{stem}: what is trained on',
            )
            path = out / f'{stem}.png'
            with replacing(path) as temporary:
                figure.savefig(temporary, format='png')
            yield path

    @torch.no_grad()
    def choose(self, image: Mapping[str, Any]) -> Choices:
        """What each rule chooses with the weights that are loaded.

        Args:
            image: ``inputs`` and ``data_samples``, as the pipeline packs one.

        Returns:
            The choice of each rule.
        """
        data = self.model.data_preprocessor(pseudo_collate([image]), False)
        samples = data['data_samples']
        feats = self.model.extract_feat(data['inputs'])
        gts, ignored, _ = unpack_gt_instances(samples)
        rules = SelectionRules(self.model.roi_head, self.seed, self.rules)
        (boxes,) = propose(self.model, feats, samples)
        return rules(feats, boxes, gts[0], ignored[0])


def _refuse_to_replace(image: Path, out: Path) -> None:
    sheet = out / f'{image.stem}.png'
    if sheet.resolve() == image.resolve():
        raise ValueError(
            f'the sheet {sheet} would replace the image itself. Remedy: give '
            'another folder for the sheets'
        )


def build_detector(config: Config) -> Any:
    """The detector of a config in evaluation mode.

    Args:
        config: A whole config.

    Returns:
        The detector, its weights not loaded.

    Raises:
        TypeError: It has no RoI head with a sampler.
    """
    check_config(config, Purpose.BROWSING, Purpose.BROWSING_A_TRAINING)
    model = MODELS.build(config.copy().model)  # which changes it
    return model.eval()


def _name_checkpoints(paths: Sequence[Path]) -> dict[str, Path]:
    """Checkpoint files by a name that tells them apart."""
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise FileNotFoundError(
            f'{len(missing)} of {len(paths)} checkpoints are missing: '
            f'{", ".join(missing)}. Remedy: train with '
            'default_hooks.checkpoint.max_keep_ckpts=-1 to keep all of them'
        )
    stems = [path.stem for path in paths]
    if len(set(stems)) == len(stems):
        return dict(zip(stems, paths, strict=True))
    return {f'{path.parent.name}/{path.stem}': path for path in paths}


def _load(model: Any, path: Path) -> None:
    """Load weights; all of them have to fit."""
    try:
        load_checkpoint(model, str(path), map_location='cpu', strict=True)
    except RuntimeError as error:
        raise ValueError(
            f'{path} is not of this config: {error}. Remedy: give the config '
            'that it was trained by'
        ) from error
