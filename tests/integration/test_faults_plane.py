#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Ports that do not come up or do not know their speed, too few packet buffers, no memory of EAL's, no hugepages, no rights.

usage: test_faults_plane.py WIREMILL_TRAIN WIREMILL WIREMILL_COMPARE SHIM
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import claims
import faults
import little_capture

TRAIN, MILL, _, SHIM = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:5])
FOLDER = tempfile.TemporaryDirectory()
M = str(pathlib.Path(FOLDER.name, "m"))


def sending(*words, memory=("--no-huge", "-m", "256"), vdev="net_null0"):
    cores = sorted(os.sched_getaffinity(0))
    return [MILL, "--lcores", f"0@{cores[0]},1@{cores[-1]}", *memory, "--no-pci", "--no-telemetry", "--no-shconf", "--log-level",
            "error", "--vdev", vdev, "--", "-m", "m", "-n", "20000", "-r", "max", "--stats-json", "x.json", *words]


def refused(run, *names):
    """One sentence, and no statistics of a run that never was."""
    run.leaves_nothing_half_done()
    said = run.said[-1]
    assert run.status in (1, 2) and said.startswith("wiremill: ") and all(name in said for name in names), run.what()
    assert "x.json" not in run.files, run.what()


def a_port_that_does_not_come_up_is_named():
    for call in ("configure", "rx_queue", "tx_queue", "start"):
        refused(faults.Run(sending(), [M], SHIM, calls=call, at=1), "net_null0")
    refused(faults.Run(sending(), [M], SHIM, calls="pool", at=1, more=1), "memory")


def a_share_of_a_speed_that_no_port_knows_is_refused():
    run = faults.Run(sending("-r", "50%"), [M], SHIM, speed=2**32 - 1, at=0)
    refused(run, "port net_null0 does not know its speed: give the rate in bps instead of %")
    run = faults.Run(sending("-r", "50%"), [M], SHIM, speed=10, at=0)
    assert run.status == 0 and json.loads(run.files["x.json"])["packets"] == 20000, run.what()


def memory_of_eal_that_is_short_is_told_wherever_it_is_asked_for():
    command = sending("--receive", "--underflow", "recycle", vdev="net_ring0")
    for at in range(1, 100):
        run = faults.Run(command, [M], SHIM, calls="memory", at=at, more=1)
        if run.status == 0:
            break
        refused(run, "no memory for")
    assert 10 < at < 99, at


def too_few_packet_buffers_are_waited_for_and_counted():
    run = faults.Run(sending("--receive", vdev="net_ring0"), [M], SHIM, pool=256, at=0)
    assert run.status == 0, run.what()
    stats = json.loads(run.files["x.json"])
    assert stats["packets"] == stats["fresh"] == 20000 and stats["generated"] == stats["fresh"] + stats["unused"], stats
    assert stats["no_mbuf"] > 0, stats


def without_hugepages_the_sentence_says_who_would_not_start():
    pages = pathlib.Path("/sys/kernel/mm/hugepages")
    if any(int(path.read_text(encoding="utf-8")) for path in pages.glob("*/nr_hugepages")):
        raise claims.Skip("there are hugepages here")
    run = faults.Run(sending(memory=()), [M], SHIM, at=0)
    refused(run, "EAL (DPDK) did not start")


def who_is_not_root_can_send_on_virtual_ports():
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        raise claims.Skip("there is no setpriv")
    drop = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        shutil.copy(M, folder)
        os.chmod(pathlib.Path(folder, "m"), 0o444)
        if subprocess.run([*drop, MILL, "--version"], check=False, capture_output=True).returncode != 0:
            raise claims.Skip("others may not run the program here")
        done = subprocess.run([*drop, *sending()], cwd=folder, capture_output=True, encoding="utf-8", check=False,
                              timeout=faults.LIMIT_S, env={**os.environ, "XDG_RUNTIME_DIR": folder})
        assert done.returncode == 0, done.stderr
        assert json.loads(pathlib.Path(folder, "x.json").read_text(encoding="utf-8"))["packets"] == 20000


with FOLDER:
    os.chmod(FOLDER.name, 0o755)
    pathlib.Path(FOLDER.name, "a.pcap").write_bytes(little_capture.pcap(12)[0])
    subprocess.run([TRAIN, "a.pcap", "-o", M, "-q", "--time-limit", "2"], cwd=FOLDER.name, check=True, capture_output=True,
                   timeout=faults.LIMIT_S)
    claims.run("faults of the plane", [
        a_port_that_does_not_come_up_is_named,
        a_share_of_a_speed_that_no_port_knows_is_refused,
        memory_of_eal_that_is_short_is_told_wherever_it_is_asked_for,
        too_few_packet_buffers_are_waited_for_and_counted,
        without_hugepages_the_sentence_says_who_would_not_start,
        who_is_not_root_can_send_on_virtual_ports,
    ])
