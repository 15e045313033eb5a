"""The one command: what its help says, and where its configs are."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from mmdet_ohem import config_file
from mmdet_ohem.arguments import Formatter, config
from mmdet_ohem.commands import COMMANDS, make_parser, tool

ROOT = Path(__file__).parents[2]


def subparsers() -> dict[str, argparse.ArgumentParser]:
    """Parsers of all commands, those of ``proposals make`` and so on too."""
    found = {}
    for name, parser in children(make_parser(whole=True)).items():
        found[name] = parser
        found |= {f'{name} {x}': y for x, y in children(parser).items()}
    return found


def children(
    parser: argparse.ArgumentParser,
) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return action.choices
    return {}


def test_the_commands_are_those_of_a_first_use() -> None:
    wanted = 'init doctor train test detect hard loss report table benchmark'
    assert set(wanted.split()) <= set(COMMANDS)


@pytest.mark.parametrize('name', subparsers())
def test_help_says_what_an_option_is_for_and_its_default(name: str) -> None:
    parser = subparsers()[name]
    assert parser.description
    formatter = Formatter(prog='x')
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            continue
        assert action.help, action.dest
        text = formatter._get_help_string(action) or ''
        is_switch = action.nargs == 0
        needs = action.option_strings and not (is_switch or action.required)
        if needs and action.dest not in ('local_rank', 'cfg_options'):
            assert 'default' in text, (name, action.dest, text)


@pytest.mark.parametrize(
    'name',
    [
        'analyze_loss',
        'browse_hard_examples',
        'convert_weights',
        'detect',
        'report',
    ],
)
def test_the_tools_are_aliases(name: str) -> None:
    text = (ROOT / f'tools/{name}.py').read_text()
    assert 'main = tool(' in text and len(text.splitlines()) < 10


def test_an_alias_takes_the_arguments_of_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(sys, 'argv', ['report.py', '--help'])
    with pytest.raises(SystemExit):
        tool('report')()
    assert '--detections' in capsys.readouterr().out


def test_completion_is_a_script() -> None:
    pytest.importorskip('shtab')
    done = subprocess.run(
        [sys.executable, '-m', 'mmdet_ohem', '--print-completion', 'bash'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert '--max-images' in done.stdout
    subprocess.run(['bash', '-n'], input=done.stdout, text=True, check=True)


def test_a_config_of_ours_is_found_by_its_name(tmp_path: Path) -> None:
    name = 'fast_rcnn_vgg16_ohem_voc07'
    path = tmp_path / 'a folder/mine.py'
    path.parent.mkdir()
    path.write_text(
        f"_base_ = __import__('mmdet_ohem').config_file('{name}')\n"
    )
    found = Config.fromfile(path).to_dict()
    assert found == Config.fromfile(ROOT / f'configs/{name}.py').to_dict()
    assert config(name) == Path(config_file(f'{name}.py'))


def test_a_config_that_is_not_there_is_told() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match='no config'):
        config('fast_rcnn_vgg61')
    with pytest.raises(FileNotFoundError, match=r'Remedy: one of its \d+'):
        config_file('fast_rcnn_vgg61')


def test_each_command_is_in_the_help_of_all() -> None:
    text = make_parser().format_help()
    for name, what in COMMANDS.items():
        assert re.search(rf'^ +{name} +{what[:20]}', text, re.MULTILINE)
