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
LIMIT_S = 120 * claims.PATIENCE  # for a machine that does other things too
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


def run(*command, status=0, limit_s=LIMIT_S, **more):
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=limit_s, cwd=FOLDER.name,
                          **more)
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
    for end, pcap_rate, rate in ((["--flows", "300"], [], ["-r", "max"]), (["-d", "10"], ["-r", "x20"], ["-r", "x20"])):
        want = of_pcap_mode(*end, *pcap_rate)
        send(eal("--vdev", "net_pcap0,tx_pcap=port.pcap"), *end, *rate)
        equal(frames.read(place("port.pcap")), want)


def a_rate_is_kept_and_time_runs_on():
    stats = send(eal("--vdev", "net_null0,no-rx=1"), "-r", "20kpps", "-d", "1.5")
    assert abs(stats["packets"] - 30000) < 600, stats
    pacing = stats["pacing"]
    assert pacing["gaps"] == stats["packets"] - 1 == sum(number for _, number in pacing["below_ns"])
    assert 0 <= pacing["p50_ns"] <= pacing["p99_ns"] <= pacing["max_ns"], pacing
    shares = [pacing[f"within_{ns}_ns"] for ns in (64, 128, 256, 512)]
    assert shares == sorted(shares) and 0 < shares[0] and shares[3] <= 1, pacing


def a_rate_changes_while_running():
    """What is sent in three seconds of the traffic's time tells when the second rate began: after about one."""
    for first, second, low, high in (("500pps", "20kpps", 5000, 58000), ("20kpps", "500pps", 3000, 55000),
                                     ("max", "1kpps", 1000, 1e12), ("1kpps", "x1", 1000, 1e12)):
        done = run(FAKE, "mill", *eal("--vdev", "net_null0,no-rx=1"), f"rate={first}", f"rate2={second},0.8", "stats=0.2",
                   "seconds=3", "recycle=1024")
        sent = int(re.search(r"^sent (\d+)", done.stdout, re.M).group(1))
        assert low < sent < high, f"{first} {second}: {sent}"
        # What waited at a slow rate leaves sooner at a fast one: the run lasts as long all the same.
        assert float(re.findall(r"^([0-9.]+) s, generated", done.stdout, re.M)[-1]) > 2.9, done.stdout


def counted(line, *names):
    return [int(re.search(rf"\b{name} (\d+)", line)[1]) for name in names]


def a_port_that_nobody_reads_loses_nothing_and_goes_on():
    for catch_up, shifted in (("100000", False), ("500", True)):
        done = run(FAKE, "mill", *eal("--vdev", "net_null0,no-rx=1"), "packets=40000", "rate=20kpps", "stats=0.3", "stall=0.7",
                   f"catch_up={catch_up}")
        last = done.stdout.splitlines()[-2]
        sent, lost, full, shifts, shift_ns = counted(last, "sent", "lost", "port_full", "shifts", "shift_ns")
        assert sent == 40000 and lost == 0 and full > 0, last
        # What is late is made up for, up to so many packets in a row; then the timeline is shifted, and that is counted.
        assert (shifts > 0) == shifted and (shift_ns > 0.4e9) == shifted, last


def a_port_that_nobody_reads_does_not_hold_up_the_end():
    for rate in ("20kpps", "max"):
        process = subprocess.Popen([FAKE, "mill", *eal("--vdev", "net_null0,no-rx=1"), f"rate={rate}", "stats=0.3", "stall=60"],
                                   cwd=FOLDER.name, stdout=subprocess.PIPE, encoding="utf-8")
        try:
            time.sleep(1.5)
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=LIMIT_S)
        finally:
            process.kill()
        assert process.returncode == 0 and re.search(r"^sent \d+$", said, re.M), said  # which it says if all adds up


def stop(process):
    """Stop it, and see that all its threads have: a signal waits for its thread to run."""
    process.send_signal(signal.SIGSTOP)
    end = time.monotonic() + LIMIT_S
    while os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOHANG) is None:
        assert time.monotonic() < end, "it does not stop"
        time.sleep(0.01)


