"""Where fuzzing starts: a good message of every dialect and shape, and words to make more of."""

import gzip
import io
import json
import zipfile
import zlib

from schemas.codecs.otlp_metrics import decode_metrics
from schemas.codecs.otlp_spans import decode_spans
from schemas.codecs.recordings import metrics_to_npz, spans_to_npz
from tests.fuzz import worlds
from tests.fuzz.protobuf_fields import put_together
from tests.schemas import otlp_samples as otlp
from tests.schemas import samples as s
from tests.schemas.samples import T0, dumps

ALERTS = tuple(
    dumps(each)
    for each in (
        s.WEBHOOK, s.GETTABLE, s.POSTABLE, s.WEBHOOK_ALERT, s.EVENT_CREATED, s.EVENT_RESOLVED,
        s.EVENT_MUTED, s.GRAFANA_WEBHOOK, s.GRAFANA_RECORD,
        {**s.GRAFANA_RECORD, "details": json.dumps(s.GRAFANA_WEBHOOK)},
        {**s.WEBHOOK_ALERT, "@timestamp": s.T0_TEXT},
        {**s.ENVELOPE, "data": s.WEBHOOK},
    )
)  # fmt: skip
ALERT_WORDS = (
    b"alerts", b"labels", b"annotations", b"startsAt", b"endsAt", b"status", b"fingerprint",
    b"firing", b"resolved", b"@timestamp", b"data", b"alertCreated", b"alertGrouped", b"client",
    b"Grafana", b"incident_key", b"details", b"generatorURL", b"state", b"suppressed", b"pod",
    b"instance", b"service", b"job", b"alertname", b"severity", b"mysql-1:9104", b"node",
)  # fmt: skip
CHANGES = (dumps(s.CHANGE), dumps({**s.ENVELOPE, "data": s.CHANGE}), dumps({**s.CHANGE, "at": T0}))
CHANGE_WORDS = (
    b"kind", b"deploy", b"flag", b"service", b"labels", b"at", b"title", b"id", b"outcome",
    b"corrected", b"confirmed", b"nothing_wrong", b"component", b"pattern", b"revision",
)  # fmt: skip
VERDICTS = (
    dumps(s.VERDICT),
    dumps({"incident_id": "i", "outcome": "nothing_wrong", "at": s.T0_TEXT}),
    dumps({**s.ENVELOPE, "data": s.VERDICT}),
)
SPANS = (otlp.traces().SerializeToString(), dumps(otlp.TRACES_JSON))
METRICS = (otlp.metrics().SerializeToString(), dumps(otlp.METRICS_JSON))
OTLP_WORDS = (
    b"resourceSpans", b"resourceMetrics", b"attributes", b"key", b"value", b"stringValue",
    b"intValue", b"arrayValue", b"values", b"service.name", b"db.statement", b"url.full",
    b"exception", b"exception.message", b"peer.service", b"server.address", b"kvlistValue",
    b"quantileValues", b"asDouble", b"asInt", b"timeUnixNano", b"messaging.system", b"error.type",
)  # fmt: skip
SAMPLES = (
    dumps(s.SAMPLE),
    b"\n".join(dumps({**s.SAMPLE, "value": each}) for each in ("NaN", "+Inf", "1e300")),
    dumps({**s.SAMPLE, "name": "", "value": 2.5}),
)
_STRUCTURED = {name: value.decode() for name, value in s.STRUCTURED}
_BINARY = {name: value.decode() for name, value in s.BINARY}
CLOUD_EVENTS = (
    dumps(_STRUCTURED) + b"\n" + dumps({**s.ENVELOPE, "data": s.WEBHOOK}),
    dumps(_STRUCTURED) + b"\n" + dumps({**s.ENVELOPE, "data_base64": "eyJhbGVydHMiOltdfQ=="}),
    dumps(_BINARY) + b"\n" + dumps(s.CHANGE),
    dumps({"content-type": "application/json"}) + b"\n" + dumps(otlp.TRACES_JSON),
    dumps({}) + b"\n" + dumps({**s.ENVELOPE, "data": s.VERDICT}),
)
CLOUD_EVENT_WORDS = (
    b"specversion", b"data", b"data_base64", b"content-type", b"ce_specversion", b"ce_time",
    b"application/cloudevents+json", b"application/cloudevents-batch+json", b"time", b"source",
)  # fmt: skip
SIGNALS = worlds.some_signals()
INCIDENTS = worlds.incidents()
SENT = (worlds.sent(),)
LEDGER = (
    b'{"state":"taken","run":"r-1","letter_ms":1788256800000,"at_ms":1788256800001,'
    b'"to":"alerts","attempt":1}',
)
KEPT = (worlds.kept(),)
STATEMENTS = (
    b"SELECT * FROM orders2 WHERE id IN (1, 2,3) AND name = 'O''Neil' /* trace=ab12 */",
    b'INSERT INTO "t" VALUES (1, "a\\"b"), (0xff, 1.5e-3) -- x',
    b"GET user:1001 6f1c2d3e-4b5a-6978-8a9b-acbdcedf0a1b $1 @2",
)

