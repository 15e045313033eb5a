"""Feature maps of a fixed conv network, a file for each image as it is seen.

Shapes: ``C`` channels, ``h x w`` cells, ``H x W`` pixels.
"""

import hashlib
import logging
import zlib
from pathlib import Path

import torch
from mmengine.logging import print_log
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from mmdet_ohem.counts import Count
from mmdet_ohem.features.weights_digest import WeightsDigest
from mmdet_ohem.host.files import replacing

_NAME = 'features'


class BadFeaturesError(ValueError):
    """A file that is not what the cache wrote."""


class FeatureCache:
    """Compute the features of an image once, ever.

    A file is found by its content: by a digest of the image's pixels as the
    network sees them, behind flip, resize and normalisation, in a folder that
    is named by a digest of the network's weights and layers. Another image,
    scale, flip, normalisation or checkpoint is therefore another file: there
    is nothing that could be out of date, and trainings of any kind may share
    a folder, also at the same time.

    Features are kept in half precision; where its range, 65504, is not
    enough, in float32. The files are safetensors: memory-mapped, and opening
    one runs no code. A file that is damaged is a warning, and is made again.

    Args:
        folder: Of all files, such as ``work_dirs/features``; made if missing.
        net: The conv network, whose call on (1, 3, H, W) gives a tuple of
            one feature map (1, C, h, w).

    Attributes:
        num_found: Images so far whose features were read.
        num_computed: Images so far whose features were computed.
    """

    def __init__(self, folder: str | Path, net: nn.Module) -> None:
        self.folder = Path(folder)
        self.num_found = 0
        self.num_computed = 0
        # A list, so that the network is not a part of two modules.
        self._net = [net]
        self._digest = WeightsDigest(net)
        self._told = ''

    def __call__(self, img: Tensor) -> Tensor:
        """Features of one image.

        Args:
            img: As the network gets it, without padding, shape (3, H, W).

        Returns:
            Shape (C, h, w), float32, in channels-last memory, on the device
            of ``img``, rounded as on disk: the first call and later ones
            return the same numbers.

        Raises:
            OSError: A file cannot be written.
        """
        path = self.path_of(img)
        try:
            features = _read(path)
            self.num_found += 1
        except FileNotFoundError:
            features = self._compute(img, path)
        except BadFeaturesError as error:
            print_log(
                f'{error}. It is made again',
                logger='current',
                level=logging.WARNING,
            )
            features = self._compute(img, path)
        return features.to(img.device).float().permute(2, 0, 1)

    def path_of(self, img: Tensor) -> Path:
        """Where the features of an image are, or will be.

        Args:
            img: As for the call.
        """
        weights = self._digest()
        if weights != self._told:
            self._tell(weights)
        pixels = img.detach().cpu().contiguous()
        digest = hashlib.blake2b(digest_size=16)
        digest.update(f'{pixels.dtype} {tuple(pixels.shape)}'.encode())
        digest.update(pixels.numpy().data)
        name = digest.hexdigest()
        return self.folder / weights / name[:2] / f'{name}.safetensors'

    def _compute(self, img: Tensor, path: Path) -> Tensor:
        """Features by the network, written to ``path``, shape (h, w, C)."""
        with torch.no_grad(), torch.autocast(img.device.type, enabled=False):
            (found,) = self._net[0](img.float()[None])
        features = found[0].permute(1, 2, 0).contiguous().cpu()
        half = features.half()
        if half.isfinite().all():
            features = half
        _write(path, features)
        self.num_computed += 1
        return features

    def _tell(self, weights: str) -> None:
        """Say once in the log whether the cache knows these weights."""
        self._told = weights
        if (self.folder / weights).is_dir():
            state = 'the folder has features of it'
        else:
            others = len([*self.folder.glob('*/')])
            state = (
                f'the folder has none of it ({Count(others):other network})'
            )
        print_log(
            f'Features are kept in {self.folder}. The conv network, layers '
            f'and weights, is {weights}: {state}',
            logger='current',
            level=logging.INFO,
        )


def _write(path: Path, features: Tensor) -> None:
    """Write features in one step, with a checksum."""
    with replacing(path) as temporary:
        save_file(
            {_NAME: features},
            temporary,
            metadata={'crc32': str(_checksum(features))},
        )


def _read(path: Path) -> Tensor:
    """Read features, shape (h, w, C).

    Raises:
        FileNotFoundError: There is no such file.
        BadFeaturesError: It is damaged, or something else.
    """
    if not path.exists():
        raise FileNotFoundError(path)
    try:
        with safe_open(path, 'pt') as file:
            checksum = (file.metadata() or {}).get('crc32')
            features = file.get_tensor(_NAME)
    except (SafetensorError, OSError) as error:
        raise BadFeaturesError(
            f'{path} does not hold features ({error})'
        ) from error
    if checksum != str(_checksum(features)):
        raise BadFeaturesError(
            f'{path} is damaged: its checksum is {_checksum(features)}, not '
            f'{checksum}'
        )
    return features


def _checksum(features: Tensor) -> int:
    return zlib.crc32(features.contiguous().numpy().data)