def a_process_that_was_stopped_catches_up_or_shifts_time():
    for catch_up in (None, 1000):
        words = ["--catch-up", str(catch_up)] if catch_up else []
        process = subprocess.Popen([WIREMILL, *eal("--vdev", "net_null0,no-rx=1"), "-m", MODEL, "-r", "20kpps",
                                    "--stats", "0.2", "--stats-json", "stats.json", *words], cwd=FOLDER.name,
                                   stderr=subprocess.PIPE, encoding="utf-8")
        try:
            next(line for line in process.stderr if "packets sent" in line)
            stop(process)
            time.sleep(0.6)
            process.send_signal(signal.SIGCONT)
            time.sleep(1.5)
            process.send_signal(signal.SIGINT)
            rest = process.stderr.read()
            assert process.wait(timeout=LIMIT_S) == 0, rest
        finally:
            process.kill()
        stats = json.loads(pathlib.Path(place("stats.json")).read_text(encoding="utf-8"))
        adds_up(stats)
        queue = stats["queues"][0]
        if catch_up is None:  # 32768 packets are more than were due in the meantime
            assert queue["shifts"] == 0, stats
        else:
            assert queue["shifts"] > 0 and queue["shift_s"] > 0.4, stats
        assert stats["packets"] <= 20000 * (stats["wall_s"] - queue["shift_s"]) + 1000, stats


def rings_of_the_memory_asked_for_are_full_at_the_start():
    for words in ([], ["--queues", "3", "-w", "2"]):
        stats = send(eal("--vdev", "net_null0"), "-n", "1", "-r", "1pps", "--ring-mem", "24", *words)
        assert stats["generated"] >= 262144, stats  # by default it is half of that, or as much


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


def source(frame):
    """What tells the sender of a frame's flow, and the flow."""
    ethertype, at = frames.network(frame)
    if ethertype != 0x0800:
        return frames.flow(frame), frame[6:12]
    l4 = at + (frame[at] & 15) * 4
    return frames.flow(frame), frame[at + 12:at + 16], frame[l4:l4 + 2] if frame[at + 9] in (6, 17) else b""


def dealt(want, sides):
    """Which side each frame of the whole stream went to, if both together are just that, each in its order."""
    at, went = [0, 0], []
    for frame in want:
        side = next((side for side in (0, 1) if sides[side][at[side]:at[side] + 1] == [frame]), None)
        assert side is not None, f"frame {len(went)} is next on neither side: {frame.hex()}"
        at[side] += 1
        went.append(side)
    assert at == [len(side) for side in sides], "there are more frames than asked for"
    return went


def clients_are_on_one_side(want, went):
    side_of, flows = {}, {}
    for frame, side in zip(want, went):
        assert side_of.setdefault(source(frame), side) == side, f"a sender is on both sides: {frame.hex()}"
        flows.setdefault(frames.flow(frame), set()).add(side)
        ethertype, at = frames.network(frame)
        if ethertype == 0x0800 and frame[at + 9] == 6 and frame[at + 33] & 0x12 in (2, 18):  # SYN, SYN and ACK
            assert side == (frame[at + 33] & 0x10) // 16, frame.hex()
    assert sum(len(sides) == 2 for sides in flows.values()) > 10


def clients_and_servers_have_a_port_each_in_one_order():
    names = ["client.pcap", "server.pcap"]
    ports = [word for i, name in enumerate(names) for word in ("--vdev", f"net_pcap{i},tx_pcap={name}")]
    for words in (["-r", "max"], ["-r", "40kpps", "-w", "2"], ["-r", "max", "--port", "1", "--port", "net_pcap0"]):
        want = of_pcap_mode("-n", "20000", *(words[:2] if "40kpps" in words else []))
        stats = send(eal(*ports), "-n", "20000", "--directions", "split", *words)
        sides = [frames.read(place(name)) for name in names]
        assert [queue["sent"] for queue in stats["queues"]] == [len(sides[queue["port"]]) for queue in stats["queues"]]
        clients_are_on_one_side(want, dealt(want, sides if "--port" not in words else sides[::-1]))


def flows_of_split_directions_keep_to_one_queue():
    ports = []
    for i in range(2):
        ports += ["--vdev", f"net_pcap{i}," + ",".join(f"tx_pcap=p{i}q{q}.pcap" for q in range(2))]
    run(FAKE, "mill", *eal(*ports, lcores=4), "packets=20000", "queues=2", "split=1")
    flows = [{frames.flow(frame) for i in range(2) for frame in frames.read(place(f"p{i}q{q}.pcap"))
              if frames.network(frame)[0] == 0x0800} for q in range(2)]
    assert min(len(queue) for queue in flows) > 100 and not flows[0] & flows[1]


