#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""wiremill sends on ports what it writes in pcap mode, counts all of it, and stops cleanly. Ports are virtual ones.

usage: test_ports.py WIREMILL WIREMILL_TRAIN PLANE_FAKE
"""

import atexit
import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import claims
import frames
import little_capture

WIREMILL, TRAIN, FAKE = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:4])
LIMIT_S = 120  # for a machine that does other things too
RUNS = itertools.count()
PREFIX = f"wm{os.getpid()}"  # of names that others can see
FOLDER = tempfile.TemporaryDirectory()
MODEL = str(pathlib.Path(FOLDER.name, "m"))


def place(name):
    return str(pathlib.Path(FOLDER.name, name))


def eal(*words, lcores=2):
    """EAL's options for a run of its own on as many lcores, which share the cores that there are."""
    cores = sorted(os.sched_getaffinity(0))
    lcore_map = ",".join(f"{i}@{cores[i % len(cores)]}" for i in range(lcores))
    return ["--lcores", lcore_map, "--no-huge", "-m", "256", "--no-pci", "--no-telemetry", "--log-level", "error",
            "--file-prefix", f"{PREFIX}-{next(RUNS)}", *words, "--"]


def run(*command, status=0, limit_s=LIMIT_S):
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=limit_s, cwd=FOLDER.name)
    assert done.returncode == status, f"status {done.returncode}: {done.stderr}"
    return done


def send(eal_words, *words):
    """Run wiremill on ports; its statistics, which add up."""
    run(WIREMILL, *eal_words, "-m", MODEL, "--stats-json", "stats.json", *words)
    stats = json.loads(pathlib.Path(place("stats.json")).read_text(encoding="utf-8"))
    adds_up(stats)
    return stats


def adds_up(stats):
    assert stats["generated"] == stats["fresh"] + stats["unused"], stats
    assert stats["fresh"] + stats["recycled"] == stats["packets"] + stats["oversize"] + stats["lost"], stats
    for key, total in (("sent", "packets"), ("fresh", "fresh"), ("recycled", "recycled"), ("bytes", "bytes"),
                       ("oversize", "oversize"), ("lost", "lost")):
        assert sum(queue[key] for queue in stats["queues"]) == stats[total], f"{key}: {stats}"


def of_pcap_mode(*words):
    run(WIREMILL, "-m", MODEL, "-o", "pcap.pcap", *words)
    return frames.read(place("pcap.pcap"))


def equal(got, want):
    for i, (a, b) in enumerate(zip(got, want)):
        assert a == b, f"frame {i} differs:\n{a.hex()}\n{b.hex()}"
    assert len(got) == len(want), f"{len(got)} frames, expected {len(want)}"


def frames_of_a_port_are_those_of_pcap_mode():
    want = of_pcap_mode("-n", "20000")
    for lcores, words in ((2, ["-r", "max"]), (1, ["-r", "max"]), (2, ["-r", "max", "-w", "3"]),
                          (4, ["-r", "max", "-s", "1"]), (2, ["-r", "x1000", "-w", "2"])):
        if "x1000" in words:
            want = of_pcap_mode("-n", "20000", "-r", "x1000")
        stats = send(eal("--vdev", "net_pcap0,tx_pcap=port.pcap", lcores=lcores), "-n", "20000", *words)
        assert stats["packets"] == stats["fresh"] == 20000
        equal(frames.read(place("port.pcap")), want)


def frames_at_a_rate_are_those_of_pcap_mode():
    want = of_pcap_mode("-n", "20000", "-r", "40kpps")
    stats = send(eal("--vdev", "net_pcap0,tx_pcap=port.pcap"), "-n", "20000", "-r", "40kpps")
    equal(frames.read(place("port.pcap")), want)
    assert 0.45 < stats["wall_s"] < 5, stats["wall_s"]


def frames_of_every_kind_are_those_of_pcap_mode():
    for words in (["workers=3"], ["rate=100kpps"]):
        run(FAKE, "mill", *eal("--vdev", "net_pcap0,tx_pcap=port.pcap"), "packets=20000", *words)
        if words == ["workers=3"]:
            run(FAKE, "compare", "port.pcap", "20000")


def a_run_ends_with_the_flow_or_second_that_was_asked_for():
    for end, pcap_rate, rate in ((["--flows", "300"], [], ["-r", "max"]), (["-d", "0.5"], ["-r", "x20"], ["-r", "x20"])):
        want = of_pcap_mode(*end, *pcap_rate)
        send(eal("--vdev", "net_pcap0,tx_pcap=port.pcap"), *end, *rate)
        equal(frames.read(place("port.pcap")), want)


def a_rate_is_kept_and_time_runs_on():
    stats = send(eal("--vdev", "net_null0,no-rx=1"), "-r", "20kpps", "-d", "1.5")
    assert abs(stats["packets"] - 30000) < 600, stats


