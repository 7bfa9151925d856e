import orjson
import pytest

from agents.offline import OfflineConfig, OfflineRun, run_offline, signals_of
from models.rules import RuleRanker
from pipeline.outputs import AlertSetAside, DropReason, IncidentPublished
from schemas.incident import Incident
from schemas.recording import Message
from schemas.resolve import ResolverConfig
from schemas.signal import TickSignal
from tests.agents.recorded import START_MS, alert_message, change_message, small, storm


def incidents(run: OfflineRun) -> dict[str, Incident]:
    """The last revision of each incident, by id."""
    published = [o.incident for o in run.outputs if isinstance(o, IncidentPublished)]
    return {incident.incident_id: incident for incident in published}


def test_the_storm_is_one_incident_with_the_truth_on_top():
    recording = storm()
    assert recording.truth is not None
    (truth,) = recording.truth
    run = run_offline(recording, RuleRanker())
    (incident,) = incidents(run).values()
    assert incident.alert_count > 20
    assert incident.candidates[0].component == truth.component == "mysql-primary"
    assert truth.details["holder"] in incident.title
    assert run.rejected == []


def test_every_alert_ends_in_an_incident_or_apart():
    recording = storm()
    run = run_offline(recording, RuleRanker())
    ended = {a.fingerprint for i in incidents(run).values() for a in i.alerts}
    ended |= {o.alert.fingerprint for o in run.outputs if isinstance(o, AlertSetAside)}
    sent = {
        alert["fingerprint"]
        for message in recording.alerts
        for alert in orjson.loads(message.value)["alerts"]
    }
    assert ended == sent


def test_progress_goes_from_nothing_to_all():
    shares: list[float] = []
    alerts = (alert_message(), alert_message("web", at_s=30))
    run_offline(small(alerts=alerts), RuleRanker(), progress=shares.append)
    assert shares[0] == 0.0
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_silence_is_appended_until_everything_has_settled():
    warning = orjson.loads(alert_message().value)
    warning["labels"]["severity"] = "warning"
    alone = Message(arrived_ms=START_MS, value=orjson.dumps(warning))
    (apart,) = run_offline(small(alerts=(alone,)), RuleRanker()).outputs
    assert isinstance(apart, AlertSetAside)
    assert apart.reason is DropReason.ALONE


@pytest.mark.parametrize(
    ("stream", "bad", "says"),
    [
        ("alerts", b"{", "JSON"),
        ("alerts", b"", ""),
        ("alerts", b'{"labels": 3}', "labels"),
        ("alerts", alert_message(starts="2026-03-02T10:05:01Z").value, "dated"),
        ("changes", b"[]", "change"),
        ("changes", change_message(at="2026-03-02T11:00:00Z").value, "dated"),
    ],
    ids=["cut", "empty", "wrong type", "future alert", "wrong change", "future change"],
)
def test_a_bad_message_is_listed_and_the_rest_still_answers(stream, bad, says):
    wrong = Message(arrived_ms=START_MS, value=bad)
    good = {"alerts": (alert_message(),), "changes": (change_message(),)}
    good[stream] = (*good[stream], wrong)
    run = run_offline(small(**good), RuleRanker())
    ((named, index, reason),) = run.rejected
    assert (named, index) == (stream, 1)
    assert says in reason
    assert len(incidents(run)) == 1


def test_signals_come_in_order_of_arrival_and_ticks_last():
    run = OfflineRun()
    config = OfflineConfig()
    content = small(alerts=(alert_message(at_s=9), alert_message("web")), changes=())
    arrived = [(at, signal) for at, _, signal in signals_of(content, config, run)]
    times = [at for at, _ in arrived]
    assert times == sorted(times)
    assert [isinstance(s, TickSignal) for _, s in arrived[:3]] == [False, False, True]


def test_a_label_can_name_the_environment_and_each_is_kept_apart():
    def told(cluster: str) -> Message:
        value = orjson.loads(alert_message().value)
        value["labels"]["cluster"] = cluster
        return Message(arrived_ms=START_MS, value=orjson.dumps(value))

    config = OfflineConfig(resolver=ResolverConfig(environment_labels=("cluster",)))
    run = run_offline(small(alerts=(told("a"), told("b"))), RuleRanker(), config=config)
    assert sorted(i.environment for i in incidents(run).values()) == ["a", "b"]


def test_a_recordings_graph_links_what_no_span_shows():
    alerts = (alert_message("web"), alert_message("cart", at_s=1))
    graph = {"edges": [{"caller": "web", "callee": "cart"}]}
    apart = run_offline(small(alerts=alerts), RuleRanker())
    together = run_offline(small(alerts=alerts, graph=graph), RuleRanker())
    assert (len(incidents(apart)), len(incidents(together))) == (2, 1)
