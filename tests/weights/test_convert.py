"""Layers of Caffe's networks and torchvision's become ours."""

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData
from torch import Tensor

from mmdet_ohem.detector import VGG16, VGGM
from mmdet_ohem.weights import NETS, convert_layers
from tests.detector.published_layers import random_blobs, run_layers
from tests.detector.test_published_networks import model_config

WIDTHS = (24, 16)
NUM_CLASSES = 3
NUM_OUTPUTS = NUM_CLASSES + 1
HEAD = 'roi_head.bbox_head'
Layers = dict[str, list[np.ndarray]]


def backbone_layers(net: str) -> Layers:
    """Without a value: only shapes matter."""
    layers = {}
    for layer in NETS[net].layers(WIDTHS):
        layers[layer.caffe] = [
            np.zeros(layer.shape, np.float32),
            np.zeros(layer.shape[:1], np.float32),
        ]
    return layers


@pytest.fixture(scope='module')
def trained() -> Layers:
    """A Fast R-CNN with VGG-M as Caffe has it, its outputs small."""
    layers = random_blobs('vgg_m', WIDTHS, NUM_OUTPUTS)
    for name, size in (('cls_score', 0.02), ('bbox_pred', 0.002)):
        layers[name] = [np.float32(size) * array for array in layers[name]]
    return layers


@pytest.mark.parametrize(('net', 'cls'), [('vgg16', VGG16), ('vgg_m', VGGM)])
def test_the_table_of_layers_is_that_of_the_network(
    net: str, cls: type
) -> None:
    with torch.device('meta'):
        expected = {k: v.shape for k, v in cls().state_dict().items()}
        head = MODELS.build(model_config(net).roi_head.bbox_head)
    for name, i in (('fc6', 0), ('fc7', 3)):
        for part in ('weight', 'bias'):
            shape = head.get_parameter(f'{name}.{part}').shape
            expected[f'classifier.{i}.{part}'] = shape
    found = {}
    for layer in NETS[net].layers():
        found[f'{layer.torchvision}.weight'] = layer.shape
        found[f'{layer.torchvision}.bias'] = layer.shape[:1]
    assert found == expected


def test_a_backbone_keeps_its_numbers() -> None:
    layers = random_blobs('vgg_m', WIDTHS)
    layers['fc8'] = [np.zeros((1000, 16), np.float32), np.zeros(1000)]
    result = convert_layers(layers, 'vgg_m', fc_out_channels=WIDTHS)
    names = {
        layer.caffe: layer.torchvision for layer in NETS['vgg_m'].layers()
    }
    assert len(result.state_dict) == len(result.moves) == 2 * len(names)
    for caffe, name in names.items():
        for part, array in zip(('weight', 'bias'), layers[caffe], strict=True):
            value = result.state_dict[f'{name}.{part}']
            assert torch.equal(value, torch.from_numpy(array))
    assert result.left_out == ['fc8']


def test_old_files_have_ones_in_front() -> None:
    layers = random_blobs('vgg_m', WIDTHS)
    old = {
        name: [a.reshape((1,) * (4 - a.ndim) + a.shape) for a in arrays]
        for name, arrays in layers.items()
    }
    first, second = (
        convert_layers(x, 'vgg_m', fc_out_channels=WIDTHS).state_dict
        for x in (layers, old)
    )
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_class_and_box_rows_by_hand(trained: Layers) -> None:
    layers = dict(trained)
    layers['cls_score'] = [
        np.arange(4, dtype=np.float32)[:, None].repeat(16, 1),
        np.array([7, 8, 9, 10], np.float32),
    ]
    layers['bbox_pred'] = [
        np.arange(16, dtype=np.float32)[:, None].repeat(16, 1),
        np.arange(16, dtype=np.float32),
    ]
    state = convert_layers(layers, 'vgg_m', 'detector', WIDTHS).state_dict
    # Background, the first row, is the last one here.
    assert state[f'{HEAD}.fc_cls.weight'][:, 0].tolist() == [1, 2, 3, 0]
    assert state[f'{HEAD}.fc_cls.bias'].tolist() == [8, 9, 10, 7]
    # Rows 4 to 15: x, y by 0.1, w, h by 0.2.
    expected = [40, 50, 30, 35, 80, 90, 50, 55, 120, 130, 70, 75]
    for part in (
        state[f'{HEAD}.fc_reg.weight'][:, 0],
        state[f'{HEAD}.fc_reg.bias'],
    ):
        assert part.tolist() == pytest.approx(expected)


