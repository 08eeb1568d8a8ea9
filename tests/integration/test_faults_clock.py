#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The time of day is set an hour on and back all the time: nothing that is measured or paced takes notice.

usage: test_faults_clock.py WIREMILL_TRAIN WIREMILL WIREMILL_COMPARE SHIM
"""

import json
import os
import pathlib
import sys
import tempfile
import time

import claims
import faults
import little_capture

TRAIN, MILL, _, SHIM = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:5])
FOLDER = tempfile.TemporaryDirectory()
A = str(pathlib.Path(FOLDER.name, "a.pcap"))


def the_shim_steps_the_time_of_day():
    now = ["/usr/bin/python3", "-c", "import sys, time; [print(time.time(), file=sys.stderr) or time.sleep(.05) for _ in range(20)]"]
    times = [float(line) for line in faults.Run(now, [], SHIM).said]
    assert max(times) - min(times) > 3000 and times != sorted(times), times


def a_rate_on_ports_is_kept():
    cores = sorted(os.sched_getaffinity(0))
    eal = ["--lcores", f"0@{cores[0]},1@{cores[-1]}", "--no-huge", "-m", "256", "--no-pci", "--no-telemetry", "--no-shconf",
           "--log-level", "error", "--vdev", "net_null0", "--"]
    run = faults.Run([MILL, *eal, "--replay", "a.pcap", "--loop", "0", "-r", "5kpps", "-d", "2", "--stats", "0.2", "--stats-json",
                      "x.json"], [A], SHIM)
    assert run.status == 0, run.what()
    stats = json.loads(run.files["x.json"])
    assert abs(stats["packets"] - 10000) < 500 and 1.9 < stats["wall_s"] < 4, stats
    assert 8 < sum("packets sent" in line for line in run.said) < 14, run.said


def a_time_limit_is_kept():
    begin = time.monotonic()
    run = faults.Run([TRAIN, "a.pcap", "-o", "m", "--time-limit", "2"], [A], SHIM)
    assert run.status == 0 and "m" in run.files, run.what()
    assert time.monotonic() - begin < 12, f"{time.monotonic() - begin:.1f} s"


with FOLDER:
    pathlib.Path(A).write_bytes(little_capture.pcap(40)[0])
    claims.run("faults of the clock", [the_shim_steps_the_time_of_day, a_rate_on_ports_is_kept, a_time_limit_is_kept])
