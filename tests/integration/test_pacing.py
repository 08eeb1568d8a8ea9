#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""wiremill keeps time: at the far end of a link, where tcpdump stamps packets, at the burst call, where a measuring port
does, and through ports that send at time stamps. Machines are shared: it is counts, order and the long run that are
asked for here, and single packets may be late.

usage: test_pacing.py WIREMILL WIREMILLCTL PLANE_FAKE METER READER MODEL
"""

import atexit
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import claims
import far_end
import frames
import meter
import running
from make_capture import even, heavy_tailed, pcap, pcapng, poisson, relative

WIREMILL, CTL, FAKE, METER, READER, MODEL = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:7])
LIMIT_S = 120 * claims.PATIENCE
RUNS = itertools.count()
PREFIX = f"wt{os.getpid()}"  # of names that others can see
FOLDER = tempfile.TemporaryDirectory()
AF_PACKET = "net_af_packet0,iface=near,framecnt=4096,blocksz=1048576"


def place(name):
    return str(pathlib.Path(FOLDER.name, name))


def eal(*vdevs):
    cores = sorted(os.sched_getaffinity(0))
    words = [word for vdev in vdevs for word in ("--vdev", vdev)]
    return ["--lcores", f"0@{cores[0]},1@{cores[-1]}", "--no-huge", "-m", "256", "--no-pci", "--no-telemetry", "--log-level",
            "error", "--file-prefix", f"{PREFIX}-{next(RUNS)}", *words, "--"]


def run(*command, status=0, **env):
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=LIMIT_S, cwd=FOLDER.name,
                          env={**os.environ, **env})
    assert done.returncode == status, f"status {done.returncode}: {done.stderr}"
    return done


def stats():
    said = json.loads(pathlib.Path(place("stats.json")).read_text(encoding="utf-8"))
    assert said["fresh"] + said["recycled"] == said["packets"] + said["oversize"] + said["lost"], said
    return said


def metered(*words, clock=0, vdevs=("net_null0,no-rx=1",), room=1 << 20):
    """A run on ports that note every packet: what they did."""
    env = {"METER_CLOCK": str(clock)} if clock else {}
    run(WIREMILL, *eal(*vdevs), "--stats-json", "stats.json", *words, LD_PRELOAD=METER, METER_FILE=place("meter"),
        METER_ROOM=str(room), **env)
    return meter.read(place("meter"))


def drift(times, plan):
    """By how much the last quarter is later than the first, both told from their packets that are least late."""
    late = [at - want for at, want in zip(times, plan)]
    quarter = len(late) // 4
    return min(late[-quarter:]) - min(late[:quarter])


def mean_rate(times):
    return (len(times) - 1) * 1e9 / (times[-1] - times[0])


def write(packets, kind=pcap, **how):
    pathlib.Path(place("in")).write_bytes(kind(packets, **how))
    return relative(packets)


# --- at the burst call

def the_burst_call_comes_when_the_plan_has_it():
    plan = write(poisson(20000, 50_000, 7))
    calls = metered("--replay", "in", "--loop", "2")
    period = plan[-1][0] + plan[-1][0] // (len(plan) - 1)
    due = [at + i * period for i in (0, 1) for at, _ in plan]
    assert [call.len for call in calls] == [len(frame) for _, frame in plan] * 2
    off = sorted(call.ns - at for call, at in zip(calls, due))
    drift_ns = drift([call.ns for call in calls], due)
    print(f"burst calls: p50 {off[len(off) // 2] - off[0]} ns behind the earliest; {drift_ns} ns of drift")
    assert abs(drift_ns) < 100_000, drift_ns
    assert off[len(off) // 100] - off[0] < 20_000, "hardly a packet leaves at its time"
    assert stats()["ports"][0]["pacing"] == "tsc"


def a_packet_leaves_alone_unless_the_plan_or_lateness_says_otherwise():
    words = "-m", MODEL, "-r", "10kpps", "-n", "10000"
    calls = metered(*words)
    together, bunched = sum(call.nth > 0 for call in calls), stats()["pacing"]["bunched"]
    run(WIREMILL, "-o", "plan.pcap", *words)
    at_once = sum(a == b for a, b in itertools.pairwise(at for at, _ in frames.timed(place("plan.pcap"))))
    assert len(calls) == 10000 and bunched <= together <= bunched + at_once, (together, at_once, stats()["pacing"])
    assert together < 9000, "bursts instead of a pace"


# --- ports that send at time stamps

def a_port_that_sends_at_time_stamps_gets_them_by_its_own_clock():
    packets = write(poisson(20000, 50_000, 8))
    for hz in (156_250_000, 1_000_000_000, 3_999_000_000):
        calls = metered("--replay", "in", clock=hz)
        assert len(calls) == len(packets)
        stamped = [(call, at) for call, (at, _) in zip(calls, packets) if call.stamp_ns is not None]
        assert len(stamped) > 1000, f"{len(stamped)} of {len(calls)} have a time stamp"
        stamps = [call.stamp_ns for call, _ in stamped]
        assert stamps == sorted(stamps)
        off = [stamp - at for stamp, (_, at) in zip(stamps, stamped)]
        # Whatever the lcores were kept from, the stamps are exact: to the rounding of the port's clock and of how it is told.
        steps = [abs(b - a) for a, b in zip(off, off[1:])]
        print(f"{hz / 1e6:.2f} MHz: {len(stamped)} stamps, {max(off) - min(off)} ns apart; steps up to {max(steps)} ns")
        assert max(off) - min(off) < 20_000 and sorted(steps)[len(steps) * 9 // 10] < 100, (min(off), max(off), max(steps))
        # Between the stamp and the call, too, somebody else may take the core.
        ahead = sorted(call.stamp_ns - call.ns for call, _ in stamped)
        assert ahead[len(ahead) // 20] > 0 and ahead[-1] < 110_000, (ahead[0], ahead[-1])
        assert stats()["ports"][0]["pacing"] == "nic"


def a_stamped_packet_that_is_late_leaves_at_once_and_counts():
    plan = [(10**18 + (i // 2000) * 100_000_000, (b"\2\0\0\0\0\2" * 2)[:12] + b"\x88\xb5" + bytes(46)) for i in range(6000)]
    write(plan)  # 2000 packets at one time: more than can be handed over ahead
    calls = metered("--replay", "in", clock=1e9)
    said = stats()
    late = [call for call in calls if call.stamp_ns is None]
    assert len(calls) == said["packets"] == 6000 and said["lost"] == 0
    assert [call.ns for call in calls] == sorted(call.ns for call in calls)
    assert said["pacing"]["gaps"] == 5999 and len(late) < 6000


def who_paces_can_be_chosen():
    write(poisson(10000, 50_000, 9))
    calls = metered("--replay", "in", "--port", "0,pacing=tsc", clock=1e9)
    assert all(call.stamp_ns is None for call in calls) and stats()["ports"][0]["pacing"] == "tsc"
    calls = metered("--replay", "in", "--port", "0,pacing=nic", clock=1e9)
    assert any(call.stamp_ns is not None for call in calls) and stats()["ports"][0]["pacing"] == "nic"
    calls = metered("--replay", "in", "-r", "max", clock=1e9)
    assert all(call.stamp_ns is None for call in calls) and stats()["ports"][0]["pacing"] == "tsc"
    for part, sentence in (("pacing=nic", "port net_null0 does not send at time stamps"),
                           ("pacing=hpet", "pacing 'hpet' is none: write nic or tsc"),
                           ("pacing=tsc,pacing=tsc", "pacing is given twice")):
        done = run(WIREMILL, *eal("net_null0"), "--replay", "in", "--port", f"0,{part}", status=2)
        assert sentence in done.stderr.splitlines()[-1], done.stderr


# --- a reader that stops reading the ring

def reader_saw():
    return [int(word) for word in re.findall(r"\d+", pathlib.Path(place("reader")).read_text(encoding="utf-8"))]


def a_reader_that_stops_for_a_while_gets_every_packet_in_order():
    n = 40000
    write(even(n, 50_000))
    for catch_up, shifted in ((100_000, False), (500, True)):
        run(WIREMILL, *eal(), "--replay", "in", "--catch-up", str(catch_up), "--stats-json", "stats.json", LD_PRELOAD=READER,
            READER_FILE=place("reader"), READER_AFTER="5000", READER_STALL="0.5")
        said = stats()
        queue, = said["queues"]
        assert reader_saw() == [n, 0] and said["packets"] == n and said["lost"] == 0, (reader_saw(), said)
        # 10000 packets were due meanwhile, and the ring has room for 1023. What is late is made up for, up to so many
        # packets in a row; then the timeline is shifted, and that is counted.
        assert said["port_full"] > 0 and queue["late"] >= min(catch_up, 5000), said
        assert (queue["shifts"] > 0) == shifted and (queue["shift_s"] > 0.2) == shifted, queue


def a_reader_that_is_gone_does_not_hold_up_the_end():
    n = 20000
    write(even(n, 50_000))
    for words in (["-d", "0.6"], ["-d", "0.6", "-r", "10kpps"]):
        run(WIREMILL, *eal(), "--replay", "in", *words, "--stats-json", "stats.json", LD_PRELOAD=READER,
            READER_FILE=place("reader"), READER_AFTER="2000")
        said = stats()
        seen, disordered = reader_saw()
        assert seen == said["packets"] <= 2000 + 1023 + 32 and disordered == 0, (seen, said["packets"])
        assert said["port_full"] > 0 and said["fresh"] == said["packets"] + said["lost"], said


# --- at the far end

def replays_arrive_in_order_at_their_times():
    with far_end.Link(PREFIX, FOLDER.name) as link:
        for name, packets, kind, how in (("Poisson, ns pcap", poisson(20000, 50_000, 7), pcap, {}),
                                         ("Poisson, us pcap", poisson(10000, 100_000, 3), pcap, {"tick": 1000}),
                                         ("heavy-tailed, us pcapng", heavy_tailed(8000, 10_000, 1), pcapng, {"resolution": 6}),
                                         ("heavy-tailed, ns pcapng", heavy_tailed(8000, 10_000, 2), pcapng, {})):
            plan = write(packets, kind, **how)
            if how:
                plan = relative([(at // 1000 * 1000, frame) for at, frame in packets])
            with link.capture(2 * len(plan)) as capture:
                run(*link.command(WIREMILL, *eal(AF_PACKET), "--replay", "in", "--loop", "2", "--stats-json", "stats.json"))
            got = capture.timed()
            assert [frame for _, frame in got] == [frame for _, frame in plan] * 2, f"{name}: {len(got)} frames"
            period = plan[-1][0] + plan[-1][0] // (len(plan) - 1)
            due = [at + i * period for i in (0, 1) for at, _ in plan]
            off = drift([at for at, _ in got], due)
            print(f"{name}: {off} ns of drift in {due[-1] / 1e9:.3f} s")
            assert abs(off) < max(200_000, 2e-5 * due[-1]), (name, off)
            assert stats()["shifts"] == 0 and stats()["packets"] == len(got)


def rates_are_kept_in_the_long_run():
    with far_end.Link(PREFIX, FOLDER.name) as link:
        for rate, pps, n in (("1kpps", 1000, 4000), ("100kpps", 100_000, 200_000)):
            write(even(n))
            with link.capture(n, 64) as capture:
                run(*link.command(WIREMILL, *eal(AF_PACKET), "--replay", "in", "-r", rate, "--catch-up", "1000000",
                                  "--stats-json", "stats.json"))
            times = [at for at, _ in capture.timed()]
            assert len(times) == n == stats()["packets"]
            late, off = stats()["queues"][0]["late"], drift(times, [i * 10**9 // pps for i in range(n)])
            print(f"{rate}: {off / (times[-1] - times[0]) * 4e6 / 3:+.2f} ppm at the far end; {late} of {n} packets late")
            assert off > -100_000 and (off < 100_000 or late > n // 2), f"{off} ns of drift"


def as_fast_as_the_port_takes_them_all_arrive():
    with far_end.Link(PREFIX, FOLDER.name) as link:
        plan = write(poisson(60000, 1000, 5))
        with link.capture(60000, 64) as capture:
            run(*link.command(WIREMILL, *eal(AF_PACKET), "--replay", "in", "-r", "max", "--stats-json", "stats.json"))
        got = capture.timed()
        assert [frame for _, frame in got] == [frame[:64] for _, frame in plan], f"{len(got)} frames"
        print(f"af_packet takes {mean_rate([at for at, _ in got]):.0f} packets a second here")


def a_rate_changes_at_the_far_end_without_a_gap():
    with far_end.Link(PREFIX, FOLDER.name) as link, link.capture(None, 64) as capture:
        sock = place("sock")
        with running.Run(WIREMILL, FOLDER.name, *eal(AF_PACKET), "-m", MODEL, "-r", "2kpps", "--control", sock,
                         "--stats-json", "stats.json", prefix=("ip", "netns", "exec", link.near)) as process:
            process.began(sock)
            marks = []
            for rate in ("2kpps", "20kpps", "500pps", "5kpps"):
                run(CTL, "--socket", sock, "rate", rate)
                marks.append(time.time_ns())
                time.sleep(1)
            marks.append(time.time_ns())
            run(CTL, "--socket", sock, "stop")
            assert process.end() == 0, process.said()
        capture.count = stats()["packets"]
    times = [at for at, _ in capture.timed()]
    assert len(times) == stats()["packets"]
    for begin, end, want in zip(marks, marks[1:], (2000, 20_000, 500, 5000)):
        inside = [at for at in times if begin + 200_000_000 <= at < end - 50_000_000]
        assert want / 3 < mean_rate(inside) < want * 3, (want, mean_rate(inside))
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert max(gaps) < 500_000_000, f"a gap of {max(gaps) / 1e6:.0f} ms"


def laps_at_the_far_end_are_other_flows_and_valid():
    slow = ["packets=40000", "slow=1", "ring=256", "recycle=1024"]
    with far_end.Link(PREFIX, FOLDER.name) as link:
        with link.capture(40000) as capture:
            said = run(*link.command(FAKE, "mill", *eal(AF_PACKET), *slow)).stdout
        fresh, recycled = (int(n) for n in re.search(r"^total: fresh (\d+) recycled (\d+)", said, re.M).groups())
        got = [frame for _, frame in capture.timed()]
        assert len(got) == fresh + recycled == 40000 and recycled > 10000, said
        assert all(frames.checksums_are_right(frame) for frame in got)
        with link.capture(fresh) as capture:
            run(*link.command(FAKE, "mill", *eal(AF_PACKET), f"packets={fresh}"))
    known = {frames.flow(frame) for _, frame in capture.timed()}
    others = sum(frames.flow(frame) not in known for frame in got)
    assert 0.8 * recycled < others <= recycled, f"{others} of {recycled} recycled packets are of another flow"


def tidy_up():
    """EAL leaves its run-time folders."""
    for base in ("/var/run", os.environ.get("XDG_RUNTIME_DIR", "/tmp"), "/tmp"):
        for folder in pathlib.Path(base, "dpdk").glob(f"{PREFIX}-*"):
            shutil.rmtree(folder, ignore_errors=True)


def main():
    atexit.register(tidy_up)
    claims.run("wiremill keeps time", [
        the_burst_call_comes_when_the_plan_has_it,
        a_packet_leaves_alone_unless_the_plan_or_lateness_says_otherwise,
        a_port_that_sends_at_time_stamps_gets_them_by_its_own_clock,
        a_stamped_packet_that_is_late_leaves_at_once_and_counts,
        who_paces_can_be_chosen,
        a_reader_that_stops_for_a_while_gets_every_packet_in_order,
        a_reader_that_is_gone_does_not_hold_up_the_end,
        replays_arrive_in_order_at_their_times,
        rates_are_kept_in_the_long_run,
        as_fast_as_the_port_takes_them_all_arrive,
        a_rate_changes_at_the_far_end_without_a_gap,
        laps_at_the_far_end_are_other_flows_and_valid,
    ])


main()
