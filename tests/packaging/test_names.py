"""Our import names are ours alone in this environment (docs/adr/0001-flat-import-names.md)."""

from importlib.metadata import packages_distributions

import pytest


@pytest.mark.parametrize("name", ["agents", "models", "pipeline", "schemas"])
def test_no_other_distribution_claims_our_import_name(name):
    owners = set(packages_distributions().get(name, ["rootline"]))
    assert owners == {"rootline"}, f"{owners - {'rootline'}} also install a package {name}"
