"""A ranker as bytes: JSON with sorted keys and a checksum, made of numbers and words only.

Loading runs no code from the file, checks every field, and refuses files for other features.
Same parameters and provenance, same bytes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib import resources
from typing import Any, Final

import orjson

from models.abstention import Abstention
from models.answer import Parameters
from models.blend import Blend
from models.calibration import Calibration
from models.errors import ModelError
from models.features import FEATURES
from models.forest_text import forest_document, read_forest
from models.pattern_match import PatternSoftmax

FORMAT: Final = "rootline.ranker"
FORMAT_VERSION: Final = 2
SIZE_LIMIT_BYTES: Final = 32 * 1024 * 1024
MAGNITUDE_LIMIT: Final = 1e6

_OPTIONS = orjson.OPT_SORT_KEYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A ranker's parameters, where they come from, and the version that diagnoses carry."""

    parameters: Parameters
    provenance: Mapping[str, Any]
    version: str


def write_artefact(parameters: Parameters, provenance: Mapping[str, Any]) -> bytes:
    """Write a ranker down.

    Args:
        parameters: All its numbers; they come back bit for bit.
        provenance: What it was trained on, by which code, and the figures of its evaluation;
            anything that JSON can say.
    """
    body = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "features_version": FEATURES.version,
        "weights": dict(zip(FEATURES.names, parameters.weights, strict=True)),
        "outside": dict(zip(FEATURES.context, parameters.outside, strict=True)),
        "calibration": asdict(parameters.calibration),
        "abstention": asdict(parameters.abstention),
        "patterns": asdict(parameters.patterns),
        "blend": asdict(parameters.blend),
        "forest": forest_document(parameters.forest) if parameters.forest else None,
        "provenance": dict(provenance),
    }
    # A forest has a hundred thousand numbers; nobody reads those line by line.
    options = _OPTIONS | (0 if parameters.forest else orjson.OPT_INDENT_2)
    return orjson.dumps({**body, "sha256": _digest(body)}, option=options) + b"\n"


def read_artefact(data: bytes) -> Artefact:
    """Read a ranker and check everything in it.

    Raises:
        ModelError: The bytes are too many, no artefact, damaged, or for other features.
    """
    body = _document(data)
    digest = body.pop("sha256", None)
    if digest is None or digest != _digest(body):
        msg = (
            "ranker artefact: the checksum does not fit the content, so the file was damaged or "
            "edited by hand; train it again or restore it."
        )
        raise ModelError(msg)
    _same("features_version", body.get("features_version"), FEATURES.version)
    parameters = Parameters(
        weights=_numbers(body, "weights", FEATURES.names),
        outside=_numbers(body, "outside", FEATURES.context),
        calibration=Calibration(**_named(body, "calibration", _names_of(Calibration()))),
        abstention=Abstention(**_named(body, "abstention", _names_of(Abstention()))),
        patterns=_softmax(body),
        blend=Blend(**_named(body, "blend", _names_of(Blend()))),
        forest=read_forest(body["forest"], len(FEATURES.names)) if body.get("forest") else None,
    )
    provenance = body.get("provenance")
    if not isinstance(provenance, dict):
        msg = "ranker artefact: provenance must be a mapping; train it again."
        raise ModelError(msg)
    return Artefact(
        parameters=parameters, provenance=provenance, version=_version(parameters, digest)
    )


def _version(parameters: Parameters, digest: str) -> str:
    kind = "logit-forest" if parameters.forest else "conditional-logit"
    return f"{kind}/{digest[:12]}"


def default_artefact() -> bytes:
    """Read the bytes of the ranker that ships with Rootline.

    Raises:
        ModelError: None ships with this installation.
    """
    file = resources.files("models") / "artefacts" / "ranker.json"
    if not file.is_file():
        msg = (
            "ranker artefact: none ships with this installation; "
            "run `rootline train` or use the rule ranker."
        )
        raise ModelError(msg)
    return file.read_bytes()


def _document(data: bytes) -> dict[str, Any]:
    if len(data) > SIZE_LIMIT_BYTES:
        msg = (
            f"ranker artefact: {len(data)} bytes, at most {SIZE_LIMIT_BYTES} are read; "
            "this is some other file."
        )
        raise ModelError(msg)
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        msg = f"ranker artefact: not JSON ({error}); this is some other file."
        raise ModelError(msg) from error
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        msg = f"ranker artefact: expected format {FORMAT!r}; this is some other file."
        raise ModelError(msg)
    _same("format_version", body.get("format_version"), FORMAT_VERSION)
    return body


def _digest(body: Mapping[str, Any]) -> str:
    try:
        return hashlib.sha256(orjson.dumps(body, option=_OPTIONS)).hexdigest()
    except TypeError as error:
        msg = f"ranker artefact: it cannot be written again ({error}); this is some other file."
        raise ModelError(msg) from error


def _same(name: str, found: object, expected: object) -> None:
    if found != expected:
        msg = (
            f"ranker artefact: {name} is {repr(found)[:80]}, this Rootline reads {expected!r}; "
            "train the ranker again with this version."
        )
        raise ModelError(msg)


def _numbers(body: Mapping[str, Any], part: str, names: tuple[str, ...]) -> tuple[float, ...]:
    found = body.get(part)
    if not isinstance(found, dict) or sorted(found) != sorted(names):
        msg = (
            f"ranker artefact: {part} must name exactly this version's {len(names)} numbers; "
            "train the ranker again."
        )
        raise ModelError(msg)
    for name in names:
        value = found[name]
        if type(value) not in (int, float) or not abs(value) <= MAGNITUDE_LIMIT:
            msg = (
                f"ranker artefact: {part}.{name} must be a number of at most "
                f"{MAGNITUDE_LIMIT:.0f}, found {repr(value)[:80]}; train the ranker again."
            )
            raise ModelError(msg)
    return tuple(float(found[name]) for name in names)


def _named(body: Mapping[str, Any], part: str, names: tuple[str, ...]) -> dict[str, float]:
    return dict(zip(names, _numbers(body, part, names), strict=True))


def _softmax(body: Mapping[str, Any]) -> PatternSoftmax:
    softmax = PatternSoftmax(**_named(body, "patterns", _names_of(PatternSoftmax())))
    if softmax.temperature < 0.01:
        msg = "ranker artefact: patterns.temperature must be at least 0.01."
        raise ModelError(msg)
    return softmax


def _names_of(part: Calibration | Abstention | PatternSoftmax | Blend) -> tuple[str, ...]:
    return tuple(field.name for field in fields(part))
