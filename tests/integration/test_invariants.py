#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What always holds (lib/README.md), on a model of real traffic: the mix that tests/captures holds.

usage: test_invariants.py WIREMILL_TRAIN WIREMILL ALONE CAPTURE LIBRARY...
"""

import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import claims

TRAIN, MILL, ALONE, CAPTURE, *LIBRARIES = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:])
LIMIT_S = 120 * claims.PATIENCE  # for a machine that does other things too
FOLDER = tempfile.TemporaryDirectory()
MODEL = str(pathlib.Path(FOLDER.name, "mix.wm"))
OUTPUTS = ["x.pcap", "x.csv", "x.labels"]


def run(*command, **env):
    return subprocess.run(command, cwd=FOLDER.name, capture_output=True, check=True, timeout=LIMIT_S,
                          env={**os.environ, **env})


def mill(*words, **env):
    """The bytes of all outputs, and what standard error says."""
    said = run(MILL, "-m", MODEL, "-o", OUTPUTS[0], "--csv", OUTPUTS[1], "--labels", OUTPUTS[2], *words, **env).stderr
    return [pathlib.Path(FOLDER.name, name).read_bytes() for name in OUTPUTS], said.decode()


def same_seed_gives_the_same_bytes_whatever_the_workers_and_the_instruction_set():
    want, _ = mill("-n", "20000", "-w", "1")
    for words in (["-w", "1"], ["-w", "4"], ["-w", "7"]):
        assert mill("-n", "20000", *words)[0] == want, words
    used = set()
    for kernels in "scalar", "avx2", "avx512":
        got, said = mill("-n", "20000", "-w", "2", WIREMILL_KERNELS=kernels)
        used.add(re.search(r"(\w+) kernels$", said.strip()).group(1))
        assert got == want, f"{said}: other bytes"
    assert "scalar" in used, used
    assert mill("-n", "20000", "-s", "2")[0][0] != want[0]


def resident_kb(*words):
    """The most memory that a run has taken at a time."""
    process = subprocess.Popen([MILL, "-m", MODEL, "-o", "/dev/null", *words], cwd=FOLDER.name,
                               stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_maxrss


def memory_does_not_grow_with_the_length_of_a_run():
    little, much = resident_kb("-n", "200000", "-w", "2"), resident_kb("-n", "3000000", "-w", "2")
    assert much < little * 1.25 + 8192, f"{little} kB for 200,000 packets, {much} kB for 3,000,000"
    assert much < 300 * 1024, f"{much} kB"


def complaints(capture):
    """(times in ns, {message: how often}) of a dissector that checks everything; notes and chats do not count."""
    checks = [word for name in ("ip", "tcp", "udp") for word in ("-o", f"{name}.check_checksum:TRUE")]
    fields = ["-T", "fields", "-E", "aggregator=|", "-e", "frame.time_epoch", "-e", "_ws.expert.severity", "-e",
              "_ws.expert.message"]
    lines = run("tshark", "-n", "-r", capture, *checks, *fields).stdout.decode().splitlines()
    times, found = [], collections.Counter()
    for line in lines:
        time, severities, messages = line.split("\t")
        times.append(int(time.replace(".", "")))
        for severity, message in zip(severities.split("|"), messages.split("|")):
            if severity and int(severity) >= 0x600000:  # warnings and errors
                found[message[:40]] += 1
    return times, found


def a_strict_dissector_finds_time_in_order_right_checksums_and_little_to_complain_about():
    if shutil.which("tshark") is None:
        raise claims.Skip("there is no tshark")
    real_times, real = complaints(CAPTURE)
    mill("-n", str(len(real_times)))
    times, milled = complaints("x.pcap")
    assert len(times) == len(real_times) and times == sorted(times)
    assert not [message for message in milled if "checksum" in message.lower()], milled
    assert sum(milled.values()) <= sum(real.values()) + len(times) // 100, f"real: {real}, milled: {milled}"


def every_packet_is_accounted_for():
    outputs, _ = mill("-n", "30000", "--stats-json", "x.json")
    stats = json.loads(pathlib.Path(FOLDER.name, "x.json").read_text(encoding="utf-8"))
    assert stats["generated"] == stats["packets"] + stats["unused"], stats
    assert stats["packets"] == stats["fresh"] + stats["recycled"] == 30000, stats
    flows = [line.split(",") for line in outputs[2].decode().splitlines()[1:]]
    assert sum(int(row[9]) for row in flows) == 30000
    rows = [line.split(",") for line in outputs[1].decode().splitlines()[1:]]  # of what has IP addresses
    assert sum(int(row[10]) for row in rows) == sum(int(row[9]) for row in flows if row[6] != "0x0806")
    assert sum(model["packets"] for model in stats["models"]) == 30000, stats


def a_generator_writes_no_model_makes_no_system_call_and_allocates_nothing():
    done = subprocess.run([ALONE, MODEL], capture_output=True, check=False, timeout=LIMIT_S)
    if done.returncode == 77:
        raise claims.Skip(done.stderr.decode().strip())
    assert done.returncode == 0, (done.returncode, done.stderr.decode())


def libraries_never_print_and_never_exit():
    forbidden = re.compile(r"\b(_?_?v?printf(_chk)?|puts|putchar|perror|v?warnx?|v?errx?|_?_?exit|_Exit|quick_exit|abort|"
                           r"stdout|stderr|rte_exit|rte_panic_?)$")
    assert len(LIBRARIES) > 8, LIBRARIES
    for library in LIBRARIES:
        for line in run("nm", "-A", "--undefined-only", library).stdout.decode().splitlines():
            assert not forbidden.search(line), line


with FOLDER:
    run(TRAIN, CAPTURE, "-o", MODEL, "--time-limit", "30", "-q")
    claims.run("what always holds", [
        same_seed_gives_the_same_bytes_whatever_the_workers_and_the_instruction_set,
        memory_does_not_grow_with_the_length_of_a_run,
        a_strict_dissector_finds_time_in_order_right_checksums_and_little_to_complain_about,
        every_packet_is_accounted_for,
        a_generator_writes_no_model_makes_no_system_call_and_allocates_nothing,
        libraries_never_print_and_never_exit,
    ])
