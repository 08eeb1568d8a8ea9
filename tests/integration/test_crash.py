#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 at random moments: what was written before is there, and whole.

usage: test_crash.py WIREMILL_TRAIN WIREMILL
"""

import os
import pathlib
import pty
import random
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time

import claims
import little_capture
import safetensors_file

TRAIN, MILL = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:3])
LIMIT_S = 120 * claims.PATIENCE  # for a machine that does other things too
FOLDER = tempfile.TemporaryDirectory()
N_KILLS = 6
PER_S = 200  # packets that a slow capture brings


def place(name):
    return pathlib.Path(FOLDER.name, name)


def train(*words):
    return subprocess.run([TRAIN, "a.pcap", "-o", "m", "-t", "1", *words], cwd=FOLDER.name, capture_output=True,
                          encoding="utf-8", check=True, timeout=LIMIT_S, env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"})


def killed_training(after_s, *words):
    """Train on a terminal, kill it after a while. @return (epoch told last, epochs), or None if it had ended."""
    master, slave = pty.openpty()
    process = subprocess.Popen([TRAIN, "a.pcap", "-o", "m", "-t", "1", *words], cwd=FOLDER.name, stdout=subprocess.DEVNULL,
                               stderr=slave, env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"})
    os.close(slave)
    seen, end = b"", time.monotonic() + after_s
    try:
        while (left := end - time.monotonic()) > 0 and process.poll() is None:
            if select.select([master], [], [], min(left, 0.1))[0]:
                try:
                    seen += os.read(master, 65536)
                except OSError:  # it has closed its end
                    process.wait(timeout=LIMIT_S)
        ended = process.poll() is not None
    finally:
        process.kill()
        process.wait()
        os.close(master)
    told = re.findall(rb"epoch (\d+) of (\d+)", seen)
    return None if ended else (int(told[-1][0]), int(told[-1][1])) if told else (0, 1)


def checkpointed_epoch():
    return safetensors_file.read(place("m.ckpt").read_bytes())[1]["counters"][2][1] if place("m.ckpt").exists() else 0


def training_loses_at_most_what_lies_between_two_checkpoints():
    place("a.pcap").write_bytes(little_capture.pcap(100)[0])
    begin = time.monotonic()
    train("-q")
    took_s, whole = time.monotonic() - begin, place("m").read_bytes()
    rng, resumed, older = random.Random(1), 0, b"an older model"
    for i in range(N_KILLS):
        if i % 2 == 0:  # else what is left of the last time goes on
            place("m").write_bytes(older)
            place("m.ckpt").unlink(missing_ok=True)
        before = checkpointed_epoch()
        told = killed_training(rng.uniform(0.05, 0.9) * took_s, *(["--resume"] if i % 2 else []))
        assert place("m").read_bytes() in (older, whole), "a model that is neither the old nor the new one"
        if told is not None:
            every = -(-told[1] // 30)
            assert checkpointed_epoch() >= max(before, told[0] - every), f"told {told}, kept {checkpointed_epoch()}"
        resumed += place("m.ckpt").exists()
    train("--resume", "-q")
    assert place("m").read_bytes() == whole, "resumed training ends with another model"
    assert resumed >= 2, resumed


def records(data):
    """[(time in ns, frame)] that are whole."""
    at, found = 24, []
    while at + 16 <= len(data):
        s, ns, kept, _ = struct.unpack_from("<IIII", data, at)
        if at + 16 + kept > len(data):
            break
        found.append((s * 10**9 + ns, data[at + 16:at + 16 + kept]))
        at += 16 + kept
    return found


def milled(words, size):
    """So many bytes at least, and behind them what was on its way when the run was told to end."""
    place("want.pcap").unlink(missing_ok=True)
    process = subprocess.Popen([MILL, *words, "-o", "want.pcap"], cwd=FOLDER.name, stderr=subprocess.DEVNULL)
    until = time.monotonic() + LIMIT_S
    while not (place("want.pcap").exists() and place("want.pcap").stat().st_size > 24 + size) and time.monotonic() < until:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    process.wait(LIMIT_S)
    return place("want.pcap").read_bytes()


def milling_keeps_what_was_written():
    words = ["-m", "m", "-o", "x.pcap", "--csv", "x.csv", "--labels", "x.labels", "-w", "2"]
    rng = random.Random(2)
    for _ in range(N_KILLS):
        for name in ("x.pcap", "x.csv", "x.labels"):
            place(name).unlink(missing_ok=True)
        process = subprocess.Popen([MILL, *words], cwd=FOLDER.name, stderr=subprocess.DEVNULL)
        until = time.monotonic() + LIMIT_S
        while not (place("x.labels").exists() and place("x.labels").stat().st_size > 70000) and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.3))
        process.kill()
        process.wait()
        found = records(place("x.pcap").read_bytes())
        assert len(found) > 1000 and all(a[0] <= b[0] for a, b in zip(found, found[1:]))
        for name, columns in (("x.csv", 13), ("x.labels", 11)):
            *lines, rest = place(name).read_text(encoding="utf-8").split("\n")
            # The kernel may have been in the middle of writing: that alone can be cut short.
            assert rest.count(",") < columns and all(line.count(",") == columns - 1 for line in lines), f"{name}: {lines[-1]}"
        assert records(milled(words[:2], sum(16 + len(frame) for _, frame in found)))[:len(found)] == found


def what_came_in_a_second_ago_is_in_the_files():
    capture = little_capture.pcap(400)[0]
    # Stretched, so that flows which are closed are over (5 s later) while it runs.
    frames = records(capture)
    start = frames[0][0]
    frames = [(start + 50 * (at - start), frame) for at, frame in frames]
    process = subprocess.Popen([MILL, "--replay", "-", "-o", "x.pcap", "--labels", "x.labels"], cwd=FOLDER.name,
                               stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        process.stdin.write(capture[:24])
        given = []  # when each packet was
        end = time.monotonic() + 3.7
        while time.monotonic() < end:
            at, frame = frames[len(given)]
            process.stdin.write(struct.pack("<IIII", at // 10**9, at % 10**9, len(frame), len(frame)) + frame)
            process.stdin.flush()
            given.append(time.monotonic())
            time.sleep(1 / PER_S)
    finally:
        process.kill()
        killed = time.monotonic()
        process.wait()
        process.stdin.close()
    found = records(place("x.pcap").read_bytes())
    old = sum(killed - t > 1.2 for t in given)  # a second, and what a busy machine takes
    assert old > PER_S // 4 and len(found) >= old, f"{len(found)} of {len(given)} are there, {old} came more than a second ago"
    assert [frame for _, frame in found] == [frame for _, frame in frames[:len(found)]]
    labels = place("x.labels").read_text(encoding="utf-8")
    assert labels.startswith("start,end,") and labels.endswith("\n") and labels.count("\n") > 2, labels
    # Flows that have ended and those in flight have all packets between them; what is in both has ended.
    flows = {}
    for name in ("x.labels.open", "x.labels"):
        for line in place(name).read_text(encoding="utf-8").splitlines()[1:]:
            fields = line.split(",")
            flows[fields[0], *fields[2:7]] = int(fields[9])
    assert old <= sum(flows.values()) <= len(found), (old, sum(flows.values()), len(found))


with FOLDER:
    claims.run("crashes", [
        training_loses_at_most_what_lies_between_two_checkpoints,
        milling_keeps_what_was_written,
        what_came_in_a_second_ago_is_in_the_files,
    ])
