"""Label maps from JSON to sorted `Labels`, within the limits."""

from collections.abc import Iterable, Mapping

from schemas.codecs.json_text import as_object, as_text, describe
from schemas.codecs.limits import CodecLimits
from schemas.errors import SchemaError
from schemas.telemetry import Labels


def read_labels(value: object, where: str, limits: CodecLimits) -> Labels:
    """Read a map of text to text; a label of empty value counts as absent, as in Prometheus.

    >>> read_labels({"b": "2", "a": "1", "c": ""}, "labels", CodecLimits())
    (('a', '1'), ('b', '2'))
    """
    labels = _read(as_object(value, where), where, limits, limits.label_value_chars)
    check_label_chars(sum(len(name) + len(text) for name, text in labels), where, limits)
    return labels


def read_annotations(value: object, where: str, limits: CodecLimits) -> Labels:
    """Read annotations: like labels, may be absent, with more room for text."""
    if value is None:
        return ()
    return _read(as_object(value, where), where, limits, limits.annotation_value_chars)


def check_labels(labels: Labels, where: str, limits: CodecLimits) -> Labels:
    """Refuse a label set that exceeds the limits; return it otherwise."""
    check_label_count(len(labels), where, limits)
    check_label_chars(sum(len(name) + len(value) for name, value in labels), where, limits)
    for name, value in labels:
        if len(name) > limits.label_name_chars:
            _refuse_name(name, where, limits)
        if len(value) > limits.label_value_chars:
            as_text(value, f"{where}.{name}", limits.label_value_chars)
    return labels


def check_label_count(count: int, where: str, limits: CodecLimits) -> None:
    """Refuse more labels than one thing may have."""
    if count > limits.labels_per_set:
        msg = (
            f"{where} has {count} entries, at most {limits.labels_per_set} are accepted:"
            " drop some or raise limits.labels_per_set"
        )
        raise SchemaError(msg)


def check_label_chars(count: int, where: str, limits: CodecLimits) -> None:
    """Refuse labels that are many and long at once: each is remembered as a whole."""
    if count > limits.label_set_chars:
        msg = (
            f"{where} has {count} characters in all, at most {limits.label_set_chars} are"
            " accepted: drop some or raise limits.label_set_chars"
        )
        raise SchemaError(msg)


def sorted_labels(pairs: Iterable[tuple[str, str]]) -> Labels:
    """Freeze pairs into sorted labels; of two with one name the first stands."""
    by_name: dict[str, str] = {}
    for name, value in pairs:
        by_name.setdefault(name, value)
    return tuple(sorted(by_name.items()))


def _read(
    value: Mapping[str, object], where: str, limits: CodecLimits, value_chars: int
) -> Labels:
    check_label_count(len(value), where, limits)
    labels: list[tuple[str, str]] = []
    for name, text in value.items():
        if not name:
            msg = f"{where} has a label without a name: give it one or drop it"
            raise SchemaError(msg)
        if len(name) > limits.label_name_chars:
            _refuse_name(name, where, limits)
        if not isinstance(text, str):
            msg = (
                f"{where}.{name} is {describe(text)}, expected text:"
                " write label values and annotations as strings"
            )
            raise SchemaError(msg)
        if text:
            labels.append((name, as_text(text, f"{where}.{name}", value_chars)))
    return tuple(sorted(labels))


def _refuse_name(name: str, where: str, limits: CodecLimits) -> None:
    msg = (
        f"{where} has a name of {len(name)} characters, at most {limits.label_name_chars} are"
        " accepted: shorten it or raise limits.label_name_chars"
    )
    raise SchemaError(msg)
