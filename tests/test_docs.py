"""Links in the documentation lead somewhere, and project files agree."""

import re
from pathlib import Path

import pytest
import yaml

from mmdet_ohem import __version__

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / 'README.md',
    ROOT / 'CONTRIBUTING.md',
    ROOT / 'CHANGELOG.md',
    *sorted(ROOT.glob('docs/*.md')),
    ROOT / 'tools/README.md',
    ROOT / 'dev/README.md',
]
CHECKS = ('lint', 'types', 'tests')


def anchors(page: Path) -> set[str]:
    """Names of a page's headings, as GitHub makes them."""
    heads = re.findall(r'^#+ (.*)', page.read_text(), re.M)
    return {
        re.sub(r'[^\w -]', '', head.lower()).replace(' ', '-')
        for head in heads
    }


@pytest.mark.parametrize('page', PAGES, ids=lambda x: str(x.name))
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r'\]\(([^)\s]+)\)', page.read_text()):
        if '://' in link:
            continue
        path, _, anchor = link.partition('#')
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_readme_is_short() -> None:
    assert len((ROOT / 'README.md').read_text().splitlines()) < 150


def test_the_citation_has_the_version_of_the_package() -> None:
    citation = yaml.safe_load((ROOT / 'CITATION.cff').read_text())
    assert citation['version'] == __version__


def test_commits_and_ci_are_checked_by_make_test() -> None:
    makefile = (ROOT / 'Makefile').read_text()
    assert f'test: env {" ".join(CHECKS)}\n' in makefile
    config = yaml.safe_load((ROOT / '.pre-commit-config.yaml').read_text())
    (repo,) = config['repos']
    entries = [hook['entry'] for hook in repo['hooks']]
    assert entries == [f'make {check}' for check in CHECKS]
    path = ROOT / '.github/workflows/test.yml'
    job = yaml.safe_load(path.read_text())['jobs']['test']
    steps = [step['run'] for step in job['steps'] if 'run' in step]
    assert steps == ['make env', 'make test']
    pythons = {x['python'] for x in job['strategy']['matrix']['include']}
    assert pythons == {'3.10', '3.11', '3.12'}
