"""Graph files of every form become caller -> callee edges, or a sentence."""

import pytest

from pipeline.graph_files import read_graph
from schemas.component import ComponentKind
from schemas.errors import SchemaError


def pairs(text: str, name: str = "graph.yaml") -> list[tuple[str, str]]:
    return [(e.caller.name, e.callee.name) for e in read_graph(text, name=name)]


OWN = """
components:
  - {name: orders-db, kind: database}
edges:
  - {caller: checkout, callee: orders}
  - {caller: orders, callee: orders-db}
"""
BACKSTAGE = """
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: orders}
spec: {type: service, dependsOn: ["resource:default/orders-db"], providesApis: [orders-api]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: web}
spec: {type: website, consumesApis: ["api:orders-api"]}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: orders-db}
spec: {type: database, dependencyOf: ["component:reports"]}
"""


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        (OWN, "own.yaml", [("checkout", "orders"), ("orders", "orders-db")]),
        ('{"edges": [{"caller": "a", "callee": "b"}]}', "own.json", [("a", "b")]),
        ('[{"parent": "a", "child": "b", "callCount": 3}]', "zipkin.json", [("a", "b")]),
        ('{"data": [{"parent": "a", "child": "b"}]}', "jaeger.json", [("a", "b")]),
        ("caller,callee,callee_kind\na,b,cache\n", "edges.csv", [("a", "b")]),
        (
            BACKSTAGE,
            "catalog.yaml",
            [("orders", "orders-db"), ("reports", "orders-db"), ("web", "orders")],
        ),
    ],
    ids=["own-yaml", "own-json", "zipkin", "jaeger", "csv", "backstage"],
)
def test_each_form_gives_its_edges(text: str, name: str, expected: list[tuple[str, str]]):
    assert sorted(pairs(text, name)) == sorted(expected)


def test_kinds_are_kept_and_the_source_names_the_file():
    edge = read_graph(OWN, name="own.yaml")[1]
    assert edge.callee.kind is ComponentKind.DATABASE
    assert edge.source == "file:own.yaml"
    assert read_graph(BACKSTAGE, name="c.yaml")[0].callee.kind is ComponentKind.DATABASE


@pytest.mark.parametrize(
    ("text", "name", "sentence"),
    [
        ("{", "a.json", "neither JSON nor YAML"),
        ("just text", "a.yaml", "no known form"),
        ('{"edges": [{"caller": "a"}]}', "a.json", "without a text 'callee'"),
        ("from,to\na,b\n", "a.csv", "expected at least caller,callee"),
        ('{"components": [{"name": "a", "kind": "toaster"}], "edges": []}', "a.json", "toaster"),
        ("a: &x [1]\nb: *x\n", "a.yaml", "aliases"),
        ("", "a.yaml", "nothing of no known form"),
        ("!!python/object/apply:os.system ['id']", "a.yaml", "neither JSON nor YAML"),
        ("[" * 5000, "a.json", "neither JSON nor YAML"),
    ],
    ids=["broken", "text", "no-callee", "columns", "kind", "aliases", "empty", "python", "deep"],
)
def test_anything_else_gets_a_sentence(text: str, name: str, sentence: str):
    with pytest.raises(SchemaError, match=sentence):
        read_graph(text, name=name)


@pytest.mark.parametrize(
    "text",
    [
        '{"edges": 3}',
        '{"edges": [3]}',
        '{"edges": [], "components": [3]}',
        '{"edges": [], "components": 3}',
        '{"edges": [{"caller": "a", "callee": "b", "weight": "heavy"}]}',
        '{"edges": [{"caller": "a", "callee": "b", "weight": null}]}',
        '[{"parent": "a", "child": "b", "callCount": []}]',
        '{"kind": "Component", "metadata": 3}',
        '{"kind": "Component", "metadata": {"name": "a"}, "spec": 3}',
    ],
)
def test_a_part_of_the_wrong_type_is_a_sentence(text):
    with pytest.raises(SchemaError) as raised:
        read_graph(text, name="graph.json")
    assert "\n" not in str(raised.value)
