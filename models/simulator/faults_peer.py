"""The faults of stores, brokers, third parties, names, wires and trust, in one tuple."""

from models.simulator.fault_spec import FaultSpec
from models.simulator.faults_broker import BROKER_FAULTS
from models.simulator.faults_cache import CACHE_FAULTS
from models.simulator.faults_database import DATABASE_FAULTS
from models.simulator.faults_dns import DNS_FAULTS
from models.simulator.faults_external import EXTERNAL_FAULTS
from models.simulator.faults_keeping import KEEPING_FAULTS
from models.simulator.faults_storage import STORAGE_FAULTS
from models.simulator.faults_trust import TRUST_FAULTS
from models.simulator.faults_wire import WIRE_FAULTS

PEER_FAULTS: tuple[FaultSpec, ...] = (
    *DATABASE_FAULTS,
    *KEEPING_FAULTS,
    *STORAGE_FAULTS,
    *CACHE_FAULTS,
    *BROKER_FAULTS,
    *EXTERNAL_FAULTS,
    *DNS_FAULTS,
    *WIRE_FAULTS,
    *TRUST_FAULTS,
)
