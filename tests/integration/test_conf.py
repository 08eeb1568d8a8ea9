#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every example in conf/ does what its first lines say, on ports that need no device; the bench for an IDS from end to end.

usage: test_conf.py WIREMILL PROJECT
"""

import collections
import csv
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import claims

WIREMILL, PROJECT = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
CONF = PROJECT / "conf"
FOLDER = tempfile.TemporaryDirectory()
LIMIT_S = 200 * claims.PATIENCE


def place(name):
    return pathlib.Path(FOLDER.name, name)


def run(*command, status=0):
    done = subprocess.run([str(word) for word in command], capture_output=True, encoding="utf-8", check=False, timeout=LIMIT_S,
                          cwd=FOLDER.name)
    assert done.returncode == status, f"{command}: status {done.returncode}: {done.stderr}"
    return done


def on_ports(example, n_ports, n_lcores, *words):
    """What the statistics say of a short run of an example on ports that take everything."""
    cores = sorted(os.sched_getaffinity(0))
    ports = [word for i in range(n_ports) for word in ("--vdev", f"net_null{i}")]
    lcores = ",".join(f"{i}@{cores[i % len(cores)]}" for i in range(n_lcores))
    run(WIREMILL, "--lcores", lcores, "--no-huge", "-m", 512, "--no-pci", "--no-telemetry", "--log-level", "error",
        "--file-prefix", f"wmconf{os.getpid()}-{time.monotonic_ns()}", *ports, "--", "-c", CONF / example,
        "--stats-json", "stats.json", *words)
    stats = json.loads(place("stats.json").read_text(encoding="utf-8"))
    assert stats["packets"] > 0
    return stats


def table(name):
    with open(place(name), encoding="utf-8") as file:
        return list(csv.DictReader(file))


def every_example_is_run_by_a_claim_here():
    text = pathlib.Path(__file__).read_text(encoding="utf-8")
    examples = sorted(path.name for path in CONF.iterdir())
    assert len(examples) >= 5
    for name in examples:
        assert f'"{name}"' in text, name


def a_full_port_gets_fresh_and_recycled_packets():
    stats = on_ports("10g.conf", 1, 4, "-n", 3000000, "--recycle-samples", 16384, "--control", place("socket"))
    assert stats["packets"] == 3000000
    assert stats["recycled"] > 0 and stats["fresh"] > 0


def an_inline_ips_gets_each_direction_on_a_port():
    stats = on_ports("inline-ips.conf", 2, 5, "-d", 2)
    assert len(stats["ports"]) == 2
    assert all(port["packets_per_s"] > 0 for port in stats["ports"]), stats["ports"]


def a_stressed_ids_gets_labelled_attacks_in_a_test_network():
    stats = on_ports("ids-stress.conf", 1, 3, "-r", "x40")
    flows = table("ids-stress-labels.csv")
    assert {flow["label"] for flow in flows} >= {"benign", "scan", "flood"}
    addresses = {flow["src"] for flow in flows if "." in flow["src"] and flow["proto"] == "TCP"}
    assert addresses and all(address.startswith("198.18.") for address in addresses), addresses
    starts = [float(flow["start"]) for flow in flows if flow["label"] == "flood"]
    first = min(float(flow["start"]) for flow in flows)
    # Where the lcore was taken away for long, what is still to come goes out that much later.
    assert 170 / 40 < min(starts) - first < 200 / 40 + stats["shift_s"], (min(starts) - first, stats["shift_s"])


def ci_gets_the_same_capture_every_time():
    made = []
    for _ in range(2):
        run(WIREMILL, "-c", CONF / "ci.conf")
        made.append([place(name).read_bytes() for name in ("milled.pcap", "flows.csv", "labels.csv")])
    assert made[0] == made[1]
    assert {flow["label"] for flow in table("labels.csv")} == {"http", "names"}
    assert json.loads(place("stats.json").read_text(encoding="utf-8"))["packets"] == 20000


def alerts(capture):
    """A detector that knows nothing of the labels: who connects to many ports, often to one, or to one again and again."""
    text = run("tcpdump", "-nn", "-tt", "-r", capture, "ip and tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn").stdout
    seen = collections.defaultdict(list)
    for when, src, dst, port in re.findall(r"^(\S+) IP (\d+\.\d+\.\d+\.\d+)\.\d+ > (\d+\.\d+\.\d+\.\d+)\.(\d+):", text, re.M):
        seen[src, dst, int(float(when) / 10)].append((float(when), int(port)))
    for (src, dst, _), tries in sorted(seen.items()):
        ports = collections.Counter(port for _, port in tries)
        name = ("many ports" if len(ports) > 40 else "flood" if len(tries) > 200 else
                "passwords" if ports[21] + ports[22] > 4 else None)
        if name is not None:
            yield {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000000+0000", time.gmtime(tries[-1][0])), "event_type": "alert",
                   "src_ip": src, "dest_ip": dst, "proto": "TCP", "alert": {"signature": name}}


def the_bench_for_an_ids_finds_what_a_detector_detects():
    run(WIREMILL, "-c", CONF / "ids-bench.conf", "-o", "bench.pcap")
    times = collections.defaultdict(list)
    for flow in table("labels.csv"):
        times[flow["label"]].append(float(flow["start"]))
    for label, start, stop in (("scan", 300, 360), ("guess", 420, 540), ("flood", 600, 720)):
        assert start <= min(times[label]) < start + 15 and max(times[label]) < stop, (label, min(times[label]), max(times[label]))
    place("eve.json").write_text("".join(json.dumps(alert) + "\n" for alert in alerts("bench.pcap")), encoding="utf-8")
    found = json.loads(run(PROJECT / "scripts/score-ids", "labels.csv", "eve.json", "--json", "-", "--attack", "scan",
                           "--attack", "guess", "--attack", "flood").stdout)
    for row in found["labels"]:
        assert row["episodes_detected"] > 0, row
    assert {row["label"] for row in found["labels"]} == {"scan", "guess", "flood"}
    assert found["false_alarms"]["alerts"] <= found["alerts"] / 5, found["false_alarms"]


def on_ports_the_bench_writes_the_same_labels():
    on_ports("ids-bench.conf", 1, 3, "-r", "x100")
    assert {flow["label"] for flow in table("labels.csv")} >= {"scan", "guess", "flood"}


if __name__ == "__main__":
    os.symlink(PROJECT / "models", place("models"))
    claims.run("conf", [every_example_is_run_by_a_claim_here, a_full_port_gets_fresh_and_recycled_packets,
                        an_inline_ips_gets_each_direction_on_a_port, a_stressed_ids_gets_labelled_attacks_in_a_test_network,
                        ci_gets_the_same_capture_every_time, the_bench_for_an_ids_finds_what_a_detector_detects,
                        on_ports_the_bench_writes_the_same_labels])