# Edges x1, y1, x2, y2 well inside of an image of 128 x 160 pixels, so that
# clipping to W in mmdet, to W - 1 in Caffe, changes nothing.
BOXES = np.array(
    [[20, 30, 90, 80], [40, 16, 60, 100], [10, 20, 100, 110]], np.float32
)
IMG_SHAPE = (128, 160)


def decode(boxes: np.ndarray, deltas: np.ndarray, one: int) -> np.ndarray:
    """Caffe's boxes, (R, 4), and plain deltas, (R, 4K) -> (R, K, 4).

    Args:
        boxes: Corners inclusive.
        deltas: Of all classes.
        one: 1 where a box includes its last pixel, as in the OHEM release;
            0 as in the first release of Fast R-CNN.
    """
    sizes = boxes[:, None, 2:] - boxes[:, None, :2] + one
    centres = boxes[:, None, :2] + 0.5 * sizes
    each = deltas.reshape(len(boxes), -1, 4)
    new_centres = centres + each[..., :2] * sizes
    new_sizes = np.exp(each[..., 2:]) * sizes
    return np.concatenate(
        [new_centres - 0.5 * new_sizes, new_centres + 0.5 * new_sizes], -1
    )


@pytest.fixture(scope='module')
def predictions(trained: Layers) -> tuple[Tensor, Tensor, np.ndarray, Tensor]:
    """Boxes and scores of the converted detector, then those of Caffe.

    Shapes (R, K, 4), (R, K + 1), plain deltas (R, 4K + 4), (R, K + 1).
    """
    result = convert_layers(trained, 'vgg_m', 'detector', WIDTHS)
    config = model_config('vgg_m')
    config.backbone.init_cfg = None
    config.roi_head.bbox_head.update(
        fc_out_channels=WIDTHS, num_classes=NUM_CLASSES, init_cfg=None
    )
    with DefaultScope.overwrite_default_scope('mmdet'):
        model = MODELS.build(config).eval()
    model.load_state_dict(result.state_dict, strict=True)
    generator = torch.Generator().manual_seed(3)
    img = 60 * torch.randn(1, 3, *IMG_SHAPE, generator=generator)
    rois = bbox2roi([torch.from_numpy(BOXES)])
    with torch.no_grad():
        out = model.roi_head._bbox_forward(model.extract_feat(img), rois)
        found: InstanceData = model.roi_head.bbox_head.predict_by_feat(
            rois=(rois,),
            cls_scores=(out['cls_score'],),
            bbox_preds=(out['bbox_pred'],),
            batch_img_metas=[dict(img_shape=IMG_SHAPE)],
            rcnn_test_cfg=None,
        )[0]
    # The extractor's pixel is one of the original image.
    pixel = model.roi_head.bbox_roi_extractor.pixel
    last = rois - torch.tensor([0, 0, 0, pixel, pixel])
    caffe = run_layers('vgg_m', trained, img, last)
    return (
        found.bboxes.view(len(BOXES), NUM_CLASSES, 4),
        found.scores,
        caffe['bbox_pred'].numpy(),
        caffe['cls_score'].softmax(1),
    )


def test_a_converted_detector_scores_as_caffe_does(
    predictions: tuple[Tensor, Tensor, np.ndarray, Tensor],
) -> None:
    _, scores, _, expected = predictions
    assert expected.std(0).max() > 0.01  # RoIs and classes differ
    torch.testing.assert_close(scores[:, :-1], expected[:, 1:])
    torch.testing.assert_close(scores[:, -1], expected[:, 0])


