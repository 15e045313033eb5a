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

    While layers of the backbone are trained and nothing is kept, this is
    mmdet's detector as it is. Where all are frozen (``frozen_stages=5``), as
    in SPPnet, an image's features do not depend on the image that it shares
    a batch with: each image goes through the network without padding, and
    the feature maps are padded instead. They are the same in each epoch, and
    can be kept on disk.

    Where only the first stages are frozen, what they make of an image can be
    kept as well: with ``feature_cache``, each image goes through all layers
    without padding, and only those that are trained are computed.

    Args:
        *args: As for mmdet's ``FastRCNN``.
        feature_cache: Folder in which to keep the features of the frozen
            layers (see :class:`~mmdet_ohem.features.FeatureCache`); None:
            they are computed each time.
        **kwargs: As for mmdet's ``FastRCNN``.

    Attributes:
        is_fixed: Whether no layer of the backbone is trained.

    Raises:
        ValueError: ``feature_cache`` is given, and no layer of the backbone
            is frozen, or some of a backbone that is not ours.
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
        # In a list, so that they are not modules of the detector as well.
        self._trained_layers: list[nn.Module] = []
        self.feature_cache: FeatureCache | None = None
        if feature_cache is not None:
            frozen = self.backbone
            if trained:
                frozen, rest = self._divided(feature_cache, trained)
                self._trained_layers = [rest]
            self.feature_cache = FeatureCache(feature_cache, frozen)
        # The batch that was prepared last, and the sizes of its images.
        self._batch: tuple[Any, list[tuple[int, int]]] = (lambda: None, [])
        self._is_one_by_one = self.is_fixed or feature_cache is not None
        if self._is_one_by_one:
            self.data_preprocessor.register_forward_hook(self._note_sizes)

    def extract_feat(self, batch_inputs: Tensor) -> tuple[Tensor, ...]:
        """Features of a batch.

        Args:
            batch_inputs: Of the data preprocessor, shape (N, 3, H, W). Where
                it is another tensor, all of it is taken for image.

        Returns:
            One level, shape (N, C, h, w); where each image goes through the
            network by itself, 0 beside the cells of the smaller images.
        """
        if not self._is_one_by_one:
            return super().extract_feat(batch_inputs)
        batch, sizes = self._batch
        if batch() is not batch_inputs:
            height, width = batch_inputs.shape[2:]
            sizes = [(height, width)] * len(batch_inputs)
        maps = [
            self._features(img[:, :height, :width])
            for img, (height, width) in zip(batch_inputs, sizes, strict=True)
        ]
        feats = (_pad_together(maps),)
        # A neck may learn: what is kept is what is before it.
        return self.neck(feats) if self.with_neck else feats

    def _features(self, img: Tensor) -> Tensor:
        """Features of one image, shape (C, h, w)."""
        with torch.no_grad():
            if self.feature_cache is None:
                return self.backbone(img[None])[0][0]
            found = self.feature_cache(img)
        for layers in self._trained_layers:
            found = layers(found[None])[0][0]
        return found

    def _divided(
        self, feature_cache: str, trained: list[str]
    ) -> tuple[nn.Module, nn.Module]:
        """The frozen layers of the backbone and the others.

        Raises:
            ValueError: There are no frozen ones, or it cannot be divided.
        """
        backbone = self.backbone
        if not (hasattr(backbone, 'divided') and backbone.frozen_stages):
            raise ValueError(
                f'feature_cache is {feature_cache!r}, and the features of '
                f'{type(backbone).__name__} change: {len(trained)} of its '
                f'parameters are trained, such as {trained[0]}. Remedy: '
                'backbone.frozen_stages=5, or fewer with mmdet_ohem.VGG16 or '
                'mmdet_ohem.VGGM (what the frozen stages make is kept), or '
                'no feature_cache'
            )
        return backbone.divided()

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
    for i, found in enumerate(maps):
        batch[i, : found.shape[1], : found.shape[2]] = found.permute(1, 2, 0)
    return batch.permute(0, 3, 1, 2)
