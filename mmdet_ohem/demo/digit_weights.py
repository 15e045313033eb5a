"""Weights for the demo: a narrow VGG16 or VGG-M taught to tell digits apart.

These weights are for the demo what ImageNet's are for VOC, since the demo must
run where nothing can be downloaded. The network learns from pictures of one
training digit each, on photographs. There is no background class, so that the
hard background is new to the detector. The networks have a quarter of the
channels, so that they see each picture often enough within two minutes on a
CPU. BatchNorm lets 16 layers learn in that time; it is folded into the
convolutions afterwards. The file has torchvision's names.

The pictures are RGB and normalised by torchvision's mean and deviation for
both networks: a config that uses these weights says so.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mmdet_ohem.detector.vgg16 import vgg16_layers
from mmdet_ohem.detector.vgg_backbone import widened
from mmdet_ohem.detector.vgg_m import vgg_m_layers
from mmdet_ohem.host.checkpoints import write_checkpoint

from .canvas import Canvas, crop_photograph
from .glyphs import CLASSES, load_digit_set

# Side of the pictures in pixels -> pictures in a batch; a cell is 16 pixels.
_BATCHES = {32: 64, 48: 32, 64: 24, 80: 16}
#: Of SGD. The first 300 lead to no better than chance: 16 layers from scratch.
NUM_ITERS = 1200
# The smallest pictures come first: on them learning starts soonest.
_WARM_UP = 40
_PICTURES = 3000  # of each size
#: Of the channels of both networks, as published; the demo's configs say it.
WIDEN_FACTOR = 0.25
_MEAN, _STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


class _Net(NamedTuple):
    layers: Callable[[float], nn.Sequential]
    pooled: int  # bins a side, as RoI pooling has them


_NETS = {
    'vgg16': _Net(vgg16_layers, 7),
    'vgg_m': _Net(vgg_m_layers, 6),
}
NETS = tuple(_NETS)


class _Classifier(nn.Module):
    """Convolutions with BatchNorm and a narrow classifier.

    Parameters are named as in torchvision's VGG16.
    """

    def __init__(self, net: str, width: int) -> None:
        super().__init__()
        self.features = _with_batch_norm(_NETS[net].layers(WIDEN_FACTOR))
        self.pooled = _NETS[net].pooled
        num_channels = widened(512, WIDEN_FACTOR)
        scores = nn.Linear(width, len(CLASSES))
        # Identity stands where torchvision has dropout, so that names agree.
        # With dropout, so narrow layers learn nothing in so few iterations.
        self.classifier = nn.Sequential(
            nn.Linear(num_channels * self.pooled**2, width),
            nn.ReLU(inplace=True),
            nn.Identity(),
            nn.Linear(width, width),
            nn.ReLU(inplace=True),
            nn.Identity(),
            scores,
        )
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight)
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        nn.init.normal_(scores.weight, std=0.01)

    def forward(self, img: Tensor) -> Tensor:
        """Class scores (N, 10) of pictures (N, 3, S, S)."""
        feats = self.features(
            img.contiguous(memory_format=torch.channels_last)
        )
        return self.classifier(
            F.adaptive_max_pool2d(feats, self.pooled).flatten(1)
        )


def write_digit_weights(
    out: Path,
    seed: int = 0,
    num_iters: int = NUM_ITERS,
    width: int = 256,
    on_iter: Callable[[float], None] = lambda loss: None,
    net: str = 'vgg16',
) -> float:
    """Train the classifier and write a checkpoint, whole or not at all.

    Args:
        out: The checkpoint. Names are those of torchvision's VGG16; shapes
            are those of the network, but for ``width`` and the number of
            classes.
        seed: Of pictures, weights and order; with one number of threads the
            result is always the same.
        num_iters: Iterations of SGD.
        width: Of fc6 and fc7.
        on_iter: Called with the loss after each iteration.
        net: One of ``NETS``.

    Returns:
        Accuracy in [0, 1] over the last tenth of the iterations.

    Raises:
        OSError: The checkpoint cannot be written; the error names it.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        pictures = draw_pictures(seed, _PICTURES)
        model = _Classifier(net, width).train()
        accuracy = _train(model, pictures, num_iters, on_iter)
    weights = _fold_batch_norm(model).state_dict()
    write_checkpoint(out, weights)
    return accuracy


def draw_pictures(seed: int, num: int) -> dict[int, tuple[Tensor, Tensor]]:
    """Draw ``num`` pictures of each size, a training digit on each.

    Returns:
        Side S -> normalised RGB pictures (num, 3, S, S), labels (num,).
    """
    rng = np.random.default_rng((seed, 2))
    digits = load_digit_set('train')
    mean, std = torch.tensor(_MEAN), torch.tensor(_STD)
    drawn = {}
    for side in _BATCHES:
        images: list[np.ndarray] = []
        labels: list[int] = []
        while len(images) < num:
            canvas = Canvas(crop_photograph(rng, 'train', (side, side)))
            pattern, label = digits.draw(rng)
            height = int(rng.integers(int(0.65 * side), side - 4))
            # A wide digit may find no room.
            if canvas.place(rng, pattern, height) is not None:
                images.append(canvas.image[..., ::-1])
                labels.append(label)
        rgb = torch.from_numpy(np.stack(images)).float()
        normalised = ((rgb - mean) / std).permute(0, 3, 1, 2).contiguous()
        drawn[side] = normalised, torch.tensor(labels)
    return drawn


def _with_batch_norm(layers: nn.Sequential) -> nn.Sequential:
    """The same layers, BatchNorm behind each convolution."""
    found: list[nn.Module] = []
    for layer in layers:
        found.append(layer)
        if isinstance(layer, nn.Conv2d):
            found.append(nn.BatchNorm2d(layer.out_channels))
    return nn.Sequential(*found)


def _train(
    model: _Classifier,
    pictures: dict[int, tuple[Tensor, Tensor]],
    num_iters: int,
    on_iter: Callable[[float], None],
) -> float:
    """SGD with a cosine schedule; returns the accuracy at its end."""
    params = list(model.parameters())
    optimizer = torch.optim.SGD(
        params, lr=0.02, momentum=0.9, weight_decay=5e-4
    )
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.02, total_steps=num_iters, pct_start=0.08
    )
    hits: list[float] = []
    for images, labels in _batches(pictures, num_iters):
        scores = model(images)
        loss = F.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(params, 5.0)
        optimizer.step()
        scheduler.step()
        hits.append((scores.argmax(1) == labels).float().mean().item())
        on_iter(loss.item())
    last = hits[-max(num_iters // 10, 1) :]
    return sum(last) / len(last)


def _batches(
    pictures: dict[int, tuple[Tensor, Tensor]], num_iters: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Random batches, each of one size."""
    sides = list(_BATCHES)
    for i in range(num_iters):
        side = sides[0] if i < _WARM_UP else sides[i % len(sides)]
        images, labels = pictures[side]
        inds = torch.randint(len(images), (_BATCHES[side],))
        yield images[inds], labels[inds]


def _fold_batch_norm(model: _Classifier) -> _Classifier:
    """Put each BatchNorm into its convolution, in place."""
    model.eval()
    layers: list[nn.Module] = []
    for layer in model.features:
        if isinstance(layer, nn.BatchNorm2d):
            convolution = layers.pop()
            assert isinstance(convolution, nn.Conv2d)
            layers.append(fuse_conv_bn_eval(convolution, layer))
        else:
            layers.append(layer)
    model.features = nn.Sequential(*layers)
    return model