ARTEFACTS = worlds.artefacts()
CASE_ROWS = (worlds.case_rows(),)
PATTERNS = (
    b"""family: cache
patterns:
  - id: cache.stampede
    title: A stampede
    kinds: [cache, service]
    description: >-
      Everybody asks at once.
    entry_signature:
      required: [cache_misses]
      optional: [alert_symptom]
      min_match: 1
    propagation:
      - edge: caller
        evidence: [errors_up]
    corroborators: [errors_up]
    contradictors: [silent]
    change_kinds: [deploy]
    typical_alert_rules: [CacheMisses]
    first_actions:
      - Look at the misses
    sources: ["a book"]
    provenance: documented
""",
)
PATTERN_WORDS = (
    b"&a", b"*a", b"<<: *a", b"!!python/object/apply:os.system", b"!!binary", b"? ", b"- ", b"---",
    b"|", b">-", b"[", b"{", b"}", b"!!set", b"2026-09-01", b"0o7", b"1:1:1", b"~", b"service",
    b"database", b"errors_up", b"caller", b"kinds", b"hints", b"documented", b".inf", b".nan",
)  # fmt: skip
GRAPHS = (
    b"components:\n- {name: db, kind: database}\nedges:\n- {caller: cart, callee: db, weight: 2}",
    b'{"edges": [{"caller": "a", "callee": "b"}]}',
    b'{"data": [{"parent": "a", "child": "b", "callCount": 12}]}',
    b'[{"parent": "a", "child": "b", "callCount": 12, "errorCount": 1}]',
    b"caller,callee,weight,callee_kind\ncart,db,2,database\nweb,cart,,\n",
    b"""apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: cart}
spec: {type: service, dependsOn: ["resource:default/orders-db"], consumesApis: [pay]}
---
kind: Component
metadata: {name: payments}
spec: {providesApis: [pay], dependencyOf: ["component:web"]}
""",
)
GRAPH_WORDS = (
    *PATTERN_WORDS,
    b"edges", b"components", b"caller", b"callee", b"kind", b"name", b"weight", b"parent",
    b"child", b"data", b"spec", b"metadata", b"dependsOn", b'"', b",", b"callCount",
)  # fmt: skip
MEMBERS = (
    "trace_hi", "trace_lo", "span_id", "parent_id", "start_ns", "end_ns", "kind", "status",
    "resource", "attributes", "name", "link_row", "link_trace_hi", "link_trace_lo", "link_span_id",
    "resources", "attribute_sets", "names", "series", "time_ms", "value", "table",
)  # fmt: skip


