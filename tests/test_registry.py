"""Prefixed names are ours, plain names stay mmdet's."""

import json
import subprocess
import sys
from pathlib import Path

import mmdet.registry
import mmengine.registry
import pytest
from mmengine.registry import Registry

import mmdet_ohem.registry

REPO = Path(__file__).parents[1]
OURS = {
    attribute: registry
    for attribute, registry in vars(mmdet_ohem.registry).items()
    if isinstance(registry, Registry) and registry.scope == 'mmdet_ohem'
}
CLASSES = sorted(
    (attribute, name)
    for attribute, registry in OURS.items()
    for name in registry.module_dict
)

# Resolves names in the order in which a run does: configs are read before
# anything imports the package.
SCRIPT = """
import json, sys
import mmdet.registry
from mmdet.utils import register_all_modules

def full_name(cls):
    return f'{cls.__module__}.{cls.__qualname__}'

def plain():
    return {
        f'{attribute}.{name}': full_name(registry.get(name))
        for attribute, registry in vars(mmdet.registry).items()
        if attribute in ATTRIBUTES
        for name in registry.module_dict
    }

ATTRIBUTES = {attribute for attribute, _ in json.loads(sys.argv[1])}
register_all_modules()
before = plain()
assert 'mmdet_ohem' not in sys.modules
ours = [
    full_name(getattr(mmdet.registry, attribute).get(f'mmdet_ohem.{name}'))
    for attribute, name in json.loads(sys.argv[1])
]
print(json.dumps(dict(before=before, ours=ours, after=plain())))
"""


@pytest.fixture(scope='module')
def resolved() -> dict:
    """What names mean in a process that does not import mmdet_ohem."""
    process = subprocess.run(
        [sys.executable, '-c', SCRIPT, json.dumps(CLASSES)],
        cwd=REPO,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout.splitlines()[-1])


def test_there_are_classes_to_resolve() -> None:
    names = {name for _, name in CLASSES}
    assert {'OHEMSampler', 'ReadOnlyBBoxHead', 'VGG16'} <= names


def test_prefixed_names_resolve_without_an_import(resolved: dict) -> None:
    expected = []
    for attribute, name in CLASSES:
        cls = OURS[attribute].module_dict[name]
        expected.append(f'{cls.__module__}.{cls.__qualname__}')
    assert resolved['ours'] == expected


def test_resolving_ours_changes_no_plain_name(resolved: dict) -> None:
    assert resolved['after'] == resolved['before']
    assert not [
        name
        for name, full_name in resolved['after'].items()
        if full_name.startswith('mmdet_ohem')
    ]


@pytest.mark.parametrize(
    ('attribute', 'name'),
    [
        ('TASK_UTILS', 'OHEMSampler'),
        ('TASK_UTILS', 'RandomSampler'),
        ('DATASETS', 'VOCDataset'),
        ('TRANSFORMS', 'RandomFlip'),
        ('MODELS', 'SingleRoIExtractor'),
        ('MODELS', 'BBoxHead'),
    ],
)
def test_plain_names_are_mmdets(attribute: str, name: str) -> None:
    cls = getattr(mmdet.registry, attribute).get(name)
    assert cls.__module__.startswith('mmdet.')


@pytest.mark.parametrize(('attribute', 'name'), CLASSES)
def test_ours_are_not_known_by_their_plain_names(
    attribute: str, name: str
) -> None:
    cls = getattr(mmdet.registry, attribute).get(name)
    assert cls is None or cls.__module__.startswith('mmdet.')


@pytest.mark.parametrize('attribute', OURS)
def test_registries_are_children_of_mmdets(attribute: str) -> None:
    # mmdet's tools ask mmengine for the runner of a config.
    theirs = mmengine.registry if attribute == 'RUNNERS' else mmdet.registry
    assert OURS[attribute].parent is getattr(theirs, attribute)


def test_a_mistyped_name_says_what_it_could_mean() -> None:
    with pytest.raises(KeyError, match=r'mean mmdet_ohem\.OHEMSampler\?'):
        mmdet.registry.TASK_UTILS.build(dict(type='mmdet_ohem.OHEMSamplr'))
    with pytest.raises(KeyError, match=r'mean mmdet_ohem\.FiniteLossHook\?'):
        mmdet.registry.HOOKS.build(dict(type='mmdet_ohem.FinitLossHook'))


def test_a_name_that_is_like_no_other_gets_no_hint() -> None:
    assert OURS['MODELS'].get('mmdet_ohem.Xylophone') is None
