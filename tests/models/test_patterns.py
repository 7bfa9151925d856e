"""The pattern catalogue: what ships, what is refused, and how evidence is matched."""

from dataclasses import replace

import pytest
import yaml

from models.errors import ModelError
from models.pattern_catalogue import Catalogue, default_catalogue, load_catalogue
from models.pattern_match import PatternSoftmax, fit, match, strengths
from models.simulator.faults import FAULTS
from schemas.candidate import Candidate, Reference
from schemas.component import ComponentKind
from tests.models.synthetic import candidate, evidence


def a_pattern(**changes: object) -> dict[str, object]:
    plain: dict[str, object] = {
        "id": "cache.cold",
        "title": "The cache is cold",
        "kinds": ["cache"],
        "description": "Most lookups miss.",
        "entry_signature": {"required": ["cache_misses"], "optional": ["evictions"]},
        "first_actions": ["Warm it"],
        "provenance": "documented",
    }
    return {k: v for k, v in {**plain, **changes}.items() if v is not None}


def catalogue(*patterns: dict[str, object], family: object = "cache") -> Catalogue:
    document = {"family": family, "patterns": list(patterns)}
    return load_catalogue({"cache.yaml": yaml.safe_dump(document).encode()})


def test_the_whole_taxonomy_ships() -> None:
    patterns = default_catalogue().patterns
    assert len(patterns) >= 334
    assert len({p.family for p in patterns}) == 20


def test_every_pattern_says_what_to_do_and_where_it_is_from() -> None:
    for pattern in default_catalogue().patterns:
        assert 2 <= len(pattern.first_actions) <= 4, pattern.id
        assert pattern.sources, pattern.id
        assert pattern.typical_alert_rules or pattern.family == "benign_open", pattern.id
        assert 60 <= len(pattern.description) <= 900, pattern.id


def test_what_is_said_to_be_simulated_is_a_fault_of_the_simulator() -> None:
    named = {p for spec in FAULTS.values() for p in (spec.pattern, *spec.patterns.values())}
    said = {p.id for p in default_catalogue().patterns if p.provenance == "simulated"}
    assert said <= named


def test_no_two_patterns_of_a_kind_are_the_same_in_all_that_is_compared() -> None:
    seen: dict[object, str] = {}
    for pattern in default_catalogue().patterns:
        for kind in pattern.kinds:
            key = (
                kind,
                frozenset(pattern.signature.required),
                frozenset(pattern.signature.optional),
                frozenset(pattern.markers),
                frozenset(pattern.typical_alert_rules),
                frozenset(pattern.change_kinds),
            )
            assert key not in seen, f"{pattern.id} and {seen[key]}"
            seen[key] = pattern.id


def test_every_simulated_fault_has_its_pattern() -> None:
    known = {p.id for p in default_catalogue().patterns}
    named = {p for spec in FAULTS.values() for p in (spec.pattern, *spec.patterns.values())}
    assert named <= known


def test_every_kind_of_component_has_patterns() -> None:
    for kind in ComponentKind:
        assert default_catalogue().of_kind(kind), kind


