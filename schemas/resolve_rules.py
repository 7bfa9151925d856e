"""Mapping rules: what the configuration says about names, evaluated before anything is guessed.

Invariant: a rule that was constructed compiles, so evaluating it cannot fail; and it has few ways
to match (schemas/pattern_cost.py), so no label's value can make it slow.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.component import Component, ComponentKind
from schemas.pattern_cost import MOST_WAYS, ways
from schemas.resolve_names import kind_of, tidy

PATTERN_CHARS_LIMIT = 300
VALUE_CHARS_LIMIT = 256
"""Names of hosts and of everything in Kubernetes have at most 253 characters."""


def plain(name: str) -> str:
    """Write a label name the way Prometheus does, so that rules match both spellings.

    >>> plain("k8s.pod.name"), plain("app.kubernetes.io/name")
    ('k8s_pod_name', 'app_kubernetes_io_name')
    """
    return name.replace(".", "_").replace("-", "_").replace("/", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingRule:
    r"""When `label` matches `regex` in full, the component is `replacement` (which may use \1).

    >>> rule = MappingRule(label="pod", regex=r"pay-(\w+)-.*", replacement=r"payments-\1")
    >>> apply_rules((rule,), {"pod": "pay-eu-77"})[0].name
    'payments-eu'
    """

    label: str = field(metadata={"doc": "Label or attribute that is looked at."})
    regex: str = field(metadata={"doc": "Regular expression its whole value has to match."})
    replacement: str = field(metadata={"doc": r"The component's name; \1 is the first group."})
    kind: ComponentKind | None = field(
        default=None,
        metadata={"doc": "The component's kind; absent: guessed from the name."},
    )

    def __post_init__(self) -> None:
        if not self.label:
            msg = "resolver.rules: a rule has no label; name the label whose value it matches"
            raise ValueError(msg)
        if len(self.regex) > PATTERN_CHARS_LIMIT:
            msg = (
                f"resolver.rules: the regex of label {self.label} has {len(self.regex)}"
                f" characters, at most {PATTERN_CHARS_LIMIT} are allowed;"
                " split it into several rules"
            )
            raise ValueError(msg)
        try:
            # Compiles the template too, whether or not anything matches.
            re.compile(self.regex).sub(self.replacement, "")
        except (re.error, IndexError, RecursionError, OverflowError) as error:
            msg = (
                f"resolver.rules: the rule of label {self.label} is no regular expression"
                f" ({str(error)[:200]}); correct regex {self.regex!r} or replacement"
                f" {repr(self.replacement)[:300]}"
            )
            raise ValueError(msg) from error
        if ways(self.regex, VALUE_CHARS_LIMIT) > MOST_WAYS:
            msg = (
                f"resolver.rules: the regex {self.regex!r} of label {self.label} can fit one value"
                f" in more than {MOST_WAYS} ways, which would be slow; let no repetition hold"
                " another, and say what a part is made of ([^-]+ instead of .+)"
            )
            raise ValueError(msg)


def apply_rules(
    rules: tuple[MappingRule, ...], labels: Mapping[str, str]
) -> tuple[Component, str] | None:
    """Return the component of the first rule that matches, and the rule's label.

    Args:
        rules: evaluated in their order.
        labels: by their plain names (see `plain`).
    """
    for rule in rules:
        value = labels.get(plain(rule.label), "")
        fits = 0 < len(value) <= VALUE_CHARS_LIMIT
        match = re.fullmatch(rule.regex, value) if fits else None
        name = tidy(match.expand(rule.replacement)) if match else ""
        if name:
            return Component(name=name, kind=rule.kind or kind_of(name)), rule.label
    return None
