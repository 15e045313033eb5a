"""What a broken installation says."""

from collections.abc import Callable
from types import SimpleNamespace

import mmdet
import pytest

from mmdet_ohem import installation
from mmdet_ohem.installation import check_installation

NEEDED = ['torch', 'mmengine', 'mmcv', 'mmcv.ops', 'mmdet']
INCOMPATIBLE = AssertionError(
    'MMCV==2.2.0 is used but incompatible. Please install mmcv>=2.0.0rc4, '
    '<2.2.0.'
)


@pytest.fixture
def broken(
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str, Exception], None]:
    """Make the import of one module fail, where no fork is installed."""
    monkeypatch.setattr(
        'importlib.metadata.packages_distributions', lambda: {}
    )

    def replace(broken_name: str, error: Exception) -> None:
        def import_module(name: str) -> None:
            if name == broken_name:
                raise error

        monkeypatch.setattr(
            installation,
            'importlib',
            SimpleNamespace(import_module=import_module),
        )

    return replace


def test_this_installation_is_complete() -> None:
    check_installation()


@pytest.mark.parametrize('name', NEEDED)
def test_a_missing_module_is_named_with_its_remedy(
    name: str, broken: Callable[[str, Exception], None]
) -> None:
    broken(name, ModuleNotFoundError(f"No module named '{name}'"))
    with pytest.raises(ImportError, match=rf'needs {name}, which') as error:
        check_installation()
    package = name.split('.')[0]
    remedy = str(error.value).split('Remedy: ')[1]
    assert 'pip install' in remedy
    assert f"'{package}>=" in remedy
    assert f"No module named '{name}'" in str(error.value)


@pytest.mark.parametrize(
    'error',
    [
        ImportError('mmcv/_ext.so: undefined symbol: _ZN3c10'),
        OSError('libcudart.so.12: cannot open shared object file'),
    ],
)
def test_a_library_that_does_not_load_is_reported_alike(
    error: Exception, broken: Callable[[str, Exception], None]
) -> None:
    broken('mmcv.ops', error)
    with pytest.raises(ImportError, match='for another torch') as raised:
        check_installation()
    assert str(error) in str(raised.value)
    assert raised.value.__cause__ is error


def test_a_version_that_mmdet_refuses_comes_with_one_remedy(
    broken: Callable[[str, Exception], None],
) -> None:
    broken('mmdet', INCOMPATIBLE)
    with pytest.raises(ImportError, match='needs mmdet') as error:
        check_installation()
    cause, remedy = str(error.value).split('Remedy: ')
    assert 'MMCV==2.2.0 is used but incompatible' in cause
    assert "'mmcv>=2.1,<2.2'" in remedy
    assert "'mmdet" not in remedy


@pytest.mark.parametrize(
    ('name', 'error', 'wanted'),
    [
        ('mmcv', ImportError('x'), '--no-build-isolation onedl-mmcv'),
        ('mmcv.ops', OSError('x'), '--no-build-isolation onedl-mmcv'),
        ('mmengine', ImportError('x'), 'install --upgrade onedl-mmengine'),
        ('mmdet', ImportError('x'), 'install --upgrade onedl-mmdetection'),
        ('mmdet', INCOMPATIBLE, '--no-build-isolation onedl-mmcv'),
    ],
)
def test_a_fork_is_not_installed_over(
    name: str,
    error: Exception,
    wanted: str,
    broken: Callable[[str, Exception], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {'mmdet': ['onedl-mmdetection'], 'mmcv': ['onedl-mmcv-cu128']}
    monkeypatch.setattr(
        'importlib.metadata.packages_distributions', lambda: found
    )
    broken(name, error)
    with pytest.raises(ImportError) as raised:
        check_installation()
    remedy = str(raised.value).split('Remedy: ')[1]
    assert f'{wanted} (' in remedy
    assert 'mmcv>=' not in remedy and remedy.count('pip install') == 1


def test_other_errors_pass_through(
    broken: Callable[[str, Exception], None],
) -> None:
    broken('mmdet', ZeroDivisionError('a bug'))
    with pytest.raises(ZeroDivisionError, match='a bug'):
        check_installation()


@pytest.mark.parametrize('version', ['2.28.2', '2.0.0rc1', '1.0'])
def test_mmdet_before_3_is_refused(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mmdet, '__version__', version)
    with pytest.raises(ImportError, match=f'needs mmdet 3.x, found {version}'):
        check_installation()


@pytest.mark.parametrize('version', ['3.0.0rc6', '3.3.0', '3.10.1', '4.0'])
def test_mmdet_from_3_on_is_accepted(
    version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mmdet, '__version__', version)
    check_installation()