REFUSED = {
    "unknown field": (a_pattern(colour="red"), "unknown field 'colour'"),
    "no title": (a_pattern(title=None), "title must be a text"),
    "empty title": (a_pattern(title=" "), "title must be a text"),
    "unknown kind": (a_pattern(kinds=["toaster"]), "kinds must be a word of its closed set"),
    "no kinds": (a_pattern(kinds=[]), "kinds must be a list of 1"),
    "kinds no list": (a_pattern(kinds="cache"), "kinds must be a list"),
    "a kind twice": (a_pattern(kinds=["cache", "cache"]), "each text once"),
    "unknown evidence": (
        a_pattern(entry_signature={"required": ["moon_phase"]}),
        "required must be a word of its closed set, found 'moon_phase'",
    ),
    "no signature": (a_pattern(entry_signature=None), "entry_signature: expected a mapping"),
    "both required and optional": (
        a_pattern(entry_signature={"required": ["evictions"], "optional": ["evictions"]}),
        "both required and optional",
    ),
    "min_match too large": (
        a_pattern(entry_signature={"required": ["evictions"], "min_match": 2}),
        "min_match must be a whole number from 1 to 1",
    ),
    "unknown change": (a_pattern(change_kinds=["magic"]), "change_kinds"),
    "no first actions": (a_pattern(first_actions=[]), "first_actions must be a list of 1"),
    "unknown provenance": (a_pattern(provenance="rumour"), "provenance"),
    "id outside its family": (a_pattern(id="db.cold"), "must begin with its family"),
    "id with a blank": (a_pattern(id="cache.is cold"), "lower-case words joined by dots"),
    "blank action": (a_pattern(first_actions=["  "]), "first_actions must be texts of 1 to"),
    "rule with a blank": (
        a_pattern(typical_alert_rules=["Cache cold"]),
        "typical_alert_rules holds 'Cache cold'; the name of an alert rule has no blanks",
    ),
    "marker in capitals": (a_pattern(markers=["Redis"]), "lower-case text; write 'redis'"),
    "marker of hexadecimal digits": (a_pattern(markers=["429"]), "would be found in trace ids"),
    "cases counted by hand": (a_pattern(n_cases=3), "unknown field 'n_cases'"),
    "unknown corroborator": (a_pattern(corroborators=["luck"]), "corroborators must be a word"),
    "corroborates and contradicts": (
        a_pattern(corroborators=["traffic_up"], contradictors=["traffic_up"]),
        "traffic_up is in corroborators and in contradictors",
    ),
    "contradicts its signature": (
        a_pattern(contradictors=["cache_misses"]),
        "cache_misses is in entry_signature and in contradictors",
    ),
    "propagation no list": (a_pattern(propagation={"edge": "caller"}), "propagation must be a li"),
    "propagation of words": (a_pattern(propagation=["caller"]), "propagation 1: expected a mapp"),
    "unknown edge": (
        a_pattern(propagation=[{"edge": "upwind", "evidence": ["latency_up"]}]),
        "propagation 1: edge must be a word of its closed set, found 'upwind'",
    ),
    "propagation that shows nothing": (
        a_pattern(propagation=[{"edge": "caller", "evidence": []}]),
        "propagation 1: evidence must be a list of 1",
    ),
    "propagation of unknown evidence": (
        a_pattern(propagation=[{"edge": "caller", "evidence": ["gloom"]}]),
        "propagation 1: evidence must be a word of its closed set, found 'gloom'",
    ),
    "propagation with another field": (
        a_pattern(propagation=[{"edge": "caller", "evidence": ["latency_up"], "decay": 1}]),
        "propagation 1: unknown field 'decay'",
    ),
    "an edge twice": (
        a_pattern(
            # Two objects: of one alone YAML would write an alias.
            propagation=[{"edge": "caller", "evidence": ["latency_up"]} for _ in range(2)]
        ),
        "propagation has two entries for caller; join them",
    ),
    "title without its detail": (a_pattern(title_with={"holder": "Held"}), r"contain \{holder\}"),
}


