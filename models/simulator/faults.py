"""All kinds of faults by name."""

from models.simulator.fault_spec import FaultSpec
from models.simulator.faults_code import CODE_FAULTS
from models.simulator.faults_deploy import DEPLOY_FAULTS
from models.simulator.faults_network import NETWORK_FAULTS
from models.simulator.faults_node import NODE_FAULTS
from models.simulator.faults_peer import PEER_FAULTS
from models.simulator.faults_rpc import RPC_FAULTS
from models.simulator.faults_runtime import RUNTIME_FAULTS
from models.simulator.faults_service import SERVICE_FAULTS
from models.simulator.faults_store import STORE_FAULTS
from models.simulator.faults_traffic import TRAFFIC_FAULTS
from models.simulator.faults_workload import WORKLOAD_FAULTS

HEALTHY = "none"
"""The name of the run in which nothing goes wrong."""

_ALL = (
    *STORE_FAULTS,
    *SERVICE_FAULTS,
    *NETWORK_FAULTS,
    *PEER_FAULTS,
    *CODE_FAULTS,
    *WORKLOAD_FAULTS,
    *RUNTIME_FAULTS,
    *RPC_FAULTS,
    *DEPLOY_FAULTS,
    *NODE_FAULTS,
    *TRAFFIC_FAULTS,
)

FAULTS: dict[str, FaultSpec] = {spec.name: spec for spec in sorted(_ALL, key=lambda s: s.name)}