def queues_share_the_packets_and_every_flow_keeps_to_one():
    names = [f"queue{i}.pcap" for i in range(3)]
    port = "net_pcap0," + ",".join(f"tx_pcap={name}" for name in names)
    run(FAKE, "mill", *eal("--vdev", port), "packets=30000", "queues=3", "workers=2")
    got = [frames.read(place(name)) for name in names]
    assert sum(len(queue) for queue in got) == 30000
    assert min(len(queue) for queue in got) > 1000
    flows = [{frames.flow(frame) for frame in queue if frames.network(frame)[0] == 0x800} for queue in got]
    assert min(len(queue) for queue in flows) > 100
    assert not (flows[0] & flows[1]) | (flows[1] & flows[2]) | (flows[0] & flows[2]), "a flow goes to two queues"
    stats = send(eal("--vdev", "net_null0"), "-n", "30000", "-r", "max", "--queues", "3", "-w", "2")
    assert stats["packets"] == 30000 and len(stats["queues"]) == 3


def a_queue_that_is_done_does_not_hold_up_the_others():
    for lcores, workers in ((1, 1), (3, 1), (4, 2)):
        run(FAKE, "mill", *eal("--vdev", "net_null0", lcores=lcores), "packets=5000", "queues=4", "ring=16",
            f"workers={workers}", "rate=x1")


def counters_add_up_on_every_port():
    for port, words in (("net_null0", []), ("net_null0,no-rx=1", ["--mtu", "120"]), ("net_ring0", []),
                        ("net_null0", ["--underflow", "recycle"])):
        stats = send(eal("--vdev", port), "-n", "200000", "-r", "max", *words)
        assert stats["packets"] == 200000, stats
        assert (stats["oversize"] > 0) == ("--mtu" in words), stats


def two_ports_take_turns_with_flows():
    stats = send(eal("--vdev", "net_null0", "--vdev", "net_null1"), "-n", "100000", "-r", "max")
    assert [queue["port"] for queue in stats["queues"]] == [0, 1]
    assert min(queue["sent"] for queue in stats["queues"]) > 10000


def recycled_packets_are_valid_and_their_flows_are_others():
    done = run(FAKE, "mill", *eal("--vdev", "net_pcap0,tx_pcap=port.pcap"), "packets=60000", "slow=1", "ring=256",
               "recycle=1024")
    fresh, recycled = (int(n) for n in re.search(r"^total: fresh (\d+) recycled (\d+)", done.stdout, re.M).groups())
    run(FAKE, "mill", *eal("--vdev", "net_pcap0,tx_pcap=fresh.pcap"), f"packets={fresh}")
    got = frames.read(place("port.pcap"))
    assert len(got) == fresh + recycled == 60000 and recycled > 10000, done.stdout
    known = {frames.flow(frame) for frame in frames.read(place("fresh.pcap"))}
    others = sum(frames.flow(frame) not in known for frame in got)
    assert others <= recycled
    assert others > 0.8 * recycled, f"{others} of {recycled} recycled packets are of another flow"
    bad = [frame for frame in got if not frames.checksums_are_right(frame)]
    assert not bad, f"{len(bad)} wrong checksums: {bad[0].hex()}"


def long_frames_go_out_whole():
    run(FAKE, "mill", *eal("--vdev", "net_pcap0,tx_pcap=port.pcap"), "packets=3000", "long=1")
    run(FAKE, "compare", "port.pcap", "3000", "long")
    assert max(len(frame) for frame in frames.read(place("port.pcap"))) > 60000
    run(FAKE, "mill", *eal("--vdev", "net_null0"), "packets=30000", "long=1", "mtu=65500")  # chained


def a_signal_ends_an_endless_run_cleanly():
    for number, words in ((signal.SIGINT, ["-r", "max"]), (signal.SIGTERM, ["-r", "model"])):
        process = subprocess.Popen([WIREMILL, *eal("--vdev", "net_null0"), "-m", MODEL, "--stats", "0.1", "--stats-json",
                                    "stats.json", *words], cwd=FOLDER.name, stderr=subprocess.PIPE, encoding="utf-8")
        line = next(line for line in process.stderr if "packets sent" in line)
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait(timeout=LIMIT_S) == 0, line + rest
        assert "packets sent" in rest.splitlines()[-1]
        adds_up(json.loads(pathlib.Path(place("stats.json")).read_text(encoding="utf-8")))


