"""The documentation is a site whose links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# What a browser would fetch by itself.
_FETCHED = re.compile(
    r'<(?:script|img|iframe)[^>]+src="?(https?:[^" >]+)'
    r'|<link[^>]+rel="?(?:stylesheet|preload)[^>]+href="?(https?:[^" >]+)'
)


@pytest.fixture(scope='module')
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip('mkdocs')
    pytest.importorskip('mkdocstrings')
    folder = tmp_path_factory.mktemp('the site')
    done = subprocess.run(
        [
            *(sys.executable, '-m', 'mkdocs', 'build', '--quiet'),
            *('--site-dir', str(folder)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    # Strict: it fails at a link, an anchor or a page that is not there.
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_in_it(site: Path) -> None:
    pages = {x.stem for x in (ROOT / 'docs').iterdir()} - {'README'}
    built = {x.stem for x in site.glob('*.html')}
    assert pages | {'index', 'readme', 'tools', 'contributing'} <= built


def test_the_reference_has_the_docstrings(site: Path) -> None:
    text = (site / 'api.html').read_text()
    assert 'id="mmdet_ohem.mining.ohem_sampler.OHEMSampler"' in text
    assert 'Train on the RoIs that the current network does worst on' in text


def test_it_needs_no_network(site: Path) -> None:
    for page in site.glob('*.html'):
        assert not _FETCHED.findall(page.read_text()), page.name
