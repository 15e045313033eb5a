"""An installation has what mim looks for, from a wheel or from a checkout."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import mmdet
import pytest
from mmengine.config import Config
from wheel.wheelfile import WheelFile

from mmdet_ohem.installation import fork_prefix
from mmdet_ohem.mim import host_tools
from mmdet_ohem.mim.host_tools import config_file, host_tool, run_host_tool
from mmdet_ohem.mim.metafile import METAFILE, TEMPLATES, metafile_text
from mmdet_ohem.tables import TABLES

# mim.commands.train is a function as well.
search = import_module('mim.commands.search')
train = import_module('mim.commands.train')
download = import_module('mim.commands.download')

REPO = Path(__file__).parents[1]
CONFIGS = REPO / 'configs'
LEAVES = sorted(path.stem for path in CONFIGS.glob('*.py'))
MODELS = sorted(set(LEAVES) - TEMPLATES)
TOOLS = {path.name for path in (REPO / 'tools').glob('*.py')}
OHEM = 'fast_rcnn_vgg16_ohem_voc07'
MIM = 'mmdet_ohem/.mim'
KINDS = ['wheel', 'editable']

#: mim train, search and download look packages up by the names of the stock.
needs_mim = pytest.mark.skipif(
    bool(fork_prefix()),
    reason='openmim knows stock mmdet alone, and a fork is installed',
)

# As pip calls the hooks of pyproject.toml, in one process.
BUILD = """
import os, sys
sys.path.insert(0, 'dev')
import build_backend
for kind in ('wheel', 'editable', 'sdist'):
    os.mkdir(f'../{kind}')
    getattr(build_backend, f'build_{kind}')(f'../{kind}')
"""


@pytest.fixture(scope='module')
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone, in ``a clone``, and what was built of it beside it."""
    folder = tmp_path_factory.mktemp('build')
    clone = folder / 'a clone'
    clone.mkdir()
    for name in ('mmdet_ohem', 'configs', 'tools', 'dev', 'tests', 'docs'):
        junk = shutil.ignore_patterns('__pycache__', '.mim')
        shutil.copytree(REPO / name, clone / name, ignore=junk)
    for path in REPO.iterdir():
        if path.is_file() and not path.name.startswith('.'):
            shutil.copy(path, clone)
    done = subprocess.run(
        [sys.executable, '-c', BUILD],
        cwd=clone,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for kind in KINDS:
        (wheel,) = (folder / kind).glob('*.whl')
        with WheelFile(wheel) as archive:
            # Reading checks what RECORD says of a file.
            for item in archive.infolist():
                archive.read(item)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / f'{kind} site')
    return folder