def test_a_converted_detector_finds_the_boxes_of_caffe(
    predictions: tuple[Tensor, Tensor, np.ndarray, Tensor],
) -> None:
    boxes, _, deltas, _ = predictions
    # The OHEM release decodes inclusive corners to x2 + 1: the edges.
    expected = decode(BOXES - [0, 0, 1, 1], deltas, one=1)[:, 1:]
    moved = np.abs(expected - BOXES[:, None])
    assert moved.max() > 2
    assert expected.min() > 0 and expected[..., ::2].max() < IMG_SHAPE[1] - 1
    np.testing.assert_allclose(boxes.numpy(), expected, atol=1e-2)


def test_boxes_of_the_first_release_differ_by_less_than_half_a_pixel(
    predictions: tuple[Tensor, Tensor, np.ndarray, Tensor],
) -> None:
    boxes, _, deltas, _ = predictions
    # It measured without the last pixel, and a zero delta gives x2.
    inclusive = decode(BOXES - [0, 0, 1, 1], deltas, one=0)[:, 1:]
    off = boxes.numpy() - [0, 0, 1, 1] - inclusive
    assert 0.01 < np.abs(off).max() < 0.5


def test_layers_that_are_missing_are_named() -> None:
    layers = backbone_layers('vgg16')
    del layers['conv3_2'], layers['fc7']
    with pytest.raises(ValueError, match='not the layers of') as error:
        convert_layers(layers, 'vgg16', fc_out_channels=WIDTHS)
    message = str(error.value)
    assert 'conv3_2 is missing ((256, 256, 3, 3))' in message
    assert 'fc7 is missing ((16, 24))' in message
    assert message.count('is missing') == 2


def test_misshapen_layers_are_named() -> None:
    layers = backbone_layers('vgg_m')
    layers['conv2'][0] = np.zeros((256, 96, 3, 3), np.float32)
    layers['conv4'][1] = np.zeros(256, np.float32)
    layers['fc6'].pop()
    layers['fc7'][0] = np.full((16, 24), np.nan, np.float32)
    with pytest.raises(ValueError, match='not the layers of') as error:
        convert_layers(layers, 'vgg_m', fc_out_channels=WIDTHS)
    message = str(error.value)
    for part in (
        'conv2.weight has shape (256, 96, 3, 3), not (256, 96, 5, 5)',
        'conv4.bias has shape (256,), not (512,)',
        'fc6 has 1 blob, weight and bias expected',
        'fc7.weight has values that are not finite',
    ):
        assert part in message


def test_widths_that_were_not_published_must_be_given() -> None:
    layers = backbone_layers('vgg_m')
    with pytest.raises(
        ValueError, match=r'\(24, 18432\), not \(4096, 18432\)'
    ):
        convert_layers(layers, 'vgg_m')


@pytest.mark.parametrize(
    ('right', 'wrong'), [('vgg16', 'vgg_m'), ('vgg_m', 'vgg16')]
)
def test_the_wrong_network_is_an_error(right: str, wrong: str) -> None:
    layers = backbone_layers(right)
    with pytest.raises(ValueError, match=f'not the layers of a {wrong}'):
        convert_layers(layers, wrong, fc_out_channels=WIDTHS)


def test_a_backbone_is_no_detector() -> None:
    layers = backbone_layers('vgg_m')
    with pytest.raises(ValueError, match='a vgg_m detector') as error:
        convert_layers(layers, 'vgg_m', 'detector', WIDTHS)
    for name in ('cls_score', 'bbox_pred'):
        assert f'{name} is missing (outputs of a detector)' in str(error.value)


def test_boxes_of_another_number_of_classes_are_an_error(
    trained: Layers,
) -> None:
    layers = dict(trained)
    layers['bbox_pred'] = [array[:8] for array in layers['bbox_pred']]
    message = r'bbox_pred\.weight has shape \(8, 16\), not \(16, 16\)'
    with pytest.raises(ValueError, match=message):
        convert_layers(layers, 'vgg_m', 'detector', WIDTHS)


@pytest.mark.parametrize(
    ('net', 'kind'), [('vgg19', 'backbone'), ('vgg16', 'head')]
)
def test_unknown_networks_and_kinds_are_named(net: str, kind: str) -> None:
    with pytest.raises(ValueError, match=f"got '{net}' and '{kind}'"):
        convert_layers({}, net, kind)
