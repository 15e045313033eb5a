"""The part of a page that is written from records."""

#: Between these lines a page has what records say.
MARKS = '<!-- evidence -->', '<!-- end of evidence -->'


def insert(page: str, part: str) -> str:
    """Put text between the two marks of a page.

    Args:
        page: Has ``MARKS``, each on a line of its own.
        part: What stands between them from now on.

    Returns:
        The page.

    Raises:
        ValueError: The page does not have both marks, once and in order.
    """
    begin, end = MARKS
    before, has_begin, rest = page.partition(f'{begin}\n')
    _, has_end, after = rest.partition(end)
    if not (has_begin and has_end) or begin in after or end in after:
        raise ValueError(
            f'the page has to have the lines {begin} and {end}, once each: '
            'what is between them is written from the records'
        )
    return f'{before}{begin}\n{part.strip()}\n{end}{after}'
