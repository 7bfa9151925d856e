"""Failures that spans tell of without a status: Spring's error page was rendered.

A Spring Boot service forwards a request that ended in an unhandled exception or an error status to
`BasicErrorController`; with a tracer's status such a request's span would say ERROR. Pure.
"""

import re
from dataclasses import replace

import numpy as np

from agents.importers.span_table import SpanTable

_ERROR_PAGE = re.compile(r"(^|\.)BasicErrorController(\.|$)")
_DEEPEST = 64
"""Spans that are climbed over at most from an error page to where its service was entered."""


def with_error_pages(table: SpanTable) -> SpanTable:
    """Mark requests that ended at the error page as failed, and the spans that called them."""
    pages = np.array([bool(_ERROR_PAGE.search(name)) for name in table.names], np.bool_)
    if not pages.any():
        return table
    parent, entry = table.parents, table.entry
    failed = table.failed.copy()
    rows = np.flatnonzero(pages[table.name])
    for _ in range(_DEEPEST):
        entered = rows[entry[rows]]
        failed[entered] = True
        failed[parent[entered][parent[entered] >= 0]] = True
        rows = np.unique(parent[rows[~entry[rows]]])
        if not len(rows):
            break
    return replace(table, failed=failed)
