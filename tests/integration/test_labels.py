#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""What --labels says of a run on ports is what left the port, flow by flow, and is there when the run is gone.

usage: test_labels.py WIREMILL MODELS CAPTURES
"""

import collections
import csv
import ipaddress
import json
import operator
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time

import claims

WIREMILL, MODELS, CAPTURES = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:4])
LIMIT_S = 120 * claims.PATIENCE
NEAR, FAR = f"wb{os.getpid()}near", f"wb{os.getpid()}far"
FOLDER = tempfile.TemporaryDirectory()
NULL = ("--vdev", "net_null0,size=64")
LINK = ("--vdev", "net_af_packet0,iface=near,framecnt=8192,blocksz=1048576")
MIX = ("-m", f"{MODELS}/mix.safetensors,rate=400pps", "-m", f"{MODELS}/dns.safetensors,start=1,stop=4,rate=200fps,label=asked",
       "--replay", f"{CAPTURES}/ping.pcap.gz,label=pings", "--loop", "0")
PROTOCOLS = {1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 58: "ICMP6"}


def place(name):
    return pathlib.Path(FOLDER.name, name)


def run(*command, status=0):
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=LIMIT_S, cwd=FOLDER.name)
    assert done.returncode == status, f"{command}: status {done.returncode}: {done.stderr}"
    return done


def mill(vdev, *words):
    cores = sorted(os.sched_getaffinity(0))
    lcores = ",".join(f"{i}@{cores[i % len(cores)]}" for i in range(3))
    return ["ip", "netns", "exec", NEAR, WIREMILL, "--lcores", lcores, "--no-huge", "-m", "256", "--no-pci", "--no-telemetry",
            "--log-level", "error", "--file-prefix", f"{NEAR}-{time.monotonic_ns()}", *vdev, "--", *words]


def labels(name="labels.csv"):
    with open(place(name), encoding="utf-8") as file:
        return list(csv.DictReader(file))


def statistics():
    return json.loads(place("stats.json").read_text(encoding="utf-8"))


def frames_of(path):
    """Time and frame of each packet of a pcap that may end in the middle of one."""
    data = path.read_bytes()
    scale = {0xa1b2c3d4: 1e-6, 0xa1b23c4d: 1e-9}[struct.unpack_from("<I", data)[0]]
    at = 24
    while at + 16 <= len(data):
        sec, frac, have, _ = struct.unpack_from("<IIII", data, at)
        if at + 16 + have > len(data):
            return
        yield sec + frac * scale, data[at + 16:at + 16 + have]
        at += 16 + have


def ends_of(frame):
    """Protocol and both ends of a frame, as a set: whichever way it went."""
    kind = int.from_bytes(frame[12:14], "big")
    if kind == 0x800:
        proto, head = frame[23], 14 + 4 * (frame[14] & 15)
        src, dst = (str(ipaddress.ip_address(frame[at:at + 4])) for at in (26, 30))
    elif kind == 0x86dd:
        proto, head = frame[20], 54
        src, dst = (str(ipaddress.ip_address(frame[at:at + 16])) for at in (22, 38))
    else:
        return f"0x{kind:04x}", frozenset((frame[6:12].hex(":"), frame[:6].hex(":")))
    sport, dport = struct.unpack_from(">HH", frame, head) if proto in (6, 17) else (0, 0)
    return PROTOCOLS.get(proto, str(proto)), frozenset(((src, sport), (dst, dport)))


def ends_said(row):
    if row["proto"].startswith("0x"):
        return row["proto"], frozenset((row["src"], row["dst"]))
    return row["proto"], frozenset(((row["src"], int(row["sport"])), (row["dst"], int(row["dport"]))))


def far_end(name):
    dump = subprocess.Popen(["ip", "netns", "exec", FAR, "tcpdump", "-Z", "root", "-i", "far", "-Q", "in", "-s", "0", "-U",
                             "--immediate-mode", "-B", "65536", "-w", str(place(name))], stderr=subprocess.PIPE)
    assert b"listening" in dump.stderr.readline()
    return dump


def stop(dump):
    time.sleep(0.5)
    dump.send_signal(signal.SIGINT)
    dump.communicate(timeout=LIMIT_S)


def labels_are_what_the_far_end_saw_flow_by_flow():
    dump = far_end("far.pcap")
    run(*mill(LINK, *MIX, "-d", "6", "--labels", "labels.csv", "--csv", "flows.csv", "--stats-json", "stats.json"))
    stop(dump)
    seen, said = collections.defaultdict(list), collections.defaultdict(list)
    for when, frame in frames_of(place("far.pcap")):
        seen[ends_of(frame)].append((when, len(frame)))
    rows = labels()
    for row in rows:
        said[ends_said(row)].append(row)
    assert set(seen) == set(said), (len(seen), len(said), list(set(seen) ^ set(said))[:3])
    for ends, some in said.items():
        packets, size = sum(int(row["packets"]) for row in some), sum(int(row["bytes"]) for row in some)
        assert (packets, size) == (len(seen[ends]), sum(length for _, length in seen[ends])), (ends, some)
        first, last = min(float(row["start"]) for row in some), max(float(row["end"]) for row in some)
        assert abs(first - seen[ends][0][0]) < 0.1 and abs(last - seen[ends][-1][0]) < 0.1, (ends, first, last)
    stats = statistics()
    assert sum(int(row["packets"]) for row in rows) == stats["packets"] and len(rows) > 300
    with open(place("flows.csv"), encoding="utf-8") as file:
        assert sum(int(row["pkt"]) for row in csv.DictReader(file)) <= stats["packets"]  # IP alone
    begin = min(float(row["start"]) for row in rows)
    asked = [float(row["start"]) - begin for row in rows if row["label"] == "asked"]
    assert 550 < len(asked) < 650 and min(asked) > 0.9 and max(asked) < 4.1, (len(asked), min(asked), max(asked))
    assert {row["label"] for row in rows} == {"asked", "mix", "pings"}, {row["label"] for row in rows}


def a_scenario_of_ten_minutes_takes_ten_seconds_at_x60():
    place("scenario.conf").write_text(
        f"""model = ( {{ file = "{MODELS}/mix.safetensors"; label = "benign"; rate = "2fps"; }},
            {{ file = "{MODELS}/scan.safetensors"; start = "2m"; stop = "3m"; rate = "20fps"; }},
            {{ file = "{MODELS}/flood.safetensors"; start = "5m"; stop = "7m"; rate = "10fps"; rise = "30s"; fall = "30s"; }} );
        duration = 600; labels = "labels.csv"; stats-json = "stats.json";""", encoding="utf-8")
    dump = far_end("far.pcap")
    run(*mill(LINK, "-c", "scenario.conf", "-r", "x60"))
    stop(dump)
    seen, said = collections.Counter(), collections.Counter()
    for _, frame in frames_of(place("far.pcap")):
        seen[ends_of(frame)] += 1
    rows = labels()
    for row in rows:
        said[ends_said(row)] += int(row["packets"])
    assert seen == said, list((seen - said).items())[:3] + list((said - seen).items())[:3]
    begin = min(float(row["start"]) for row in rows)
    minutes = collections.defaultdict(list)
    for row in rows:
        minutes[row["label"]].append((float(row["start"]) - begin))
    for label, start, end, number in (("benign", 0, 10, 1200), ("scan", 2, 3, 1200), ("flood", 5, 7, 900)):
        assert min(minutes[label]) > start - 0.2 and max(minutes[label]) < end + 0.2, (label, min(minutes[label]), max(minutes[label]))
        # A scan comes in bursts, as learned, and its rate is that of the long run.
        assert 0.6 * number < len(minutes[label]) < 1.4 * number, (label, len(minutes[label]))
    assert 8 < statistics()["wall_s"] < 12, statistics()["wall_s"]


def labels_are_complete_after_a_signal():
    sender = subprocess.Popen(mill(NULL, *MIX, "-r", "20kpps", "--queues", "2", "--labels", "labels.csv", "--stats-json",
                                   "stats.json"), stderr=subprocess.PIPE, cwd=FOLDER.name)
    time.sleep(3)
    sender.send_signal(signal.SIGINT)
    assert sender.wait(LIMIT_S) == 0, sender.stderr.read()
    assert sum(int(row["packets"]) for row in labels()) == statistics()["packets"]
    assert not list(pathlib.Path(FOLDER.name).glob("*.open*"))


def labels_are_there_up_to_the_last_second_after_a_crash():
    place("labels.csv").unlink(missing_ok=True)
    dump = far_end("far.pcap")
    sender = subprocess.Popen(mill(LINK, *MIX, "-m", f"{MODELS}/mix.safetensors,rate=2kpps", "--labels", "labels.csv"),
                              stderr=subprocess.DEVNULL, cwd=FOLDER.name)
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end and not (place("labels.csv").exists() and place("labels.csv").read_bytes().count(b"\n") > 400):
        time.sleep(0.1)
    time.sleep(1)
    sender.kill()
    killed = time.time()
    sender.wait(LIMIT_S)
    stop(dump)
    assert place("labels.csv").read_bytes().endswith(b"\n") and place("labels.csv.open").read_bytes().endswith(b"\n")
    ended = labels()
    assert len(ended) > 300 and max(float(row["end"]) for row in ended) > killed - 1, (len(ended), killed)
    # A flow that is in both files has ended after the other one was written.
    name = operator.itemgetter("start", "src", "dst", "sport", "dport", "proto")
    known = {name(row) for row in ended}
    under_way = [row for row in labels("labels.csv.open") if name(row) not in known]
    said = collections.Counter()
    for row in ended + under_way:
        said[ends_said(row)] += int(row["packets"])
    early, seen = collections.Counter(), collections.Counter()
    for when, frame in frames_of(place("far.pcap")):
        early[ends_of(frame)] += when < killed - 1
        seen[ends_of(frame)] += 1
    assert under_way and sum(early.values()) > 2000, (len(under_way), sum(early.values()))
    for ends in seen | said:
        assert early[ends] <= said[ends] <= seen[ends], (ends, early[ends], said[ends], seen[ends])


def a_full_disk_is_told_and_counted_and_the_rest_is_complete():
    small = place("small")
    small.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=64k", "none", str(small))
    try:
        said = run(*mill(NULL, *MIX, "-r", "20kpps", "-d", "4", "--labels", "small/labels.csv", "--csv", "flows.csv",
                         "--stats-json", "stats.json"), status=1).stderr
        text = pathlib.Path(small, "labels.csv").read_text(encoding="utf-8")
    finally:
        run("umount", str(small))
    last = said.strip().splitlines()[-1]
    assert last.startswith("wiremill: small/labels.csv: cannot be written: No space left on device; "), said
    missing = int(last.split("; ")[1].split()[0])
    assert text.endswith("\n") and text.count("\n") > 100 and missing > 100, (text[-100:], text.count("\n"), said)
    with open(place("flows.csv"), encoding="utf-8") as file:
        assert sum(1 for row in csv.DictReader(file)) > missing / 2


def labels_of_recycled_packets_are_what_the_far_end_saw():
    """The slowest of kernels cannot keep up with a file: what they have made goes round and round."""
    run("env", "WIREMILL_KERNELS=scalar", *mill(("--vdev", "net_pcap0,tx_pcap=far.pcap"), "-m", f"{MODELS}/mix.safetensors", "-m", f"{MODELS}/dns.safetensors",
              "-r", "max", "--underflow", "recycle", "--recycle-samples", "2048", "--ring-mem", "1", "-n", "40000", "--labels",
              "labels.csv", "--csv", "flows.csv", "--stats-json", "stats.json"))
    stats = statistics()
    assert stats["recycled"] > 3 * 2048 and stats["unlabelled"] == 0, stats
    seen, said = collections.Counter(), collections.Counter()
    for _, frame in frames_of(place("far.pcap")):
        seen[ends_of(frame)] += 1
    rows = labels()
    for row in rows:
        said[ends_said(row)] += int(row["packets"])
    assert seen == said, list((seen - said).items())[:3] + list((said - seen).items())[:3]
    assert sum(said.values()) == 40000 and max(int(row["packets"]) for row in rows) < 3000
    # A flow has a line for each lap that it is sent on: far fewer ends are there twice than lines.
    assert len(said) > 0.9 * len(rows) > 1000, (len(said), len(rows))


def main():
    if os.geteuid() != 0:
        print("skipped: network namespaces need root")
        sys.exit(77)
    try:
        for space in (NEAR, FAR):
            run("ip", "netns", "add", space)
            run("ip", "netns", "exec", space, "sh", "-c",
                "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do [ ! -e $f ] || echo 1 >$f; done")
        run("ip", "-n", NEAR, "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", FAR)
        for space, door in ((NEAR, "near"), (FAR, "far")):
            run("ip", "-n", space, "link", "set", door, "up", "mtu", "9000")
        time.sleep(0.3)
        claims.run("labels on ports", [
            labels_are_what_the_far_end_saw_flow_by_flow,
            a_scenario_of_ten_minutes_takes_ten_seconds_at_x60,
            labels_are_complete_after_a_signal,
            labels_are_there_up_to_the_last_second_after_a_crash,
            a_full_disk_is_told_and_counted_and_the_rest_is_complete,
            labels_of_recycled_packets_are_what_the_far_end_saw,
        ])
    finally:
        for space in (NEAR, FAR):
            subprocess.run(["ip", "netns", "del", space], check=False, stderr=subprocess.DEVNULL)


main()
