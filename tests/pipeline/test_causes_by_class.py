"""Which alerts a cause explains is found by classes of alerts; here, alert by alert."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.causes import _LATE_MS, _LATE_STATE_MS, StormAlert, _Court
from pipeline.explanations import Explanations

NAMES = ("api", "cart", "db", "stock")
steps = st.dictionaries(st.sampled_from(NAMES), st.integers(1, 3), max_size=4)
storms = st.lists(
    st.builds(
        lambda component, at_s, of_cause, less, names: (component, at_s, of_cause, less, names),
        st.sampled_from(NAMES),
        st.integers(0, 200),
        st.booleans(),
        st.booleans(),
        st.sampled_from((None, *NAMES)),
    ),
    min_size=1,
    max_size=30,
)


def explains(court, known, cause, alert):
    if cause == alert.component:
        return True
    called = known.called.get(alert.component, {})
    starved = {} if alert.of_cause else known.starved.get(alert.component, {})
    if cause not in called and cause not in starved:
        return False
    accused = alert.names if alert.names in called else None
    if accused is not None and cause not in known.called.get(accused, {accused: 0}):
        return False
    late_ms = _LATE_STATE_MS if alert.of_cause else _LATE_MS
    return court._sick.get(cause, 0) - late_ms <= alert.starts_ms


@settings(max_examples=150, deadline=None)
@given(
    storms,
    st.dictionaries(st.sampled_from(NAMES), steps, max_size=4),
    st.dictionaries(st.sampled_from(NAMES), steps, max_size=4),
)
def test_a_cause_explains_what_it_explains_alert_by_alert(rows, called, starved):
    alerts = [
        StormAlert(
            fingerprint=f"f{number}",
            component=component,
            starts_ms=at_s * 1000,
            of_cause=of_cause,
            of_less_traffic=less,
            names=names,
        )
        for number, (component, at_s, of_cause, less, names) in enumerate(rows)
    ]
    known = Explanations()
    known.called.update(called)
    known.starved.update(starved)
    court = _Court(alerts, known, lambda name: name == "db")
    for cause in court._explained:
        expected = {a.fingerprint for a in alerts if explains(court, known, cause, a)}
        assert court._explained[cause] == expected
