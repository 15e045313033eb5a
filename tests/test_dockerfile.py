"""The Dockerfile does what `make env` does; Docker itself is not needed."""

import re
from pathlib import Path

import pytest

from dev.mmcv_wheel import kept

ROOT = Path(__file__).parents[1]
INSTRUCTIONS = {'ARG', 'CMD', 'COPY', 'ENV', 'FROM', 'RUN', 'WORKDIR'}


@pytest.fixture(scope='module')
def instructions() -> list[tuple[str, str]]:
    """Instruction and arguments, continued lines joined."""
    text = (ROOT / 'Dockerfile').read_text()
    lines = [x for x in text.splitlines() if x and not x.startswith('#')]
    joined = re.sub(r'\\\n\s*', '', '\n'.join(lines)).splitlines()
    pairs = [line.partition(' ') for line in joined]
    return [(name, words) for name, _, words in pairs]


def of(name: str, instructions: list[tuple[str, str]]) -> list[str]:
    return [words for found, words in instructions if found == name]


def test_every_line_is_an_instruction(
    instructions: list[tuple[str, str]],
) -> None:
    assert {name for name, _ in instructions} == INSTRUCTIONS
    assert all(words for _, words in instructions)


def test_each_device_is_a_stage_with_a_compiler(
    instructions: list[tuple[str, str]],
) -> None:
    *stages, last = of('FROM', instructions)
    assert last == '${DEVICE}'
    assert [x.rpartition(' AS ')[2] for x in stages] == ['cpu', 'cuda']
    assert 'DEVICE=cpu' in of('ARG', instructions)
    compilers = [x for x in of('RUN', instructions) if 'apt-get' in x]
    assert len(compilers) == len(stages)
    assert all('g++ make' in x for x in compilers)


def test_it_installs_by_make_env_and_keeps_wheels_in_dockers_cache(
    instructions: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, install = of('RUN', instructions)
    assert install == '--mount=type=cache,target=/root/.cache make env'
    makefile = (ROOT / 'Makefile').read_text()
    assert re.search(r'^env:\n\t@.* bash dev/setup_env\.sh$', makefile, re.M)
    monkeypatch.delenv('MMDET_OHEM_WHEELS', raising=False)
    monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
    default = kept.folder({'requirement': 'mmcv==2.1.0'})
    assert default.parent == Path.home() / '.cache/mmdet_ohem/wheels'


def test_the_environment_is_found_where_it_is_made(
    instructions: list[tuple[str, str]],
) -> None:
    (folder,) = of('WORKDIR', instructions)
    assert f'PATH={folder}/.venv/bin:$PATH' in of('ENV', instructions)
    assert of('COPY', instructions) == ['. .']
    # What is in the clone must not take the place of what is made here.
    ignored = (ROOT / '.dockerignore').read_text().splitlines()
    assert {'.venv', '.git', 'data', 'work_dirs'} <= set(ignored)


def test_each_variable_is_read_by_something(
    instructions: list[tuple[str, str]],
) -> None:
    setup = (ROOT / 'dev/setup_env.sh').read_text()
    known = {*re.findall(r'\$\{(\w+):-', setup), *kept.VARIABLES}
    names = re.findall(r'(\w+)=', ' '.join(of('ENV', instructions)))
    assert set(names) - known == {'PATH', 'PIP_EXTRA_INDEX_URL'}
