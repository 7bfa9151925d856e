"""One ranker trained on synthetic rows, shared by the tests that only read it."""

import pytest

from models.training import TrainingResult, train
from tests.models import synthetic


@pytest.fixture(scope="session")
def trained() -> TrainingResult:
    return train(synthetic.rows(range(12)))
