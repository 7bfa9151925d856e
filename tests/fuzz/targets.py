"""Every fuzz target, by name."""

from tests.fuzz.oracle import Target
from tests.fuzz.targets_codecs import CODECS
from tests.fuzz.targets_files import FILES
from tests.fuzz.targets_importers import IMPORTERS
from tests.fuzz.targets_settings import SETTINGS
from tests.fuzz.targets_worker import WORKER

TARGETS: dict[str, Target] = {
    target.name: target for target in (*CODECS, *WORKER, *FILES, *SETTINGS, *IMPORTERS)
}