def _members(archive: bytes) -> bytes:
    """An .npz as numbered fields, one a member, for mutations that keep the zip whole."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return put_together(
            [
                (number or len(MEMBERS), 2, opened.read(f"{name}.npy"))
                for number, name in enumerate(MEMBERS)
                if f"{name}.npy" in opened.namelist()
            ]
        )


_SPANS_NPZ = spans_to_npz(decode_spans(SPANS[0]))
_METRICS_NPZ = metrics_to_npz(decode_metrics(METRICS[0]))
NPZ = (_SPANS_NPZ, _METRICS_NPZ, _members(_SPANS_NPZ), _members(_METRICS_NPZ))
NPZ_WORDS = (
    b"\x93NUMPY\x01\x00",
    b"'descr': '|O'",
    b"'shape': (9,), ",
    b"<f8",
    b"<i4",
    b"PK\x05\x06",
)
RECORDING_FILES = (
    "recording.json", "alerts.jsonl", "changes.jsonl", "diagnostics.jsonl", "graph.json",
    "truth.json",
)  # fmt: skip
_HEAD = {
    "format": 1, "environment": "prod", "start_ms": T0, "end_ms": T0 + 1000,
    "resolution_seconds": 1.0, "provenance": {"set": "own"},
}  # fmt: skip
RECORDINGS = (
    dumps({"recording.json": _HEAD}),
    dumps(
        {
            "recording.json": _HEAD,
            "alerts.jsonl": {"arrived_ms": T0, "value": s.WEBHOOK_ALERT},
            "changes.jsonl": '{"arrived_ms":1,"base64":"AAEC"}\n{"arrived_ms":2,"value":[1]}',
            "graph.json": {"edges": [{"caller": "a", "callee": "b"}]},
            "truth.json": {
                "faults": [
                    {
                        "component": "db", "pattern": "db_sql.pg.lock_wait", "start_ms": 1,
                        "end_ms": 2, "details": {},
                    }
                ]
            },
        }
    ),
)  # fmt: skip
SNAPSHOTS = (worlds.snapshot_records(),)
CORRELATOR_STATES = (worlds.correlator_state(),)
SPAN_STATES = (worlds.as_json(worlds.span_state()),)
METRIC_STATES = (worlds.as_json(worlds.metric_state()),)

SETTINGS_FILES = (
    b"""[kafka]
