"""Fast R-CNN, whose conv network may be fixed and its features kept."""

import weakref
from typing import Any

import torch
from mmdet.models.detectors import FastRCNN as StockFastRCNN
from torch import Tensor, nn

from mmdet_ohem.features import FeatureCache
from mmdet_ohem.registry import MODELS


@MODELS.register_module()
class FastRCNN(StockFastRCNN):
    """mmdet's Fast R-CNN; a fixed conv network sees each image by itself.

    While a layer of the backbone is trained, this is mmdet's detector as it
    is. Where all are frozen (``frozen_stages=5``), as in SPPnet, an image's
    features do not depend on the image that it shares a batch with: each
    image goes through the network without padding, and the feature maps are
    padded instead. They are the same in each epoch, and can be kept on disk.

    Args:
        *args: As for mmdet's ``FastRCNN``.
        feature_cache: Folder in which to keep the features of a fixed conv
            network (see :class:`~mmdet_ohem.features.FeatureCache`); None:
            they are computed each time.
        **kwargs: As for mmdet's ``FastRCNN``.

    Raises:
        ValueError: ``feature_cache`` is given, and the backbone is trained.
    """

    def __init__(
        self, *args: Any, feature_cache: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        trained = [
            name
            for name, x in self.backbone.named_parameters()
            if x.requires_grad
        ]
        self.is_fixed = not trained
        if feature_cache is not None and trained:
            raise ValueError(
                f'feature_cache is {feature_cache!r}, and the features of '
                f'{type(self.backbone).__name__} change: {len(trained)} of '
                f'its parameters are trained, such as {trained[0]}. Remedy: '
                'backbone.frozen_stages=5, or no feature_cache'
            )
        self.feature_cache = (
            None
            if feature_cache is None
            else FeatureCache(feature_cache, self.backbone)
        )
        # The batch that was prepared last, and the sizes of its images.
        self._batch: tuple[Any, list[tuple[int, int]]] = (lambda: None, [])
        if self.is_fixed:
            self.data_preprocessor.register_forward_hook(self._note_sizes)

    def extract_feat(self, batch_inputs: Tensor) -> tuple[Tensor, ...]:
        """Features of a batch.

        Args:
            batch_inputs: Of the data preprocessor, shape (N, 3, H, W). Where
                it is another tensor, all of it is taken for image.

        Returns:
            One level, shape (N, C, h, w); where the conv network is fixed,
            0 beside the cells of the smaller images.
        """
        if not self.is_fixed:
            return super().extract_feat(batch_inputs)
        batch, sizes = self._batch
        if batch() is not batch_inputs:
            height, width = batch_inputs.shape[2:]
            sizes = [(height, width)] * len(batch_inputs)
        with torch.no_grad():
            maps = [
                self._features(img[:, :height, :width])
                for img, (height, width) in zip(
                    batch_inputs, sizes, strict=True
                )
            ]
            feats = (_pad_together(maps),)
        # A neck may learn: what is kept is what is before it.
        return self.neck(feats) if self.with_neck else feats

    def _features(self, img: Tensor) -> Tensor:
        """Features of one image, shape (C, h, w)."""
        if self.feature_cache is not None:
            return self.feature_cache(img)
        return self.backbone(img[None])[0][0]

    def _note_sizes(
        self, preprocessor: nn.Module, given: tuple, prepared: Any
    ) -> None:
        """Remember which part of each padded image is the image."""
        samples = prepared.get('data_samples')
        if isinstance(prepared.get('inputs'), Tensor) and samples:
            sizes = [x.metainfo['img_shape'][:2] for x in samples]
            self._batch = weakref.ref(prepared['inputs']), sizes


def _pad_together(maps: list[Tensor]) -> Tensor:
    """Feature maps (C, h, w) of a batch, with 0 beside the smaller ones."""
    height, width = (max(x.shape[i] for x in maps) for i in (1, 2))
    # Channels last, as RoI pooling reads them.
    batch = maps[0].new_zeros(len(maps), height, width, len(maps[0]))
    for place, found in zip(batch, maps, strict=True):
        part = found.permute(1, 2, 0)
        place[: part.shape[0], : part.shape[1]] = part
    return batch.permute(0, 3, 1, 2)
