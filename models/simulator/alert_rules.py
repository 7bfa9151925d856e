"""The rule pack: the alerts that a careful team would have had before any of this happened."""

from models.simulator.alert_rule import AlertRule
from models.simulator.rules_database import DATABASE_RULES
from models.simulator.rules_platform import PLATFORM_RULES
from models.simulator.rules_queue import QUEUE_RULES
from models.simulator.rules_runtime import RUNTIME_RULES
from models.simulator.rules_service import SERVICE_RULES
from models.simulator.rules_store import STORE_RULES
from models.simulator.rules_wires import WIRE_RULES
from models.simulator.rules_workload import WORKLOAD_RULES

RULES: tuple[AlertRule, ...] = (
    *SERVICE_RULES,
    *RUNTIME_RULES,
    *STORE_RULES,
    *PLATFORM_RULES,
    *WORKLOAD_RULES,
    *DATABASE_RULES,
    *QUEUE_RULES,
    *WIRE_RULES,
)
