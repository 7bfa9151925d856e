import json
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

COMMAND = [sys.executable, "-m", "agents", "gateway"]


@pytest.mark.integration
def test_command_prints_one_ready_line_serves_and_ends_on_sigterm(tmp_path):
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--json"],
        cwd=tmp_path,
        env={"ROOTLINE_BOOTSTRAP": "127.0.0.1:1", "ROOTLINE_GATEWAY__TOKEN": "hush-hush"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        ready = json.loads(process.stdout.readline())
        assert ready["bootstrap"] == "127.0.0.1:1"
        with urllib.request.urlopen(f"{ready['url']}/healthz") as answer:  # noqa: S310 - ours
            assert json.loads(answer.read())["ok"]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait(10)
    assert process.returncode == 0
    assert out == ""
    assert "hush-hush" not in err
    lines = [json.loads(line) for line in err.splitlines()]
    assert lines[0]["message"] == "effective configuration"
    assert lines[0]["settings"]["gateway"]["token"] == "(hidden)"
    assert sum(line["message"] == "Kafka is away" for line in lines) == 1


def refused(arguments: list[str], folder) -> str:
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    return done.stderr.splitlines()[-1]


def test_address_that_others_reach_is_refused_without_a_token(tmp_path):
    assert "allow_anonymous" in refused(["--host", "0.0.0.0"], tmp_path)


def test_port_that_is_taken_is_said_in_a_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sentence = refused(["--port", str(port)], tmp_path)
    assert f"cannot listen on 127.0.0.1:{port}" in sentence
    assert "--port" in sentence
