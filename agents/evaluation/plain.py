"""Makes figures fit for JSON: rounded, and null where there is no number."""

import math
from typing import Any


def plain(document: Any) -> Any:
    """Round every number to six decimals; what is not finite becomes None.

    >>> plain({"a": (0.12345678, math.nan), "b": [1]})
    {'a': [0.123457, None], 'b': [1]}
    """
    if isinstance(document, dict):
        return {key: plain(value) for key, value in document.items()}
    if isinstance(document, (list, tuple)):
        return [plain(value) for value in document]
    if isinstance(document, float):
        return round(document, 6) if math.isfinite(document) else None
    return document