@pytest.fixture(params=KINDS)
def site(
    request: pytest.FixtureRequest,
    built: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """site-packages after an installation, as mim sees it."""
    folder = built / f'{request.param} site'
    for module in (train, search):
        monkeypatch.setattr(module, 'is_installed', lambda _: True)
        monkeypatch.setattr(
            module, 'get_installed_path', lambda _: str(folder / 'mmdet_ohem')
        )
    return folder


def files_in(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob('*')
        if path.is_file()
    }


def test_a_wheel_carries_configs_tools_and_the_index(built: Path) -> None:
    folder = built / 'wheel site' / MIM
    carried = files_in(folder)
    configs = {
        f'configs/{name}'
        for name in files_in(CONFIGS)
        if name.endswith(('.py', '.yml'))
    }
    tools = {f'tools/{name}' for name in TOOLS}
    ids = {f'ids/{name}' for name in LEAVES}
    assert carried == configs | tools | ids | {'model-index.yml'}
    for name in configs | tools:
        assert (folder / name).read_text() == (REPO / name).read_text()


def test_a_wheel_is_small_and_has_the_package_and_no_tests(
    built: Path,
) -> None:
    (wheel,) = (built / 'wheel').glob('*.whl')
    assert wheel.stat().st_size < 2**20
    names = files_in(built / 'wheel site')
    assert {name.split('/')[0] for name in names} == {
        'mmdet_ohem',
        f'{"-".join(wheel.stem.split("-")[:2])}.dist-info',
    }
    assert {'mmdet_ohem/__init__.py', 'mmdet_ohem/py.typed'} <= names


def test_mmdet_is_no_requirement(built: Path) -> None:
    (metadata,) = (built / 'wheel site').glob('*.dist-info/METADATA')
    required = re.findall(r'^Requires-Dist: (.*)', metadata.read_text(), re.M)
    always = [name for name in required if 'extra ==' not in name]
    assert always == ['numpy', 'rich', 'safetensors']


def test_an_sdist_builds_the_same_wheel(built: Path) -> None:
    (sdist,) = (built / 'sdist').glob('*.tar.gz')
    with tarfile.open(sdist) as archive:
        names = {name.partition('/')[2] for name in archive.getnames()}
    needed = {f'configs/{name}' for name in files_in(CONFIGS)}
    needed |= {f'tools/{name}' for name in TOOLS}
    needed |= {'pyproject.toml', 'README.md', 'LICENSE', 'model-index.yml'}
    assert needed - {x for x in needed if '__pycache__' in x} <= names


def test_an_editable_install_is_a_path_that_its_own_folder_does_not_hide(
    built: Path,
) -> None:
    site = built / 'editable site'
    code = (
        'import site, sys; from importlib.util import find_spec;'
        'site.addsitedir(sys.argv[1]); print(find_spec("mmdet_ohem").origin)'
    )
    done = subprocess.run(
        # -S: without the packages of this environment, mmdet_ohem is one.
        [sys.executable, '-S', '-c', code, str(site)],
        cwd=built,
        capture_output=True,
        text=True,
        check=True,
    )
    clone = built / 'a clone/mmdet_ohem/__init__.py'
    assert Path(done.stdout.strip()) == clone


def test_an_editable_install_follows_the_checkout(built: Path) -> None:
    folder = built / 'editable site' / MIM
    source = built / f'a clone/configs/{OHEM}.py'
    text = source.read_text()
    try:
        source.write_text(text + '\nlog_level = "DEBUG"\n')
        found = Config.fromfile(folder / f'configs/{OHEM}.py')
    finally:
        source.write_text(text)
    assert found.log_level == 'DEBUG'


@pytest.mark.parametrize('name', [OHEM, 'fast_rcnn_vgg16_ohem_demo'])
def test_configs_of_an_installation_are_those_of_the_checkout(
    site: Path, name: str
) -> None:
    installed = Config.fromfile(site / MIM / f'configs/{name}.py')
    here = Config.fromfile(CONFIGS / f'{name}.py')
    assert installed.to_dict() == here.to_dict()


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What mim would run."""
    found: list[str] = []

    def check_call(cmd: list[str], **_: object) -> int:
        found.extend(cmd)
        return 0

    fake = SimpleNamespace(check_call=check_call, check_output=lambda _: b'')
    monkeypatch.setattr(train, 'subprocess', fake)
    yield found


@needs_mim
@pytest.mark.parametrize('suffix', ['.py', ''])
def test_mim_train_finds_a_config_by_its_file_or_id(
    site: Path, command: list[str], suffix: str
) -> None:
    for name in {*LEAVES[::9], OHEM}:
        command.clear()
        train.train('mmdet_ohem', name + suffix, gpus=0)
        assert command[1] == str(site / MIM / 'tools/train.py')
        leads_to = Path(config_file(command[2]))
        assert leads_to == site / MIM / f'configs/{name}.py'
        assert leads_to.is_file()


@needs_mim
def test_mim_search_lists_all_configs(site: Path) -> None:
    found = search.get_model_info('mmdet_ohem', to_dict=True)
    assert sorted(found) == MODELS
    ohem = found[OHEM]
    assert ohem['model'] == 'ohem'
    assert ohem['training_data'] == 'voc2007 trainval'
    assert ohem['paper_map'] == 69.9
    # Nothing that mim shows as measured was not measured.
    assert not any('/' in key for key in ohem)
    assert 'no weights are published' in ohem['weight']


@needs_mim
def test_mim_download_writes_the_config_alone(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, 'is_installed', lambda _: True)
    monkeypatch.setattr(
        download,
        'get_installed_path',
        lambda _: str(site / 'mmdet_ohem'),
    )
    download.download('mmdet_ohem', [OHEM], str(tmp_path))
    assert [x.name for x in tmp_path.iterdir()] == [f'{OHEM}.py']


@needs_mim
def test_mim_search_filters(site: Path) -> None:
    found = search.get_model_info('mmdet_ohem', models=['ohem'], to_dict=True)
    assert OHEM in found
    assert 'fast_rcnn_vgg16_voc07' not in found


def test_the_metafile_is_up_to_date() -> None:
    text = metafile_text(CONFIGS, TABLES.values())
    assert (CONFIGS / METAFILE).read_text() == text, (
        'Remedy: python dev/make_metafile.py'
    )


def test_every_row_of_a_table_is_in_the_metafile() -> None:
    text = (CONFIGS / METAFILE).read_text()
    listed = re.findall(r'^- Name: (\S+)\n  In Coll', text, re.M)
    rows = [row for table in TABLES.values() for row in table.rows]
    configs = {row.config for row in rows if row.config is not None}
    assert len(configs) >= 13
    assert configs <= set(listed)
    assert sorted(listed) == MODELS


@pytest.mark.parametrize('name', ['train.py', 'test.py'])
def test_mmdets_own_tools_are_run(name: str) -> None:
    assert host_tool(name).is_relative_to(Path(mmdet.__file__).parents[1])


def test_a_tool_gets_the_arguments(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    tool = tmp_path / 'mmdet/.mim/tools/train.py'
    tool.parent.mkdir(parents=True)
    tool.write_text('import sys\nprint(__name__, *sys.argv)\n')
    fake = SimpleNamespace(__file__=str(tmp_path / 'mmdet/__init__.py'))
    monkeypatch.setattr(host_tools, 'mmdet', fake)
    monkeypatch.setattr(sys, 'argv', ['x', 'a/.mim/ids/b', '--work-dir', 'c'])
    run_host_tool('train.py')
    expected = f'__main__ {tool} a/.mim/configs/b.py --work-dir c\n'
    assert capsys.readouterr().out == expected


def test_an_mmdet_without_tools_is_an_error_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = SimpleNamespace(__file__=str(tmp_path / 'mmdet/__init__.py'))
    monkeypatch.setattr(host_tools, 'mmdet', fake)
    with pytest.raises(
        FileNotFoundError, match=r'without its tools/train\.py'
    ):
        host_tool('train.py')
