"""How every command ends."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from mmdet_ohem import command_line
from mmdet_ohem.command_line import DEBUG, command, in_a_line, is_told
from mmdet_ohem.host.configs import load_config
from mmdet_ohem.mining.rules import rule_keys

ROOT = Path(__file__).parents[2]


def ends(error: BaseException) -> int:
    """Exit status of a command that raises an error."""

    @command(goes_on=True)
    def main() -> int:
        raise error

    # As if a tool had raised it.
    globals()['__name__'] = 'tools.some_tool'
    return main()


@pytest.fixture(autouse=True)
def _own_name() -> object:
    name = __name__
    yield
    globals()['__name__'] = name


@pytest.mark.parametrize(
    ('error', 'line'),
    [
        (ValueError('num is 0. Remedy: 1'), 'error: num is 0. Remedy: 1'),
        (KeyError('no rule x'), 'error: no rule x'),
        (OSError(28, 'No space left', 'a.pth'), 'error: a.pth: No space left'),
        (TypeError('two\n  lines'), 'error: two lines'),
        (ImportError('needs mmcv'), 'error: needs mmcv'),
        (FloatingPointError('loss nan'), 'error: loss nan'),
    ],
)
def test_an_error_in_words_is_a_line(
    error: Exception, line: str, capsys: pytest.CaptureFixture
) -> None:
    assert ends(error) == 2
    assert capsys.readouterr().err == f'{line}\n'


def test_what_no_user_can_mend_is_not_shown() -> None:
    @command()
    def main() -> int:
        warnings.warn('pkg_resources is deprecated as an API', stacklevel=1)
        warnings.warn('something else', stacklevel=1)
        return 0

    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter('always')
        main()
    assert [str(x.message) for x in shown] == ['something else']


def test_an_interruption_says_that_it_goes_on(
    capsys: pytest.CaptureFixture,
) -> None:
    assert ends(KeyboardInterrupt()) == 130
    assert 'the same command goes on' in capsys.readouterr().err


@pytest.mark.parametrize(
    'error', [ZeroDivisionError('x'), AttributeError('x'), IndexError('x')]
)
def test_a_bug_keeps_its_traceback(error: Exception) -> None:
    with pytest.raises(type(error)):
        ends(error)


@pytest.mark.parametrize(
    'accident',
    [
        lambda: int('x'),
        lambda: os.environ['NO SUCH VARIABLE'],
        lambda: len(None),  # type: ignore[arg-type]
    ],
)
def test_an_accident_is_a_bug_whatever_its_type(accident: object) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)) as raised:
        accident()  # type: ignore[operator]
    assert not is_told(raised.value)


def test_what_the_package_says_on_purpose_is_told(tmp_path: Path) -> None:
    path = tmp_path / 'x.py'
    path.write_text('model = undefined')
    for call in (lambda: rule_keys('magic'), lambda: load_config(path)):
        with pytest.raises((KeyError, ValueError)) as raised:
            call()
        assert is_told(raised.value)
        assert not in_a_line(raised.value).startswith(("'", '"'))


def test_a_traceback_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEBUG, '1')
    with pytest.raises(ValueError, match='known'):
        ends(ValueError('known'))


@pytest.mark.parametrize(
    ('argv', 'orig_argv', 'is_ours'),
    [
        (['/venv/bin/mmdet-ohem', 'doctor'], ['python', 'x'], True),
        (['-m', 'doctor'], ['python', '-m', 'mmdet_ohem', 'doctor'], True),
        (['-m', 'tests'], ['python', '-m', 'pytest', 'tests'], False),
        (['train.py'], ['python', 'train.py'], False),
        ([''], ['python', '-m'], False),
    ],
)
def test_the_console_script_is_known(
    argv: list[str],
    orig_argv: list[str],
    is_ours: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, 'argv', argv)
    monkeypatch.setattr(sys, 'orig_argv', orig_argv)
    assert command_line._is_console_script() == is_ours


@pytest.mark.parametrize(
    ('call', 'status', 'lines'),
    [
        (
            ['-m', 'mmdet_ohem', 'doctor', 'x.py'],
            1,
            ['error   mmcv  ', 'ok      torch', 'error   config  '],
        ),
        ([str(ROOT / 'tools/report.py'), 'run'], 2, ['error: mmdet_ohem nee']),
    ],
)
def test_a_missing_module_is_a_line_with_its_remedy(
    call: list[str], status: int, lines: list[str], tmp_path: Path
) -> None:
    (tmp_path / 'mmcv').mkdir()
    (tmp_path / 'mmcv/__init__.py').write_text("raise ImportError('no mmcv')")
    (tmp_path / 'x.py').write_text('')
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, *call],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': path},
        capture_output=True,
        text=True,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert done.returncode == status, printed
    assert 'Traceback' not in printed
    for line in lines:
        assert any(x.startswith(line) for x in printed.splitlines()), printed
    assert 'MMCV_WITH_OPS=1 pip install' in printed


def test_the_console_script_is_declared() -> None:
    text = (ROOT / 'pyproject.toml').read_text()
    assert "mmdet-ohem = 'mmdet_ohem.commands:main'" in text
