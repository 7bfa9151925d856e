"""The rights that docs/SECURING-KAFKA.md says a user needs, as ACLs on a cluster."""

import re
from collections.abc import Iterator
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

PAGE = Path(__file__).parents[2] / "docs" / "SECURING-KAFKA.md"
_ROW = re.compile(
    r"^\| `([\w-]+)` \| (topic|group) \| (.+?) \| ([\w, ]+?) \| (.+?) \|$", re.MULTILINE
)
_OPERATIONS = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Create": AclOperation.CREATE,
    "Alter": AclOperation.ALTER,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}


def documented(*, create: bool) -> list[AclBinding]:
    """The page's rows as ACLs; those for creating topics only where that is wanted."""
    least, more = PAGE.read_text(encoding="utf-8").split("For the worker to create them")
    return [acl for part in (least, more if create else "") for acl in _acls(part)]


def grant(bootstrap: str, acls: list[AclBinding]) -> None:
    """Put ACLs on a cluster and wait until they are taken."""
    admin = AdminClient({"bootstrap.servers": bootstrap})  # its futures end with it
    for future in admin.create_acls(acls).values():
        future.result(timeout=30)


def _acls(page: str) -> Iterator[AclBinding]:
    for user, kind, names, operations, _why in _ROW.findall(page):
        for name, prefixed in re.findall(r"`([\w.-]+)`( prefixed)?", names):
            for operation in operations.split(", "):
                yield AclBinding(
                    ResourceType.TOPIC if kind == "topic" else ResourceType.GROUP,
                    name,
                    ResourcePatternType.PREFIXED if prefixed else ResourcePatternType.LITERAL,
                    f"User:{user}",
                    "*",
                    _OPERATIONS[operation],
                    AclPermissionType.ALLOW,
                )
