"""Runs of several seeds become one line: means, spreads, p values."""

from pathlib import Path

from mmdet_ohem.report.page import make_report
from mmdet_ohem.report.seeds import group_by_seed, seeds_table
from mmdet_ohem.runs.work_dir import WorkDir
from tests.runs.logged_runs import train_line, write_logged_run, write_test

MAPS = {'random': [0.5, 0.52, 0.54], 'ohem': [0.56, 0.57, 0.61]}


def write_runs(root: Path) -> list[Path]:
    folders = []
    for name, values in MAPS.items():
        for seed, value in enumerate(values):
            folder = write_logged_run(
                root / name / f'seed{seed}',
                [train_line(100, loss=1.0)],
                sampler='RandomSampler'
                if name == 'random'
                else 'mmdet_ohem.OHEMSampler',
                bg=(0.1, 0.5) if name == 'random' else 0.5,
            )
            with (folder / 'config.py').open('a') as file:
                file.write(f'randomness = dict(seed={seed})\n')
            write_test(folder, {'pascal_voc/mAP': value}, '20260103_100000')
            folders.append(folder)
    return folders


def test_runs_that_differ_in_their_seed_are_one_group(tmp_path: Path) -> None:
    runs = [WorkDir(folder) for folder in write_runs(tmp_path)]
    groups = group_by_seed(runs[::-1])
    assert [x.label for x in groups] == [
        'OHEM, bg_lo = 0',
        'random, bg_lo = 0.1',
    ]
    assert [list(x.runs) for x in groups] == [[0, 1, 2], [0, 1, 2]]
    assert groups[1].runs[0].folder == runs[0].folder


def test_two_runs_of_one_seed_are_not_one_group(tmp_path: Path) -> None:
    folders = [*write_runs(tmp_path / 'a'), *write_runs(tmp_path / 'b')]
    groups = group_by_seed([WorkDir(folder) for folder in folders])
    assert len(groups) == 4
    assert len({x.label for x in groups}) == 4


def test_the_table_has_means_spreads_and_a_paired_test(
    tmp_path: Path,
) -> None:
    runs = [WorkDir(folder) for folder in write_runs(tmp_path)]
    table = seeds_table(group_by_seed(runs))
    assert table.header == ['run', 'seeds', 'mAP, %']
    # Differences of 6, 5 and 7 points: t = 6 / (1 / sqrt(3)), p = .0092.
    assert table.rows == [
        ['random, bg_lo = 0.1', '3', '52.0 ± 2.0'],
        ['OHEM, bg_lo = 0', '3', '58.0 ± 2.6 (p 0.009)'],
    ]


def test_a_seed_alone_has_no_spread_and_no_test(tmp_path: Path) -> None:
    folders = write_runs(tmp_path)
    runs = [WorkDir(folders[i]) for i in (0, 3)]
    (first, second) = seeds_table(group_by_seed(runs)).rows
    assert (first[2], second[2]) == ('50.0', '56.0')


def test_the_page_has_the_table_where_there_are_seeds(tmp_path: Path) -> None:
    folders = write_runs(tmp_path)
    report = make_report(folders)
    assert '58.0 ± 2.6 (p 0.009)' in report.html
    assert len(report.results.rows) == 6
    assert len(report.seeds.rows) == 2
    report = make_report([folders[0], folders[3]])
    assert not report.seeds.rows
    assert 'standard deviation' not in report.html
