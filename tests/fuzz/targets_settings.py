"""Fuzz targets: the configuration, as a file and as an environment, and the gateway's bodies."""

import tempfile
from pathlib import Path

import orjson

from agents.errors import RootlineError
from agents.gateway.body import decompress
from agents.gateway.intake import intakes
from agents.gateway.refusal import Refusal
from agents.settings import load_settings
from agents.worker.topics import TopicsConfig
from schemas.codecs.limits import CodecLimits
from schemas.errors import SchemaError
from schemas.resolve_rules import MappingRule, apply_rules
from tests.fuzz import seeds
from tests.fuzz.oracle import Target

_ENCODINGS = ("gzip", "deflate", "identity", "x-gzip", "br")
_BODY_BYTES = 256 * 1024
_INTAKES = intakes(TopicsConfig())


def _file(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(prefix="rootline-fuzz-", suffix=".toml") as file:
        file.write(data)
        file.flush()
        settings = load_settings(Path(file.name), {})
    orjson.dumps(settings.redacted(), default=str)
    settings.secrets()


def _environment(data: bytes) -> None:
    """Lines of NAME=value, as an environment: no NUL, any other byte."""
    environ: dict[str, str] = {}
    for line in data.replace(b"\0", b"").split(b"\n"):
        name, _, value = line.decode("utf-8", "surrogateescape").partition("=")
        # A file that a fuzzer names would be read.
        if not name.endswith(("_FILE", "CONFIG")):
            environ[name] = value
    settings = load_settings(None, environ)
    orjson.dumps(settings.redacted(), default=str)


def _body(data: bytes) -> None:
    """The first byte says how the rest is compressed and where it was posted."""
    choice = data[0] if data else 0
    encoding = _ENCODINGS[choice % len(_ENCODINGS)]
    body = decompress(data[1:], encoding, _BODY_BYTES)
    assert len(body) <= _BODY_BYTES, "more than the limit"
    intake = _INTAKES[choice // len(_ENCODINGS) % len(_INTAKES)]
    media = intake.media_types[choice % len(intake.media_types)]
    verdict = intake.check(body, (("content-type", media.encode()),), CodecLimits())
    assert verdict.key is None or len(verdict.key) <= 1_024, "a key longer than is allowed"


def _resolver_rule(data: bytes) -> None:
    """Three lines: a regular expression, a replacement, and a hostile label value."""
    text = data.decode("utf-8", "replace")
    regex, replacement, value = (*text.split("\n", 2), "", "")[:3]
    rule = MappingRule(label="pod", regex=regex, replacement=replacement)
    apply_rules((rule,), {"pod": value})


SETTINGS = (
    Target(
        name="settings_file",
        run=_file,
        seeds=seeds.SETTINGS_FILES,
        refusals=(RootlineError,),
        form="text",
        words=seeds.SETTINGS_WORDS,
    ),
    Target(
        name="settings_environment",
        run=_environment,
        seeds=seeds.SETTINGS_ENVIRONMENTS,
        refusals=(RootlineError,),
        form="text",
        words=seeds.SETTINGS_WORDS,
    ),
    Target(
        name="resolver_rules",
        run=_resolver_rule,
        seeds=seeds.RESOLVER_RULES,
        refusals=(ValueError,),
        form="text",
        words=seeds.REGEX_WORDS,
    ),
    Target(
        name="gateway_bodies",
        run=_body,
        seeds=seeds.BODIES,
        refusals=(Refusal, SchemaError),
        form="binary",
    ),
)
