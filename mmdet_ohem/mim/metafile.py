"""The list of configs that ``mim search mmdet_ohem`` reads."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from mmengine.config import Config

from mmdet_ohem.host.pipelines import leaf_datasets
from mmdet_ohem.tables.row import Table

METAFILE = 'metafile.yml'
#: Files to copy and edit: they are no models.
TEMPLATES = frozenset(
    ('fast_rcnn_vgg16_ohem_custom_voc', 'ohem_added_to_my_config')
)
# `mim search` shows it. `mim download` takes it for an address, splits it
# at commas, and fetches nothing whose last part, here the folder itself, is
# there already: it writes the config alone, where it would else break off.
_NO_WEIGHTS = 'no weights are published: mmdet-ohem train {} makes them /.'
_HEAD = """\
# Made by dev/make_metafile.py: run it again when a config is new or changed.
# "Paper" is what the paper reports. Results would be what was measured with
# this code at full size: there are none yet.
"""
_COLLECTIONS = [
    dict(
        Name='Fast R-CNN',
        Paper=dict(URL='https://arxiv.org/abs/1504.08083', Title='Fast R-CNN'),
    ),
    dict(
        Name='OHEM',
        Paper=dict(
            URL='https://arxiv.org/abs/1604.03540',
            Title='Training Region-based Object Detectors with Online Hard '
            'Example Mining',
        ),
    ),
    dict(
        Name='SPPnet',
        Paper=dict(
            URL='https://arxiv.org/abs/1406.4729',
            Title='Spatial Pyramid Pooling in Deep Convolutional Networks for '
            'Visual Recognition',
        ),
    ),
    dict(
        Name='MR-CNN',
        Paper=dict(
            URL='https://arxiv.org/abs/1505.01749',
            Title='Object detection via a multi-region & semantic '
            'segmentation-aware CNN model',
        ),
    ),
]
# Baselines that are not Fast R-CNN, by their box heads.
_RELATIVES = {
    'mmdet_ohem.SPPBBoxHead': 'SPPnet',
    'mmdet_ohem.MRCNNBBoxHead': 'MR-CNN',
}


def metafile_text(configs: Path, tables: Iterable[Table]) -> str:
    """Describe all leaf configs, save the templates.

    What the paper reports is listed as ``Paper <metric>``, apart from
    ``Results``, which mim shows as the measurements of a package.

    Args:
        configs: Their folder.
        tables: The paper's tables.

    Returns:
        The text of the metafile.
    """
    rows = _rows(tables)
    models = [
        _model(path, rows.get(path.stem, {}))
        for path in sorted(configs.glob('*.py'))
        if path.stem not in TEMPLATES
    ]
    content = dict(Collections=_COLLECTIONS, Models=models)
    return _HEAD + yaml.safe_dump(content, sort_keys=False)


def _rows(tables: Iterable[Table]) -> dict[str, dict[str, Any]]:
    """In which rows of the paper a config is, by its id."""
    found: dict[str, dict[str, Any]] = {}
    for table in tables:
        for row in table.rows:
            if row.config is None or not row.paper:
                continue
            entry = found.setdefault(row.config, {'Paper Rows': []})
            place = f'Table {table.number} row {row.number}'
            entry['Paper Rows'].append(place)
            for metric, value in row.paper.items():
                # The mean of the classes is enough of them.
                if 'AP' in metric:
                    entry.setdefault(f'Paper {metric}', value)
    return found


def _model(path: Path, paper: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of one config."""
    # Reading is three times as fast without these, and nothing here needs
    # them.
    config = Config.fromfile(
        path,
        use_predefined_variables=False,
        import_custom_modules=False,
        lazy_import=False,
    )
    model, loop = config.model, config.train_cfg
    collection = 'OHEM'
    if 'mmdet_ohem.OHEMSampler' not in str(model.train_cfg):
        bbox_head = model.roi_head.bbox_head  # a cascade has several
        kind = bbox_head['type'] if isinstance(bbox_head, dict) else ''
        collection = _RELATIVES.get(kind, 'Fast R-CNN')
    datasets = _training_data(config.train_dataloader.dataset)
    # An iteration here is an update of the weights.
    passes = config.optim_wrapper.get('accumulative_counts', 1)
    metadata = {
        'Training Data': sorted(dict.fromkeys(datasets)),
        'Architecture': [model.type, model.backbone.type.split('.')[-1]],
        'Batch Size': config.train_dataloader.batch_size * passes,
    }
    if 'max_iters' in loop:
        metadata['Iterations'] = loop.max_iters // passes
    else:
        metadata['Epochs'] = loop.max_epochs
    return {
        'Name': path.stem,
        'In Collection': collection,
        'Config': f'configs/{path.name}',
        'Weights': _NO_WEIGHTS.format(path.stem),
        'Metadata': {**metadata, **paper},
    }


def _training_data(dataset: Mapping[str, Any]) -> Iterator[str]:
    """Names such as ``VOC2007 trainval``, of wrapped datasets as well."""
    for leaf in leaf_datasets(dataset):
        folder = re.search(r'VOC\d{4}', leaf['ann_file'])
        source = folder[0] if folder else Path(leaf['data_root']).name
        split = Path(leaf['ann_file']).stem.removeprefix('instances_')
        yield f'{source} {split}'
