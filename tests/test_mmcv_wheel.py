"""mmcv's wheel: what shares a compilation unit, is kept, and is shown."""

import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from dev.mmcv_wheel import __main__ as command
from dev.mmcv_wheel import kept
from dev.mmcv_wheel.build import Build, with_ops
from dev.mmcv_wheel.compile import use_units
from dev.mmcv_wheel.progress import Progress, run_shown, step
from dev.mmcv_wheel.units import defined_names, group, unit_text

FILES = {
    Path('/s/roi.cpp'): 'template <class T> static T lerp(T a) { return a; }',
    Path('/s/rot.cpp'): 'namespace {\nfloat lerp(float a) { return -a; }\n}',
    Path('/s/std.cpp'): 'using namespace std;\nint long_file() { return 9; }',
    Path('/s/a.cpp'): 'int a() { return 1; }',
    Path('/s/b.cpp'): '#define min(x) x\nint b() { return min(2); }',
}


@pytest.mark.parametrize(
    ('text', 'names'),
    [
        ('static int f(int a) { if (a) { g(a); } return 0; }', {'f'}),
        (
            'template <typename T>\nstruct Pre {\n  T w;\n  T at() {}\n};',
            {'Pre'},
        ),
        ('struct P : Q<int> { int f() {} };', {'P'}),
        ('class A; int f(int); extern int g;', set()),
        ('const int THREADS = 64;', {'THREADS'}),
        ('static const float w[2] = {1, 2};', {'w'}),
        ('using torch::indexing::None;', {'None'}),
        ('using Real = double; typedef int Index;', {'Real', 'Index'}),
        ('namespace { int f() {} }\nnamespace n { void g() {} }', {'f', 'g'}),
        ('namespace a { namespace b { struct S {}; } }', {'S'}),
        (
            '// int f() {\n/* int g() { */ int h() { s = "{"; c = \'}\'; }',
            {'h'},
        ),
        ('#define F(x) \\\n  int x() {}\nint g() {}', {'g'}),
        ('enum class Kind { A, B };', {'Kind'}),
        ('Tensor f(Tensor a) {}\nTensor f(int a) {}', {'f'}),
        ('', set()),
    ],
)
def test_names_that_a_file_defines(text: str, names: set[str]) -> None:
    assert defined_names(text) == names


@pytest.mark.parametrize('count', [1, 2, 3, 4, 9])
def test_each_file_is_in_one_unit_and_no_name_twice(count: int) -> None:
    units = group(FILES, count)
    assert sorted(path for unit in units for path in unit) == sorted(FILES)
    assert all(units) and len(units) <= max(2, count)
    for unit in units:
        names = [x for path in unit for x in defined_names(FILES[path])]
        assert len(names) == len(set(names))


@pytest.mark.parametrize('count', [1, 2, 3])
def test_a_file_that_opens_a_namespace_is_the_last(count: int) -> None:
    for unit in group(FILES, count):
        assert Path('/s/std.cpp') not in unit[:-1]


def test_two_that_open_a_namespace_are_apart() -> None:
    opens = {Path(x): f'using namespace {x};' for x in 'ab'}
    assert len(group(opens, 1)) == 2


def test_units_are_of_about_the_same_size_and_always_the_same() -> None:
    texts = {
        Path(f'/s/{n}.cpp'): f'int f{n}() {{{"g();" * n}}}' for n in range(40)
    }
    units = group(texts, 4)
    sizes = [sum(len(texts[x]) for x in unit) for unit in units]
    assert max(sizes) < 1.2 * min(sizes)
    assert units == group(dict(reversed(texts.items())), 4)


def test_macros_of_a_file_end_with_it() -> None:
    text = unit_text([Path('/s/b.cpp'), Path('/s/a.cpp')], FILES)
    assert text == '#include "/s/b.cpp"\n#undef min\n#include "/s/a.cpp"\n'


def test_only_cpp_files_become_units(tmp_path: Path) -> None:
    for name in ('a.cpp', 'b.cpp', 'c.cu'):
        (tmp_path / name).write_text(f'int {name[0]}() {{}}')
    extension = SimpleNamespace(
        sources=[str(tmp_path / x) for x in ('a.cpp', 'c.cu', 'b.cpp')],
        extra_compile_args={'cxx': ['-std=c++17'], 'nvcc': []},
    )
    assert use_units(extension, tmp_path / 'units', 1) == 2
    unit, other = extension.sources
    assert Path(other) == tmp_path / 'c.cu'
    assert Path(unit).read_text().count('#include') == 2
    # Neither optimisation nor the language changes.
    assert extension.extra_compile_args['cxx'] == ['-std=c++17', '-g0']


