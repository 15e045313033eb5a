"""Hooks of mkdocs: pages from outside of docs/, and links into the sources.

``README.md``, ``CONTRIBUTING.md``, ``CHANGELOG.md`` and ``tools/README.md``
are pages of the site as well, and the notebook is a page of text and code.
Links between them lead to the pages; a link to a source file has no page to
lead to, and becomes its path.
"""

import json
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
#: Pages of the site by their path in the project.
PAGES = {
    'README.md': 'readme.md',
    'CONTRIBUTING.md': 'contributing.md',
    'CHANGELOG.md': 'changelog.md',
    'tools/README.md': 'tools.md',
    'docs/python_api.ipynb': 'python_api.md',
}
_LINK = re.compile(r'(?<!!)\[([^\]]*)\]\(([^)\s]+)\)')


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are not in docs/."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding='utf-8')
        if source.endswith('.ipynb'):
            text = as_markdown(text)
            old = files.get_file_from_path('python_api.ipynb')
            if old is not None:
                files.remove(old)
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links of a page to pages of the site."""
    name = page.file.src_uri
    origin = next((x for x, y in PAGES.items() if y == name), f'docs/{name}')
    return _LINK.sub(
        lambda found: linked(found[1], found[2], origin), markdown
    )


def linked(text: str, target: str, origin: str) -> str:
    """A link as the site has it.

    Args:
        text: Of the link.
        target: As it is written.
        origin: The page it is on, by its path in the project.

    Returns:
        Markdown: a link to a page of the site or to elsewhere; the text with
        the path where there is no page.

    Raises:
        FileNotFoundError: It leads nowhere.
    """
    if '://' in target or target.startswith(('#', 'mailto:')):
        return f'[{text}]({target})'
    path, sharp, anchor = target.partition('#')
    path = posixpath.normpath(posixpath.join(posixpath.dirname(origin), path))
    if not (ROOT / path).exists():
        raise FileNotFoundError(f'{origin} has a link to {path}')
    page = PAGES.get(path)
    if page is None and path.startswith('docs/'):
        page = path.removeprefix('docs/')
    if page is None:
        plain = text.strip('`')
        return f'`{path}`' if plain in path else f'{text} (`{path}`)'
    return f'[{text}]({page}{sharp}{anchor})'


def as_markdown(notebook: str) -> str:
    """A notebook as text and code.

    Args:
        notebook: Its JSON.

    Returns:
        Markdown.
    """
    parts = []
    for cell in json.loads(notebook)['cells']:
        text = ''.join(cell['source'])
        is_code = cell['cell_type'] == 'code'
        parts.append(f'```python\n{text}\n```' if is_code else text)
    return '\n\n'.join(parts) + '\n'