def what_cannot_work_is_refused_with_a_sentence():
    null = eal("--vdev", "net_null0")
    for words, sentence in (
            ([*eal(), "-m", MODEL], "there is no port to send to"),
            ([*eal("--nonsense"), "-m", MODEL], "EAL (DPDK) did not start"),
            ([*null, "-m", "missing"], "missing: No such file"),
            ([*null, "-m", MODEL, "--queues", "65"], "option --queues: '65' is not a whole number in 1..64"),
            ([*null, "-m", MODEL, "--underflow", "flood"], "option --underflow: 'flood' is none"),
            ([*eal("--vdev", "net_pcap0,tx_pcap=x.pcap"), "-m", MODEL, "--queues", "2"], "has 1 queue"),
            (["-m", MODEL], "option -o FILE is missing"),
            ([*null, "-m", MODEL, "--labels", "x"], "option --labels: it is written in pcap mode"),
            (["-m", MODEL, "-o", "x", "--mtu", "900"], "are for ports")):
        done = run(WIREMILL, *words, status=2)
        last = done.stderr.splitlines()[-1]
        assert last.startswith("wiremill: ") and sentence in last, done.stderr


def far_end(near, far):
    """Two network namespaces, joined by a veth pair without any traffic of its own."""
    for space in (near, far):
        run("ip", "netns", "add", space)
        run("ip", "netns", "exec", space, "sh", "-c", "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do "
            "[ ! -e $f ] || echo 1 >$f; done")
    run("ip", "-n", near, "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", far)
    for space, name in ((near, "near"), (far, "far")):
        run("ip", "-n", space, "link", "set", name, "arp", "off", "up")


def captured(far, n, command):
    """What tcpdump sees at the far end while the command runs."""
    dump = subprocess.Popen(["ip", "netns", "exec", far, "tcpdump", "-Z", "root", "-i", "far", "-Q", "in", "-s", "0",
                             "-B", "65536", "-U", "-w", place("far.pcap")], stderr=subprocess.PIPE, encoding="utf-8")
    try:
        assert "listening" in "".join(itertools.islice((line for line in dump.stderr if "listening" in line), 1))
        run(*command)
        deadline = time.monotonic() + 10
        while len(frames.read(place("far.pcap"))) < n and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        dump.send_signal(signal.SIGINT)
        said = dump.stderr.read()
        dump.wait(timeout=LIMIT_S)
    assert "\n0 packets dropped by kernel" in said, said
    return frames.read(place("far.pcap"))


def frames_at_the_far_end_of_a_link_are_those_of_pcap_mode():
    if os.geteuid() != 0:
        raise claims.Skip("network namespaces need root")
    for program in ("ip", "tcpdump"):
        if shutil.which(program) is None:
            raise claims.Skip(f"there is no {program}")
    near, far = f"{PREFIX}near", f"{PREFIX}far"
    try:
        try:
            far_end(near, far)
        except AssertionError as reason:
            raise claims.Skip(f"no network namespaces here: {reason}") from None
        port = eal("--vdev", "net_af_packet0,iface=near")
        words = ["-n", "10000", "-r", "20kpps"]
        sent = ["ip", "netns", "exec", near, WIREMILL, *port, "-m", MODEL, "--stats-json", "stats.json", *words]
        got = captured(far, 10000, sent)
        adds_up(json.loads(pathlib.Path(place("stats.json")).read_text(encoding="utf-8")))
        equal(got, of_pcap_mode(*words))
        fake = ["ip", "netns", "exec", near, FAKE, "mill", *port, "packets=10000", "rate=x1"]
        equal_fake = captured(far, 10000, fake)
        assert len(equal_fake) == 10000
        run(FAKE, "compare", "far.pcap", "10000")
    finally:
        for space in (near, far):
            subprocess.run(["ip", "netns", "del", space], check=False, stderr=subprocess.DEVNULL)


def tidy_up():
    """EAL leaves its run-time folders."""
    for base in ("/var/run", os.environ.get("XDG_RUNTIME_DIR", "/tmp"), "/tmp"):
        for folder in pathlib.Path(base, "dpdk").glob(f"{PREFIX}-*"):
            shutil.rmtree(folder, ignore_errors=True)


def main():
    atexit.register(tidy_up)
    capture, _ = little_capture.pcap(100)
    pathlib.Path(place("a.pcap")).write_bytes(capture)
    run(TRAIN, "-q", "a.pcap", "-o", MODEL, "--time-limit", "5")
    claims.run("wiremill on ports", [
        frames_of_a_port_are_those_of_pcap_mode,
        frames_at_a_rate_are_those_of_pcap_mode,
        frames_of_every_kind_are_those_of_pcap_mode,
        a_run_ends_with_the_flow_or_second_that_was_asked_for,
        a_rate_is_kept_and_time_runs_on,
        queues_share_the_packets_and_every_flow_keeps_to_one,
        a_queue_that_is_done_does_not_hold_up_the_others,
        counters_add_up_on_every_port,
        two_ports_take_turns_with_flows,
        recycled_packets_are_valid_and_their_flows_are_others,
        long_frames_go_out_whole,
        a_signal_ends_an_endless_run_cleanly,
        what_cannot_work_is_refused_with_a_sentence,
        frames_at_the_far_end_of_a_link_are_those_of_pcap_mode,
    ])


main()