def dressed(frame, src, dst, vlan):
    """A frame as a port with addresses and a VLAN sends it."""
    macs = (frame[:6] if frame[0] & 1 else dst) + src
    if frame[12:14] in (b"\x81\x00", b"\x88\xa8"):
        tag = frame[14] << 8 | frame[15]
        return macs + frame[12:14] + (tag & 0xf000 | vlan).to_bytes(2, "big") + frame[16:]
    return macs + b"\x81\x00" + vlan.to_bytes(2, "big") + frame[12:]


def a_port_has_mac_addresses_and_a_vlan_of_its_own():
    src, dst = bytes.fromhex("0200000000aa"), bytes.fromhex("0200000000bb")
    option = f"0,src-mac={src.hex(':')},dst-mac={dst.hex(':')},vlan=77"
    want = [dressed(frame, src, dst, 77) for frame in of_pcap_mode("-n", "5000")]
    for words in (["-w", "1"], ["-w", "2", "--queues", "1"]):
        stats = send(eal("--vdev", "net_pcap0,tx_pcap=port.pcap"), "-n", "5000", "-r", "max", "--port", option, *words)
        equal(frames.read(place("port.pcap")), want)
        assert stats["bytes"] == sum(len(frame) for frame in want)
    pathlib.Path(place("port.conf")).write_text(
        'port = { port = "net_pcap0"; src-mac = "02:00:00:00:00:aa"; dst-mac = "02:00:00:00:00:bb"; vlan = 77; };\n'
        'roles = { tx = 1; workers = [0]; };\n', encoding="utf-8")
    send(eal("--vdev", "net_pcap0,tx_pcap=port.pcap"), "-n", "5000", "-r", "max", "-c", "port.conf")
    equal(frames.read(place("port.pcap")), want)


def everything_that_loops_back_is_received():
    for port, words in (("net_ring0", []), ("net_ring0", ["--roles", "tx=1,receive=2,workers=0"])):
        stats = send(eal("--vdev", port, lcores=3), "-n", "20000", "-r", "50kpps", "--receive", *words)
        way, = stats["directions"]
        assert (way["from"], way["to"]) == (0, 0)
        assert way["sent"] == way["received"] == 20000 and way["bytes"] == stats["bytes"], way
        assert way["lost"] == way["unseen"] == way["reordered"] == way["duplicates"] == way["strangers"] == 0, way
        latency = way["latency_ns"]
        assert 0 < latency["min"] <= latency["median"] <= latency["p99"] <= latency["max"], latency


def telemetry_answers_for_the_run():
    if shutil.which("dpdk-telemetry.py") is None:
        raise claims.Skip("there is no dpdk-telemetry.py")
    words = [word for word in eal("--vdev", "net_ring0", lcores=3) if word != "--no-telemetry"]
    process = subprocess.Popen([WIREMILL, *words, "-m", MODEL, "-r", "2kpps", "--receive", "--stats", "0.2"],
                               cwd=FOLDER.name, stderr=subprocess.PIPE, encoding="utf-8")
    try:
        next(line for line in process.stderr if "packets sent" in line)
        asked = ["/wiremill/stats", "/wiremill/queue,0", "/wiremill/port,0", "/wiremill/direction,0", "/wiremill/model,0",
                 "/wiremill/queue,1"]
        done = run("dpdk-telemetry.py", "-f", words[words.index("--file-prefix") + 1], input="\n".join(asked) + "\n")
        told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"/wiremill')]
        stats, queue, port, way, model, nothing = (next(iter(answer.values())) for answer in told)
        assert 0 < stats["sent"] <= stats["fresh"] <= stats["generated"] and stats["queues"] == 1, told
        assert queue["sent"] >= stats["sent"] and queue["port"] == 0, told
        assert port["name"] == "net_ring0" and port["link"] == "up", told
        assert 0 < way["received"] <= way["sent"] and way["latency_min_ns"] <= way["latency_max_ns"], told
        assert model["packets"] >= way["sent"] and model["bytes"] > 0, told
        assert nothing is None, told
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(timeout=LIMIT_S) == 0, rest
    finally:
        process.kill()