@pytest.mark.parametrize(
    ('line', 'found'),
    [
        ('[2/6] c++ -MMD -MF unit_1.o.d', (2, 6)),
        ('  [77/77] c++ -c nms.cpp\n', (77, 77)),
        ('warning: see [1/2] there', None),
        ('[x/y] c++', None),
        ('', None),
    ],
)
def test_steps_of_a_build(line: str, found: tuple[int, int] | None) -> None:
    assert step(line) == found


class Screen(io.StringIO):
    """A terminal, or not."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def shown(terminal: bool) -> str:
    """What is shown of a build whose two units take 100 s each."""
    now = 0.0
    screen = Screen(terminal)
    progress = Progress('mmcv', 'units', screen, lambda: now)
    for second in range(1, 201):
        now = float(second)
        if second % 100:
            progress.tick()
        else:
            progress.line(f'[{second // 100}/2] c++ unit.cpp')
    progress.end()
    return screen.getvalue()


def test_a_log_gets_a_line_for_each_unit_and_each_minute() -> None:
    assert shown(terminal=False).splitlines() == [
        'mmcv: compiling, 60 s',
        'mmcv: 1 of 2 units compiled, 100 s',
        'mmcv: 1 of 2 units compiled, 160 s',
        'mmcv: 2 of 2 units compiled, 200 s',
    ]


def test_a_terminal_gets_one_line_that_changes() -> None:
    text = shown(terminal=True)
    assert text.count('\n') == 1 and text.endswith('\n')
    assert text.count('\r') == 200
    assert '\rmmcv: 2 of 2 units compiled, 200 s' in text


@pytest.mark.parametrize('status', [0, 3])
def test_a_build_is_logged_and_says_how_it_ended(
    status: int, tmp_path: Path
) -> None:
    script = (
        f'print("[1/1] c++"); print("error: x"); raise SystemExit({status})'
    )
    screen = Screen(False)
    log = tmp_path / 'log'
    ended_well = run_shown(
        [sys.executable, '-c', script], 'mmcv', 'units', log, {}, screen
    )
    assert ended_well == (status == 0)
    assert log.read_text() == '[1/1] c++\nerror: x\n'
    assert screen.getvalue() == 'mmcv: 1 of 1 units compiled, 0 s\n'


def wheel_in(folder: Path, member: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / 'mmcv-2.1.0-cp311-cp311-linux_x86_64.whl'
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr(member, 'x')
    return path


def test_a_wheel_without_ops_is_none(tmp_path: Path) -> None:
    assert with_ops(tmp_path / 'missing') is None
    wheel_in(tmp_path, 'mmcv/__init__.py')
    assert with_ops(tmp_path) is None
    wheel = wheel_in(tmp_path, 'mmcv/_ext.cpython-311-x86_64-linux-gnu.so')
    assert with_ops(tmp_path) == wheel


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which wheels are kept; its path has a space."""
    folder = tmp_path / 'kept wheels'
    monkeypatch.setenv('MMDET_OHEM_WHEELS', str(folder))
    return folder


FACTS = {'requirement': 'mmcv==2.1.0', 'torch': '2.13.0+cpu'}


def test_a_wheel_is_found_for_what_it_was_built_for_alone(
    wheels: Path, tmp_path: Path
) -> None:
    assert kept.find(FACTS) is None
    found = kept.keep(wheel_in(tmp_path / 'x', 'mmcv/_ext.so'), FACTS)
    assert kept.find(FACTS) == found
    assert kept.find({**FACTS, 'torch': '2.13.0+cu130'}) is None
    assert json.loads((found.parent / 'made_for.json').read_text()) == FACTS
    assert [x.name for x in wheels.iterdir()] == [found.parent.name]


