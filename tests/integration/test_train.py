#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""wiremill-train turns a capture into a model file that says what it was learned from.

usage: test_train.py WIREMILL_TRAIN
"""

import gzip
import hashlib
import os
import pathlib
import pty
import signal
import subprocess
import sys
import tempfile
import time

import claims
import little_capture
import safetensors_file

TRAIN = str(pathlib.Path(sys.argv[1]).resolve())
CAPTURE, N_PACKETS = little_capture.pcap(100)
LIMIT_S = 120 * claims.PATIENCE  # for a machine that does other things too


def train(folder, *words, date="1700000000"):
    env = {**os.environ, "SOURCE_DATE_EPOCH": date}
    return subprocess.run([TRAIN, *words], cwd=folder, capture_output=True, encoding="utf-8", check=False, env=env,
                          timeout=LIMIT_S)


def learned(folder, *words):
    """Train a model m on a.pcap; its bytes."""
    pathlib.Path(folder, "a.pcap").write_bytes(CAPTURE)
    run = train(folder, "a.pcap", "-o", "m", *words)
    assert run.returncode == 0, run.stderr
    assert "\r" not in run.stderr and "\033" not in run.stderr, run.stderr  # no terminal, no bar
    return pathlib.Path(folder, "m").read_bytes()


def a_model_says_what_it_was_learned_from():
    with tempfile.TemporaryDirectory() as folder:
        metadata, tensors, _ = safetensors_file.read(learned(folder, "--time-limit", "5", "-s", "7"))
        assert sorted(os.listdir(folder)) == ["a.pcap", "m"], "the checkpoint or a temporary file was left"
    want = {"format": "wiremill-1", "engine": "necst", "seed": "7", "label": "m", "inputs": "1",
            "date": "2023-11-14T22:13:20Z", "input.0.name": "a.pcap", "packets": str(N_PACKETS),
            "packets_dropped": "0", "flows": "100", "input.0.sha256": hashlib.sha256(CAPTURE).hexdigest()}
    assert want.items() <= metadata.items(), metadata
    assert metadata["tool"].startswith("wiremill ") and metadata["licence"]
    assert int(metadata["duration_ns"]) > 10**9
    assert tensors


def filter_label_and_several_inputs_are_recorded():
    other, n_other = little_capture.pcap(40, seed=2)
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "a.pcap").write_bytes(CAPTURE)
        pathlib.Path(folder, "b.pcap.gz").write_bytes(gzip.compress(other))
        run = train(folder, "-f", "tcp or udp", "a.pcap", "--label", "two", "b.pcap.gz", "-o", "m", "--time-limit", "5")
        assert run.returncode == 0, run.stderr
        metadata, _, _ = safetensors_file.read(pathlib.Path(folder, "m").read_bytes())
    assert metadata["label"] == "two" and metadata["filter"] == "tcp or udp" and metadata["inputs"] == "2"
    assert metadata["input.1.name"] == "b.pcap.gz"
    assert int(metadata["packets"]) + int(metadata["packets_dropped"]) == N_PACKETS + n_other
    assert int(metadata["packets_dropped"]) > 0
    assert f"by the filter {metadata['packets_dropped']}" in run.stdout


def the_same_seed_gives_the_same_bytes_with_any_number_of_threads():
    with tempfile.TemporaryDirectory() as folder:
        one = learned(folder, "-t", "1")
        two = learned(folder, "-t", "2")
        other = learned(folder, "-s", "2")
    assert one == two
    assert safetensors_file.read(one)[1] != safetensors_file.read(other)[1]


def inspect_prints_metadata_and_tensors():
    with tempfile.TemporaryDirectory() as folder:
        metadata, tensors, _ = safetensors_file.read(learned(folder, "--time-limit", "2"))
        run = train(folder, "--inspect", "m")
    assert run.returncode == 0 and run.stderr == ""
    lines = [line.split() for line in run.stdout.splitlines()]
    for key, value in metadata.items():
        assert [key, *value.split()] in lines, key
    for name, (dtype, shape, _) in tensors.items():
        assert any(line[:2] == [name, dtype] and line[2:-1:2] == [str(n) for n in shape or [1]] for line in lines), name


def interrupted(folder, sign):
    """Start training and interrupt it as soon as there is a checkpoint, or after a while; (status, stdout)."""
    big, _ = little_capture.pcap(3000)
    pathlib.Path(folder, "a.pcap").write_bytes(big)
    with subprocess.Popen([TRAIN, "a.pcap", "-o", "m"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8") as process:
        line = process.stdout.readline()  # the summary: signals are caught a little later
        assert line.startswith("packets"), line + process.stderr.read()
        for _ in range(LIMIT_S * 10):
            if pathlib.Path(folder, "m.ckpt").exists() or process.poll() is not None:
                break
            time.sleep(0.1)
        assert process.poll() is None, "training was over before it could be interrupted"
        process.send_signal(sign)
        out, err = process.communicate(timeout=LIMIT_S)
    return process.returncode, out, err


def a_signal_stops_training_and_keeps_the_best_so_far():
    for sign in (signal.SIGINT, signal.SIGTERM):
        with tempfile.TemporaryDirectory() as folder:
            status, out, err = interrupted(folder, sign)
            assert status == 0, err
            assert "--resume" in out, out
            safetensors_file.read(pathlib.Path(folder, "m").read_bytes())
            assert sorted(os.listdir(folder)) == ["a.pcap", "m", "m.ckpt"]
            if sign == signal.SIGTERM:
                run = train(folder, "a.pcap", "-o", "m", "--resume", "-s", "2")
                assert run.returncode == 2 and "m.ckpt" in run.stderr, run.stderr
                assert sorted(os.listdir(folder)) == ["a.pcap", "m", "m.ckpt"]
                run = train(folder, "a.pcap", "-o", "m", "--resume", "--time-limit", "5")
                assert run.returncode == 0, run.stderr
                assert sorted(os.listdir(folder)) == ["a.pcap", "m"]


def the_time_limit_is_obeyed():
    big, _ = little_capture.pcap(3000)
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "a.pcap").write_bytes(big)
        took = []
        for limit in ("0.001", "4"):  # the first one shows what reading and writing take here
            start = time.monotonic()
            run = train(folder, "a.pcap", "-o", "m", "--time-limit", limit)
            took.append(time.monotonic() - start)
            assert run.returncode == 0, run.stderr
    assert took[1] < 4 + 5 + 3 * took[0], took


def on_a_terminal(folder, *words):
    """What a terminal at standard error gets to see."""
    master, slave = pty.openpty()
    with subprocess.Popen([TRAIN, *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=slave) as process:
        os.close(slave)
        seen = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            seen += part
        process.wait(timeout=LIMIT_S)
    os.close(master)
    assert process.returncode == 0
    return seen


def the_bar_is_for_terminals_and_quiet_takes_it_away():
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "a.pcap").write_bytes(CAPTURE)
        seen = on_a_terminal(folder, "a.pcap", "-o", "m", "--time-limit", "3")
        assert b"% [" in seen and b"\n" not in seen and seen.endswith(b"\r\x1b[K"), seen[-200:]
        assert on_a_terminal(folder, "a.pcap", "-o", "m", "--time-limit", "2", "-q") == b""


claims.run("wiremill-train", [
    a_model_says_what_it_was_learned_from,
    filter_label_and_several_inputs_are_recorded,
    the_same_seed_gives_the_same_bytes_with_any_number_of_threads,
    inspect_prints_metadata_and_tensors,
    a_signal_stops_training_and_keeps_the_best_so_far,
    the_time_limit_is_obeyed,
    the_bar_is_for_terminals_and_quiet_takes_it_away,
])