def dumpcap_attaches_to_a_run():
    memory = dict(line.split()[:2] for line in pathlib.Path("/proc/meminfo").read_text(encoding="utf-8").splitlines())
    free = int(memory.get("HugePages_Free:", 0)) * int(memory.get("Hugepagesize:", 0))
    if free < 256 * 1024 or not os.path.ismount("/dev/hugepages") or shutil.which("dpdk-dumpcap") is None:
        raise claims.Skip("this needs 256 MiB of free hugepages and dpdk-dumpcap")
    words = [{"256": "192"}.get(word, word) for word in eal("--vdev", "net_null0,no-rx=1") if word != "--no-huge"]
    process = subprocess.Popen([WIREMILL, *words, "-m", MODEL, "-r", "2kpps", "--stats", "0.2"], cwd=FOLDER.name,
                               stderr=subprocess.PIPE, encoding="utf-8")
    try:
        next(line for line in process.stderr if "packets sent" in line)
        run("dpdk-dumpcap", "--file-prefix", words[words.index("--file-prefix") + 1], "-i", "0", "-c", "100", "-w",
            place("dump.pcapng"))
        assert pathlib.Path(place("dump.pcapng")).stat().st_size > 100 * 60
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(timeout=LIMIT_S) == 0, rest
    finally:
        process.kill()


def short_memory_is_refused_with_numbers():
    words = [{"256": "24"}.get(word, word) for word in eal("--vdev", "net_null0")]
    said = run(WIREMILL, *words, "-m", MODEL, status=2).stderr.splitlines()[-1]
    found = re.search(r"no memory for [^:]*: they need ([\d.]+) MiB, and of EAL's 24 MiB there are ([\d.]+) left", said)
    assert found and 0 < float(found[2]) < 24, said


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
            (["-m", MODEL, "-o", "x", "--mtu", "900"], "option --mtu: it is for ports"),
            (["-m", MODEL, "-o", "x", "--receive"], "option --receive: it is for ports"),
            ([*null, "-m", MODEL, "--directions", "split"], "sends on pairs of ports: EAL has 1"),
            ([*null, "-m", MODEL, "--directions", "both"], "option --directions: 'both' is none"),
            ([*null, "-m", MODEL, "--port", "1"], "there is no port '1'; EAL has 0 (net_null0)"),
            ([*null, "-m", MODEL, "--port", "0", "--port", "net_null0"], "is given twice"),
            ([*null, "-m", MODEL, "--port", "0,src-mac=1:2:3:4:5:6"], "src-mac: '1:2:3:4:5:6' is no MAC address"),
            ([*null, "-m", MODEL, "--port", "0,src-mac=03:00:00:00:00:01"], "is the address of a group"),
            ([*null, "-m", MODEL, "--port", "0,vlan=4095"], "vlan '4095' is not a whole number in 1..4094"),
            ([*null, "-m", MODEL, "--port", "0,mtu=9000"], "option --port: 'mtu=9000' is none of"),
            ([*null, "-m", MODEL, "--roles", "tx=1,rx=2"], "option --roles: 'tx=1,rx=2' does not deal roles"),
            ([*eal("--vdev", "net_null0", "--vdev=net_af_packet7,iface=nonesuch"), "-m", MODEL],
             "port net_af_packet7 could not be made"),
            ([*null, "-m", MODEL, "--roles", "tx=9"], "lcore 9, named for tx, is not among those of -l"),
            ([*null, "-m", MODEL, "--roles", "receive=1"], "option --roles: receive=1 needs --receive"),
            ([*eal("--vdev", "net_null0", "--vdev", "net_null1"), "-m", MODEL, "--receive", "--port", "0,peer=0"],
             "net_null0 is the peer of two ports")):
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
        a_rate_changes_while_running,
        a_port_that_nobody_reads_loses_nothing_and_goes_on,
        a_port_that_nobody_reads_does_not_hold_up_the_end,
        a_process_that_was_stopped_catches_up_or_shifts_time,
        rings_of_the_memory_asked_for_are_full_at_the_start,
        queues_share_the_packets_and_every_flow_keeps_to_one,
        a_queue_that_is_done_does_not_hold_up_the_others,
        counters_add_up_on_every_port,
        two_ports_take_turns_with_flows,
        clients_and_servers_have_a_port_each_in_one_order,
        flows_of_split_directions_keep_to_one_queue,
        a_port_has_mac_addresses_and_a_vlan_of_its_own,
        everything_that_loops_back_is_received,
        telemetry_answers_for_the_run,
        dumpcap_attaches_to_a_run,
        short_memory_is_refused_with_numbers,
        recycled_packets_are_valid_and_their_flows_are_others,
        long_frames_go_out_whole,
        a_signal_ends_an_endless_run_cleanly,
        what_cannot_work_is_refused_with_a_sentence,
        frames_at_the_far_end_of_a_link_are_those_of_pcap_mode,
    ])


main()
