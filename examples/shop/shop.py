"""The load generator: plays the shop in real time, and can be broken.

OTLP goes to OTEL_EXPORTER_OTLP_ENDPOINT; Prometheus scrapes /metrics. `POST /break` and
`POST /mend` do what they say:

    python examples/shop/shop.py --port 8000
    curl -X POST localhost:8000/break
"""

import argparse
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from traffic import DATABASE, POOL_SIZE, Shop


def metrics_page(shop: Shop) -> str:
    """What Prometheus scrapes, in its text format."""
    now = shop.readings
    lines = [
        f'http_requests_total{{service="{name}"}} {count}' for name, count in now.requests.items()
    ]
    lines += [
        f'http_request_errors_total{{service="{name}"}} {count}'
        for name, count in now.errors.items()
    ]
    database = f'instance="{DATABASE}:9104"'
    lines += [
        f'http_request_slowest_seconds{{service="checkout"}} {now.slowest_seconds:.3f}',
        f"mysql_global_status_threads_connected{{{database}}} {now.used}",
        f"mysql_global_variables_max_connections{{{database}}} {POOL_SIZE}",
    ]
    return "\n".join(lines) + "\n"


def handler_of(shop: Shop) -> type[BaseHTTPRequestHandler]:
    """The HTTP side of a shop."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, metrics_page(shop)) if self.path == "/metrics" else self._none()

        def do_POST(self) -> None:
            if self.path not in {"/break", "/mend"}:
                return self._none()
            shop.broken = self.path == "/break"
            return self._answer(200, "broken\n" if shop.broken else "mended\n")

        def _none(self) -> None:
            self._answer(404, "GET /metrics, POST /break, POST /mend\n")

        def _answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_arguments: object) -> None:
            """Say nothing of each request."""

    return Handler


def main() -> None:
    """Play until interrupted or terminated."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 takes any free one")
    parser.add_argument("--requests", type=int, default=5, help="customers a second")
    chosen = parser.parse_args()
    endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:8088")
    shop = Shop(endpoint.rstrip("/"), metric_interval_ms=5000)
    server = ThreadingHTTPServer((chosen.host, chosen.port), handler_of(shop))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    sys.stdout.write(f"ready on http://{chosen.host}:{server.server_port}\n")
    sys.stdout.flush()
    while not stopping.wait(1.0):
        # What lies in the past by the longest request has ended by now.
        shop.play(time.time_ns() - 4_000_000_000, chosen.requests)
    server.shutdown()
    shop.close()


if __name__ == "__main__":
    main()
