"""Wrong calls of every command, each with what its error has to name.

``{...}`` are the files that ``write_files`` makes.
"""

from pathlib import Path

import cv2
import torch

from tests.inference.test_fast_rcnn_inferencer import fast_config, save
from tests.localization.tiny_detectors import noise

DETECT = '--config {config} --checkpoint {weights} --out {new}'
BROWSE = '--checkpoints {weights} --out {new} --device cpu'
PROPOSE = '--img-dir {folder} --out {new}.pkl'

#: Command, its arguments, what the error names.
WRONG_CALLS = [
    ('analyze_loss', '{missing}', 'missing'),
    ('analyze_loss', '{text}', 'text.txt'),
    ('analyze_loss', '{folder}', 'folder'),
    ('analyze_loss', '{broken_run}', 'broken.py'),
    ('analyze_loss', '{raising_run}', 'raising.py'),
    ('analyze_loss', '{other_run} --out {new}', 'other.py'),
    ('analyze_loss', '{folder} --max-images -1', '-1'),
    ('analyze_loss', '{folder} --checkpoints many', 'many'),
    ('analyze_loss', '{folder} --launcher slurm', 'slurm'),
    ('benchmark', '--rounds -1', '-1'),
    ('benchmark', '--num-images 0', '--num-images'),
    ('benchmark', '--num-rois -5', '-5'),
    ('benchmark', '--device toaster', 'toaster'),
    ('benchmark', '--quick --proposals {missing}', 'missing'),
    ('benchmark', '--quick --proposals {text}', 'text.txt'),
    ('benchmark', '--quick --out {folder}', 'folder'),
    ('benchmark', '--methods magic', 'magic'),
    ('browse_hard_examples', '{missing} ' + BROWSE, 'missing'),
    ('browse_hard_examples', '{broken} ' + BROWSE, 'broken.py'),
    ('browse_hard_examples', '{raising} ' + BROWSE, 'raising.py'),
    ('browse_hard_examples', '{other} ' + BROWSE, 'other.py'),
    ('browse_hard_examples', '{folder} ' + BROWSE, 'folder'),
    (
        'browse_hard_examples',
        '{config} --checkpoints {missing} --device cpu',
        'missing',
    ),
    ('browse_hard_examples', '{config} --min-side 0 ' + BROWSE, 'min-side'),
    (
        'browse_hard_examples',
        '{config} --checkpoints {weights} --device toaster',
        'toaster',
    ),
    ('browse_hard_examples', '{config} --rules magic ' + BROWSE, 'magic'),
    ('browse_hard_examples', '{config} ' + BROWSE, 'config.py'),
    ('convert_weights', '{missing} --net vgg16 --out {new}', 'missing'),
    ('convert_weights', '{text} --net vgg16 --out {new}', 'text.txt'),
    ('convert_weights', '{folder} --net vgg16 --out {new}', 'folder'),
    ('convert_weights', '{weights} --net vgg16 --out {new}', 'epoch_1.pth'),
    ('convert_weights', '{weights} --net vgg16 --out {folder}', 'folder'),
    ('convert_weights', '{cat}.caffemodel --net vgg16 --out {new}', 'cat'),
    ('convert_weights', '{weights} --net resnet --out {new}', 'resnet'),
    (
        'convert_weights',
        '{weights} --net vgg16 --fc-out-channels 0 -1 --out {new}',
        'fc-out-channels',
    ),
    ('detect', '{missing} ' + DETECT, 'missing'),
    ('detect', '{folder} ' + DETECT, 'folder'),
    ('detect', '{text} ' + DETECT, 'text.txt'),
    ('detect', '{empty} ' + DETECT, 'empty.txt'),
    ('detect', '{image} --boxes {missing} ' + DETECT, 'missing'),
    ('detect', '{image} --boxes {text} ' + DETECT, 'text.txt'),
    (
        'detect',
        '{image} --config {missing} --checkpoint {weights} --out {new}',
        'missing',
    ),
    (
        'detect',
        '{image} --config {raising} --checkpoint {weights} --out {new}',
        'raising.py',
    ),
    (
        'detect',
        '{image} --config {broken} --checkpoint {weights} --out {new}',
        'broken.py',
    ),
    (
        'detect',
        '{image} --config {other} --checkpoint {weights} --out {new}',
        'other.py',
    ),
    (
        'detect',
        '{image} --config {config} --checkpoint {missing} --out {new}',
        'missing',
    ),
    (
        'detect',
        '{image} --config {config} --checkpoint {text} --out {new}',
        'text.txt',
    ),
    (
        'detect',
        '{image} --config {config} --checkpoint {weights} --out {text}',
        'text.txt',
    ),
    ('detect', '{image} --device toaster ' + DETECT, 'toaster'),
    ('detect', '{image} --score-thr high ' + DETECT, 'high'),
    ('make_demo_dataset', '--out {text}', 'text.txt'),
    ('make_demo_dataset', '--out {new} --num-train -5', '-5'),
    ('make_demo_dataset', '--out {new} --img-size 0 0', '0 x 0'),
    ('make_demo_dataset', '--out {new} --seed -1', '-1'),
    ('make_demo_dataset', '--out {new} --num-decoys 5 4', '5 4'),
    ('make_demo_weights', '--out {folder}', 'folder'),
    ('make_demo_weights', '--out {text}/below.pth', 'text.txt'),
    ('make_demo_weights', '--out {new} --num-iters -1', '-1'),
    ('make_demo_weights', '--out {new} --net resnet', 'resnet'),
    ('make_proposals', '{missing} ' + PROPOSE, 'missing'),
    ('make_proposals', '{empty} ' + PROPOSE, 'empty.txt'),
    ('make_proposals', '{image} ' + PROPOSE, 'cat.png'),
    ('make_proposals', '{folder} ' + PROPOSE, 'folder'),
    ('make_proposals', '{text} --workers -2 ' + PROPOSE, '-2'),
    ('make_proposals', '{text} --width 0 ' + PROPOSE, '0'),
    ('make_proposals', '{text} --from-mat {missing} ' + PROPOSE, 'missing'),
    ('make_proposals', '{text} --from-mat {text} ' + PROPOSE, 'text.txt'),
    (
        'make_proposals',
        '{text} --img-dir {missing} --out {new}.pkl',
        'missing',
    ),
    (
        'make_proposals',
        '{text} --img-dir {folder} --out {text}/new.pkl',
        'text.txt',
    ),
    ('report', '{missing}', 'missing'),
    ('report', '{folder}', 'folder'),
    ('report', '{broken_run}', 'broken.py'),
    ('report', '{raising_run}', 'raising.py'),
    ('report', '{other_run} --detections -1', '-1'),
    ('report', '{other_run} --sheets {missing}', 'missing'),
    ('result_tables', '--table 9', '9'),
    ('result_tables', '--table 1 --out {text}', 'text.txt'),
    ('result_tables', '--work-dir {text}', 'text.txt'),
    ('run_table', '--table 1 --rows 99', '99'),
    ('run_table', '--table 1 --rows 1,x', 'x'),
    ('run_table', '--table 1 --seeds 0', '--seeds'),
    ('run_table', '--table 1 --gpus -1', '-1'),
    ('run_table', '--table 1 --configs {missing}', 'missing'),
    ('run_table', '--table 1 --configs {folder}', 'folder'),
    ('run_table', '--table 1 --work-dir {text}', 'text.txt'),
    ('run_table', '--table 1 --colour', '--colour'),
    ('test', '{missing} {weights}', 'missing'),
    ('test', '{broken} {weights}', 'broken.py'),
    ('test', '{config} {missing}', 'missing'),
    ('test', '{config} {text}', 'text.txt'),
    ('train', '{missing}', 'missing'),
    ('train', '{folder}', 'folder'),
    ('train', '{broken}', 'broken.py'),
    ('train', '{raising}', 'raising.py'),
    ('train', '{other}', 'other.py'),
]


def write_files(root: Path) -> dict[str, Path]:
    """The files and folders that the calls name."""
    config, weights = save(root, fast_config())
    cv2.imwrite(str(root / 'cat.png'), noise())
    texts = {
        'text.txt': 'neither an image nor a checkpoint\n',
        'empty.txt': '',
        'broken.py': 'model = dict(\n',
        'raising.py': 'model = dict(type=undefined)\n',
        'other.py': 'colour = 1\n',
        'broken_run/broken.py': 'model = dict(\n',
        'raising_run/raising.py': 'model = dict(type=undefined)\n',
        'other_run/other.py': 'colour = 1\n',
    }
    (root / 'folder').mkdir()
    for name, text in texts.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    runs = {x: root / x for x in ('broken_run', 'raising_run', 'other_run')}
    torch.save({}, root / 'unnamed.pth')
    return dict(
        runs,
        config=config,
        weights=weights,
        image=root / 'cat.png',
        cat=root / 'cat',
        folder=root / 'folder',
        missing=root / 'missing',
        new=root / 'new',
        **{Path(name).stem: root / name for name in texts if '/' not in name},
    )
