"""PetShop's component names as the resolver would write them, all different."""

import re
from collections.abc import Iterable

from agents.importers.series import component_of

_SCHEME = re.compile(r"^[a-z]+://")
_NO_NAME = re.compile(r"[^a-z0-9._-]+")


def names_of(nodes: Iterable[str]) -> dict[str, str]:
    """Map the set's names to ours: lower case, no separators; namesakes are numbered.

    >>> names_of(["PetSearch_AWS::ECS::Fargate", "Servi.elb_remote", "servi.elb_remote"])
    {'PetSearch_AWS::ECS::Fargate': 'petsearch_aws-ecs-fargate', 'Servi.elb_remote': \
'servi.elb_remote', 'servi.elb_remote': 'servi.elb_remote-2'}
    """
    named: dict[str, str] = {}
    for node in sorted(set(nodes)):
        plain = _NO_NAME.sub("-", _SCHEME.sub("", node.lower())).strip("-.")
        name, number = component_of(plain).name, 1
        while name in named.values():
            number += 1
            name = component_of(f"{plain}-{number}").name
        named[node] = name
    return named