bootstrap = "kafka:9092"
compression = "zstd"
[resolver]
environment_labels = ["cluster"]
[[resolver.rules]]
label = "pod"
regex = "(\\\\w+)-.*"
replacement = "\\\\1"
[pipeline.grouping]
gap_seconds = 300.0
[worker]
roles = ["reduce", "correlate"]
[limits]
json_depth = 32
[notifier]
webhook_url = "https://chat.example/hook"
[gateway]
port = 0
token = "secret"
""",
)
SETTINGS_ENVIRONMENTS = (
    b"ROOTLINE_BOOTSTRAP=kafka:9092\nROOTLINE_WORKER__ROLES=reduce,correlate\n"
    b'ROOTLINE_RESOLVER__RULES=[{"label":"pod","regex":"a.*","replacement":"b"}]\n'
    b"ROOTLINE_PIPELINE__GROUPING__GAP_SECONDS=300\nROOTLINE_GATEWAY__PORT=0\nHOME=/home/me\n"
    b"ROOTLINE_GATEWAY__ALLOW_ANONYMOUS=yes\nROOTLINE_NOTIFIER__WEBHOOK_URL=https://a.example/x",
)
SETTINGS_WORDS = (
    b"[kafka]", b"[worker]", b"[limits]", b"[notifier]", b"[gateway]", b"[broker]", b"[pipeline]",
    b"[reduce]", b"[[resolver.rules]]", b"ROOTLINE_WORKER__", b"ROOTLINE_", b"__", b"true", b"inf",
    b"nan", b"-1", b"0", b"1e9", b"[]", b"{}", b'"', b"'''", b"1979-05-27", b"max_message_bytes",
    b"stuck_seconds", b"port", b"host", b"token", b"pane_seconds",
)  # fmt: skip
RESOLVER_RULES = (
    b"pay-(\\w+)-.*\npayments-\\1\npay-eu-77",
    b"(?P<name>[a-z]+(?:-[a-z]+)*)-\\d{1,4}\n\\g<name>\n" + b"a-" * 100 + b"1",
    b"(a|b)?c{2,5}[^x]\\.y\nz\nacc.y",
)
REGEX_WORDS = (
    b"(a+)+", b"(a|a)*", b".*", b".*?", b"(?:", b"(?=", b"(?!", b"(?<=", b"(?P<n>", b"\\1",
    b"{0,99}", b"{1000}", b"[^", b"]", b"\\w", b"\\d+", b"\\b", b"$", b"^", b"|", b"*+", b"(?>",
    b"(?i)", b"\\g<1>",
)  # fmt: skip
BODIES = (
    b"\x02" + ALERTS[0],
    b"\x00" + gzip.compress(ALERTS[0], mtime=0),
    b"\x07" + CHANGES[1],
    b"\x0a" + gzip.compress(SPANS[0], mtime=0),
    b"\x0b" + zlib.compress(SPANS[1]),
    b"\x0f" + gzip.compress(METRICS[0], mtime=0),
)

IMPORT_WORDS = (
    b"time", b"Time", b"TraceID", b"SpanID", b"root", b"nan", b"inf", b"-inf", b"1e400", b'"',
    b",", b"index", b"anomaly_type", b"instance", b"node", b"metric", b"startTime", b"duration",
    b"99999999999999999999", b"-1", b"2023-13-45 99:99:99", b"inject_time",
)  # fmt: skip
_SECONDS = T0 // 1000
IMPORTED: dict[str, tuple[bytes, ...]] = {
    "import_csv": (b"time,a,b\n1,2,3\n2,,4\n",),
    "import_petshop_metrics": (
        b"microservice,web,db\nmetric,latency,errors\nstatistic,Average,Sum\n,,\n"
        b"0,1,2\n300,3,4\n600,,5\n",
    ),
    "import_petshop_graph": (b",a,b\na,0,1\nb,0,0\n",),
    "import_petshop_target": (
        b'{"target": {"node": "web", "metric": "latency", "timestamp": 12.5},'
        b' "root_cause": {"node": "db"}, "metadata": {"reproducibility": {"command": "x"}}}',
    ),
    "import_nezha_faults": (
        b'{"10": [{"inject_time": "2023-01-29 08:41:09", "inject_pod": "web-5b9c7d8f6c-abcde",'
        b' "inject_type": "cpu"}]}',
    ),
    "import_nezha_spans": (
        b"TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration\n"
        b"ab,01,root,web-5b9c7d8f6c-abcde,GET /,1788256800000000000,1788256800100000000,1\n"
        b"ab,02,01,cart-5b9c7d8f6c-abcde,hipstershop.Cart/Get,1788256800010000000,1788256800090000000,1\n",
    ),
    "import_nezha_metrics": (
        b"Time,TimeStamp,PodName,CpuUsage(m),PodServerLatencyP90(s),PodWorkload(Ops)\n"
        b"2023-01-29 08:41:09.858280782 +0000 UTC m=+0.93,1,web-1,12,0.5,3\n"
        b"2023-01-29 08:42:09 +0800 CST,1,web-1,13,,4\n",
    ),
    "import_rcaeval_metrics": (
        b"time,cart_cpu,cart_latency-90,cart_workload,cart_mem,db_cpu\n%d,1,20,3,4,5\n%d,2,30,3,,5\n"
        % (_SECONDS, _SECONDS + 1),
    ),
    "import_rcaeval_traces": (
        b"traceID,spanID,serviceName,methodName,startTimeMillis,startTime,duration,statusCode,parentSpanID\n"
        b"ab,01,cart,Get,%d,%d,100,200,\nab,02,db,Query,%d,%d,50,503.0,01\n"
        % (T0, T0 * 1000, T0, T0 * 1000 + 10),
    ),
    "import_rcaeval_time": (b"%d\n" % _SECONDS,),
    "import_tvdiag_labels": (b"index,instance,anomaly_type,data_type\n1,db-0,[cpu],test\n",),
    "import_tvdiag": (
        dumps(
            {
                "label.csv": "index,instance,anomaly_type,data_type\n1,db-0,[cpu],test\n",
                "raw/nodes.json": {"1": ["db-0", "web-1"]},
                "raw/edges.json": {"1": [[0, 1], [1, 0]]},
                "raw/metrics.json": {
                    "1": [["db-0", "host", "cpu", "up"], ["web-1", "mem", "down"]]
                },
                "raw/traces.json": {"1": [["web-1", "db-0", "GET", "PD"]]},
                "raw/logs.json": {"1": [["web-1", "timeout <*>"]]},
            }
        ),
    ),
}
