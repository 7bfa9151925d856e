"""The rule pack: the alerts that a careful team would have had before any of this happened."""

from models.simulator.alert_rule import AlertRule
from models.simulator.rules_platform import PLATFORM_RULES
from models.simulator.rules_service import SERVICE_RULES
from models.simulator.rules_store import STORE_RULES

RULES: tuple[AlertRule, ...] = (*SERVICE_RULES, *STORE_RULES, *PLATFORM_RULES)