@pytest.mark.parametrize(("pattern", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_pattern_is_refused_in_words(pattern: dict[str, object], sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        catalogue(pattern)


def test_the_complaint_names_file_and_pattern() -> None:
    with pytest.raises(ModelError, match=r"patterns/cache.yaml, pattern 2: title"):
        catalogue(a_pattern(), a_pattern(id="cache.two", title=None))


def test_an_id_given_twice_is_refused() -> None:
    with pytest.raises(ModelError, match="given twice"):
        catalogue(a_pattern(), a_pattern())


def test_a_title_given_twice_in_a_family_is_refused_across_its_files() -> None:
    def file(pattern: dict[str, object], family: str) -> bytes:
        return yaml.safe_dump({"family": family, "patterns": [pattern]}).encode()

    one = file(a_pattern(), "cache")
    load_catalogue({"a.yaml": one, "b.yaml": file(a_pattern(id="dns.cold"), "dns")})
    with pytest.raises(ModelError, match="the title 'cache: The cache is cold' is given twice"):
        load_catalogue({"a.yaml": one, "b.yaml": file(a_pattern(id="cache.two"), "cache")})


def test_how_it_spreads_is_read_edge_by_edge() -> None:
    spread = [
        {"edge": "caller", "evidence": ["latency_up", "edge_timeouts"]},
        {"edge": "callee", "evidence": ["traffic_up"]},
    ]
    read = catalogue(a_pattern(propagation=spread, corroborators=["slow_statement"])).patterns[0]
    assert [(p.edge, list(p.evidence)) for p in read.propagation] == [
        ("caller", ["latency_up", "edge_timeouts"]),
        ("callee", ["traffic_up"]),
    ]
    assert read.corroborators == ("slow_statement",)


def test_a_record_without_the_newer_fields_still_loads() -> None:
    read = catalogue(a_pattern()).patterns[0]
    assert (read.propagation, read.corroborators) == ((), ())


@pytest.mark.parametrize(
    "text",
    [
        b"{",
        b"- a",
        b"",
        b"\xff\xfe\x00",
        b"family: x\npatterns: []",
        b"family: x\n---\nfamily: y",
        b"!!python/object:os.system {}",
        b"!!python/object/apply:os.getcwd []",
    ],
)
def test_what_is_no_family_file_is_refused(text: bytes) -> None:
    with pytest.raises(ModelError, match=r"patterns/x.yaml"):
        load_catalogue({"x.yaml": text})


def test_the_score_follows_its_formula() -> None:
    pool = next(p for p in default_catalogue().patterns if p.id == "db_sql.mysql.conn_exhausted")
    pool = replace(
        pool, signature=replace(pool.signature, optional=("holder_dominant",)), contradictors=()
    )
    weights = dict.fromkeys(("pool_saturated", "holder_dominant", "alert_symptom"), 1.0)
    shown = {"pool_saturated": 1.0, "holder_dominant": 0.5, "alert_symptom": 1.0}
    assert fit(pool, shown, weights) == pytest.approx(0.74)


def test_a_signature_that_does_not_show_scores_nothing() -> None:
    cold = catalogue(a_pattern()).patterns[0]
    assert fit(cold, {"evictions": 1.0}, default_catalogue().telling[ComponentKind.CACHE]) == 0.0


def test_evidence_against_takes_from_evidence_for() -> None:
    said = (evidence("silent", 0.9), evidence("silent", 0.4, supports=False))
    assert strengths(said) == {"silent": pytest.approx(0.5)}


def database(**details: str) -> Candidate:
    return candidate(
        "d",
        "database",
        evidence("pool_saturated", 1.0),
        evidence("holder_dominant", 0.8, **details),
        evidence("pool_waiting", 0.7),
    )


def test_the_title_names_who_holds_the_connections() -> None:
    first = match(database(holder="report-job"), default_catalogue(), PatternSoftmax())[0]
    assert first.title.endswith("report-job holds them") or "report-job holds" in first.title


def test_without_a_holder_the_title_is_plain() -> None:
    first = match(database(), default_catalogue(), PatternSoftmax())[0]
    assert "{" not in first.title
    assert first.pattern.endswith("conn_exhausted")


def test_a_named_product_decides_between_its_patterns() -> None:
    for product, family in (("mysql_global_status", "mysql"), ("pg_stat_activity", "pg")):
        named = database()
        reasons = (
            replace(named.evidence[0], references=(Reference(kind="series", id=product),)),
            *named.evidence[1:],
        )
        best = match(replace(named, evidence=reasons), default_catalogue(), PatternSoftmax())
        assert best[0].pattern == f"db_sql.{family}.conn_exhausted"


def test_a_contradictor_costs() -> None:
    hung = candidate("s", "service", evidence("silent"), evidence("edge_timeouts"))
    again = replace(hung, evidence=(*hung.evidence, evidence("restarts")))
    before, after = (
        {m.pattern: m.probability for m in match(c, default_catalogue(), PatternSoftmax())}
        for c in (hung, again)
    )
    assert before["code.deadlock"] > after.get("code.deadlock", 0.0)


def test_probabilities_leave_room_for_what_the_catalogue_lacks() -> None:
    vague = candidate("s", "service", evidence("latency_up", 0.2))
    for one in (database(), vague, candidate("s", "service")):
        assert sum(m.probability for m in match(one, default_catalogue(), PatternSoftmax())) < 1.0


def test_at_most_three_are_named_and_only_of_the_components_kind() -> None:
    known = {p.id: p for p in default_catalogue().patterns}
    matches = match(database(), default_catalogue(), PatternSoftmax())
    assert 1 <= len(matches) <= 3
    assert all(ComponentKind.DATABASE in known[m.pattern].kinds for m in matches)


def test_a_quiet_component_matches_no_pattern() -> None:
    quiet = candidate("s", "service", evidence("quiet", 1.0, supports=False))
    assert match(quiet, default_catalogue(), PatternSoftmax()) == ()