def test_a_new_wheel_takes_the_place_of_the_old(
    wheels: Path, tmp_path: Path
) -> None:
    kept.keep(wheel_in(tmp_path / 'x', 'mmcv/_ext.so'), FACTS)
    found = kept.keep(wheel_in(tmp_path / 'x', 'mmcv/_ext_new.so'), FACTS)
    assert zipfile.ZipFile(found).namelist() == ['mmcv/_ext_new.so']
    assert len(list(wheels.rglob('*.whl'))) == 1


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('CXXFLAGS', '-march=native'),
        ('FORCE_CUDA', '1'),
        ('TORCH_CUDA_ARCH_LIST', '9.0'),
    ],
)
def test_flags_belong_to_the_key(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept.facts('mmcv==2.1.0')
    assert kept.key(before) == kept.key(kept.facts('mmcv==2.1.0'))
    monkeypatch.setenv(name, value)
    assert kept.key(before) != kept.key(kept.facts('mmcv==2.1.0'))
    assert kept.key(before) != kept.key(kept.facts('mmcv==2.2.0'))


def test_without_a_compiler_the_remedy_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv('CXX', '/no/such/c++')
    with pytest.raises(SystemExit, match='Remedy: install g\\+\\+'):
        kept.facts('mmcv==2.1.0')


@pytest.fixture
def run(
    wheels: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[str]]:
    """Run the command without compiling; returns what was done."""
    monkeypatch.setattr(
        'importlib.metadata.packages_distributions', lambda: {}
    )

    def run_command(*words: str, fails: tuple[str, ...] = ()) -> list[str]:
        done = []

        def built(job: Build, how: str) -> Path | None:
            done.append(how)
            job.log.write_text(how)
            return None if how in fails else wheel_in(job.folder, 'mmcv/_ext')

        def installed(wheel: Path) -> str:
            where = 'kept' if wheels in wheel.parents else 'built'
            done.append(f'install {where}')
            return 'undefined symbol' if where in fails else ''

        monkeypatch.setattr(
            Build, 'in_units', lambda job, count: built(job, 'units')
        )
        monkeypatch.setattr(Build, 'plain', lambda job: built(job, 'plain'))
        monkeypatch.setattr(command, 'install', installed)
        monkeypatch.setattr(sys, 'argv', ['mmcv_wheel', *words])
        command.main()
        return done

    return run_command


def test_what_was_built_once_is_installed_from_then_on(
    run: Callable[..., list[str]],
) -> None:
    assert run() == ['units', 'install built']
    assert run() == ['install kept']
    assert run('--no-cache') == ['units', 'install built']
    assert run('--plain') == ['plain', 'install built']
    assert run('--no-install') == []


def test_a_kept_wheel_that_does_not_run_is_built_again(
    run: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    assert run(fails=('kept',)) == ['install kept', 'units', 'install built']
    assert 'do not run here (undefined symbol)' in capsys.readouterr().out


def test_units_that_fail_are_followed_by_the_plain_way(
    run: Callable[..., list[str]],
    wheels: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(fails=('units',)) == ['units', 'plain', 'install built']
    (log,) = wheels.glob('*.units.log')
    assert f'compiling in units failed, see {log}' in capsys.readouterr().out


def test_other_versions_are_built_the_plain_way(
    run: Callable[..., list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run('mmcv==2.2.0') == ['plain', 'install built']
    assert 'only mmcv==2.1.0 and ' in capsys.readouterr().out


@pytest.mark.parametrize('fails', [('units', 'plain'), ('built',)])
def test_a_failure_ends_it_and_nothing_is_kept(
    fails: tuple[str, ...], run: Callable[..., list[str]], wheels: Path
) -> None:
    with pytest.raises(SystemExit, match=r'see .*\.log'):
        run(fails=fails)
    assert not list(wheels.rglob('*.whl'))


@pytest.mark.parametrize(
    ('found', 'wanted'),
    [
        (['onedl-mmcv'], 'mmcv==2.1.0'),
        (['mmcv'], 'onedl-mmcv==2.3.6'),
        (['mmcv-lite', 'mmcv'], 'mmcv==2.1.0'),
    ],
)
def test_nothing_is_installed_over_a_fork(
    found: list[str],
    wanted: str,
    run: Callable[..., list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        'importlib.metadata.packages_distributions', lambda: {'mmcv': found}
    )
    with pytest.raises(SystemExit, match=f'mmcv is that of {found[0]} here'):
        run(wanted)
    assert run(wanted, '--no-install')


def test_a_folder_that_cannot_be_made_is_named(
    run: Callable[..., list[str]], wheels: Path
) -> None:
    wheels.write_text('a file')
    with pytest.raises(SystemExit, match='MMDET_OHEM_WHEELS'):
        run()


@pytest.mark.parametrize('words', [['mmcv>=2'], ['mmcv'], ['--jobs', '0']])
def test_wrong_arguments_are_refused(
    words: list[str], run: Callable[..., list[str]]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*words)
    assert ended.value.code == 2
