"""All baselines that answer a case from the case alone, by name, in the order of tables."""

from collections.abc import Mapping
from typing import Final

from models.baselines.alert_count import alert_count
from models.baselines.baro import baro
from models.baselines.case import Baseline
from models.baselines.chance import chance
from models.baselines.latency_ratio import latency_ratio
from models.baselines.max_z import max_z
from models.baselines.nsigma import nsigma
from models.baselines.page_rank import page_rank
from models.baselines.prism import prism
from models.baselines.spectrum import spectrum
from models.baselines.traversal import traversal

RULES: Final[Mapping[str, Baseline]] = {
    "chance": chance,
    "alert_count": alert_count,
    "latency_ratio": latency_ratio,
    "max_z": max_z,
    "nsigma": nsigma,
    "baro": baro,
    "prism": prism,
    "traversal": traversal,
    "spectrum": spectrum,
    "page_rank": page_rank,
}
