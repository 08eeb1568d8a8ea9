#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""wiremill sends through a device that stands between two ports and measures what that does to packets.

The device is a bridge of the kernel in a network namespace of its own, or a forwarder of ours that loses, doubles and
delays on purpose; captures at its doors are the truth.

usage: test_links.py WIREMILL WIREMILL_TRAIN
"""

import atexit
import itertools
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import claims
import frames
import little_capture

WIREMILL, TRAIN = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
LIMIT_S = 120 * claims.PATIENCE  # for a machine that does other things too
RUNS = itertools.count()
PREFIX = f"wl{os.getpid()}"  # of names that others can see
NEAR, DEVICE = f"{PREFIX}near", f"{PREFIX}dut"
FOLDER = tempfile.TemporaryDirectory()
QUIET = ("for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do [ ! -e $f ] || echo 1 >$f; done")


def place(name):
    return str(pathlib.Path(FOLDER.name, name))


def run(*command, status=0, limit_s=LIMIT_S, **more):
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=limit_s, cwd=FOLDER.name,
                          **more)
    assert done.returncode == status, f"{command}: status {done.returncode}: {done.stderr}"
    return done


def inside(space, *command, **more):
    return run("ip", "netns", "exec", space, *command, **more)


def wiremill(*words, ports=2, lcores=3):
    """The command that sends from the near namespace on as many lcores, which share the cores that there are."""
    cores = sorted(os.sched_getaffinity(0))
    lcore_map = ",".join(f"{i}@{cores[i % len(cores)]}" for i in range(lcores))
    vdevs = [word for i in range(ports)
             for word in ("--vdev", f"net_af_packet{i},iface=near{i},framecnt=8192,blocksz=1048576")]
    return ["ip", "netns", "exec", NEAR, WIREMILL, "--lcores", lcore_map, "--no-huge", "-m", "256", "--no-pci",
            "--no-telemetry", "--log-level", "error", "--file-prefix", f"{PREFIX}-{next(RUNS)}", *vdevs, "--", "-m", "m",
            "--stats-json", "stats.json", *words]


def statistics():
    stats = json.loads(pathlib.Path(place("stats.json")).read_text(encoding="utf-8"))
    assert stats["fresh"] + stats["recycled"] == stats["packets"] + stats["oversize"] + stats["lost"], stats
    sent = {queue["port"]: queue["sent"] for queue in stats["queues"]}
    for way in stats["directions"]:
        assert way["sent"] == way["received"] + way["lost"] + way["under_way"] + way["unseen"], way
        assert way["sent"] == sent[way["from"]] and way["under_way"] == 0, way
    return stats


def set_up(bridged):
    """near0 - device0 and near1 - device1, without any traffic of their own."""
    for space in (NEAR, DEVICE):
        run("ip", "netns", "add", space)
        inside(space, "sh", "-c", QUIET)
    if bridged:
        run("ip", "-n", DEVICE, "link", "add", "name", "bridge", "type", "bridge", "mcast_snooping", "0", "ageing_time",
            "0")
    for i in range(2):
        run("ip", "-n", NEAR, "link", "add", "name", f"near{i}", "type", "veth", "peer", "name", f"device{i}", "netns",
            DEVICE)
        for space, name in ((NEAR, f"near{i}"), (DEVICE, f"device{i}")):
            subprocess.run(["ip", "netns", "exec", space, "ethtool", "-K", name, "tx", "off", "rx", "off", "gso", "off",
                            "gro", "off", "tso", "off", "txvlan", "off", "rxvlan", "off"], check=False,
                           capture_output=True)
            run("ip", "-n", space, "link", "set", name, "arp", "off", "up")
        if bridged:
            run("ip", "-n", DEVICE, "link", "set", f"device{i}", "master", "bridge")
    if bridged:
        run("ip", "-n", DEVICE, "link", "set", "bridge", "arp", "off", "up")


def tear_down():
    for space in (NEAR, DEVICE):
        subprocess.run(["ip", "netns", "del", space], check=False, stderr=subprocess.DEVNULL)


def with_device(bridged, *programs):
    """Run a test with the namespaces, or skip it where there can be none."""
    def decorate(function):
        def test():
            if os.geteuid() != 0:
                raise claims.Skip("network namespaces need root")
            for program in ("ip", "tcpdump", "ethtool", *programs):
                if shutil.which(program) is None:
                    raise claims.Skip(f"there is no {program}")
            try:
                try:
                    set_up(bridged)
                except AssertionError as reason:
                    raise claims.Skip(f"no network namespaces here: {reason}") from None
                function()
            finally:
                tear_down()
        test.__name__ = function.__name__
        return test
    return decorate


class Captures:
    """tcpdump at both of the device's doors, for what comes in there."""

    def __init__(self):
        self.dumps = [subprocess.Popen(
            ["ip", "netns", "exec", DEVICE, "tcpdump", "-Z", "root", "-i", f"device{i}", "-Q", "in", "-s", "0", "-B",
             "65536", "-U", "--time-stamp-precision=nano", "-w", place(f"door{i}.pcap")], stderr=subprocess.PIPE,
            encoding="utf-8") for i in range(2)]

    def __enter__(self):
        for dump in self.dumps:
            assert any("listening" in line for line in dump.stderr)
        return self

    def __exit__(self, *exception):
        deadline = time.monotonic() + 5
        while not exception[0] and time.monotonic() < deadline and not self.is_complete():
            time.sleep(0.1)
        for dump in self.dumps:
            dump.send_signal(signal.SIGINT)
            dump.stderr.read()
            dump.wait(timeout=LIMIT_S)

    @staticmethod
    def is_complete():
        queues = json.loads(pathlib.Path(place("stats.json")).read_text(encoding="utf-8"))["queues"]
        return [len(frames.read(place(f"door{i}.pcap"))) for i in range(2)] == [queue["sent"] for queue in queues]

    @staticmethod
    def read():
        """[(time in ns, frame)] of each door."""
        return [list(zip(stamps(place(f"door{i}.pcap")), frames.read(place(f"door{i}.pcap")))) for i in range(2)]


def stamps(path):
    data, at, found = pathlib.Path(path).read_bytes(), 24, []
    assert data[:4] == b"\x4d\x3c\xb2\xa1", "no nanosecond pcap"
    while at + 16 <= len(data):
        seconds, ns, length = struct.unpack_from("<III", data, at)
        found.append(seconds * 10 ** 9 + ns)
        at += 16 + length
    return found


@with_device(True)
def clients_come_in_at_one_door_and_servers_at_the_other_in_the_order_of_time():
    run(WIREMILL, "-m", "m", "-o", "pcap.pcap", "-n", "8000", "-r", "4kpps")
    with Captures():
        run(*wiremill("-n", "8000", "-r", "4kpps", "--directions", "split"))
    assert statistics()["packets"] == 8000
    doors = Captures.read()
    want = frames.read(place("pcap.pcap"))
    assert sorted(frame for door in doors for _, frame in door) == sorted(want)
    merged = [frame for _, frame in sorted(doors[0] + doors[1], key=lambda packet: packet[0])]
    assert merged == want, f"{sum(a != b for a, b in zip(merged, want))} frames are not where they belong"
    senders = [{(frames.flow(frame), frame[6:12]) for _, frame in door} for door in doors]
    assert not senders[0] & senders[1], "a sender comes in at both doors"


@with_device(True)
def frames_have_the_addresses_and_the_vlan_of_their_port():
    macs = [[f"02:aa:00:00:0{i}:0{k}" for k in range(2)] for i in range(2)]
    ports = [word for i in range(2)
             for word in ("--port", f"{i},src-mac={macs[i][0]},dst-mac={macs[i][1]},vlan={10 + i}")]
    with Captures():
        run(*wiremill("-n", "2000", "-r", "2kpps", "--directions", "split", "--receive", *ports))
    stats = statistics()
    for i, door in enumerate(Captures.read()):
        assert len(door) == stats["queues"][i]["sent"] > 100
        for _, frame in door:
            assert frame[6:12].hex(":") == macs[i][0] and frame[12:16] == bytes((0x81, 0, 0, 10 + i)), frame.hex()
            assert frame[0] & 1 or frame[:6].hex(":") == macs[i][1], frame.hex()
            assert frames.checksums_are_right(frame), frame.hex()
    for way in stats["directions"]:
        assert way["received"] == way["sent"] and way["strangers"] == 0, way


@with_device(True, "nft")
def what_a_bridge_loses_is_counted():
    rules = """table bridge loss {
        chain forward {
            type filter hook forward priority 0;
            numgen inc mod 100 == 0 counter drop
        }
    }"""
    try:
        inside(DEVICE, "nft", "-f", "-", input=rules)
    except AssertionError as reason:
        raise claims.Skip(f"no nftables for bridges here: {reason}") from None
    run(*wiremill("-n", "20000", "-r", "4kpps", "--directions", "split", "--receive"))
    stats = statistics()
    dropped = int(re.search(r"counter packets (\d+)", inside(DEVICE, "nft", "list", "ruleset").stdout)[1])
    assert dropped == 200, dropped
    assert sum(way["lost"] for way in stats["directions"]) == dropped, stats["directions"]
    for way in stats["directions"]:
        assert way["lost"] > 0 and way["reordered"] == way["duplicates"] == way["strangers"] == 0, way


class Forwarder(threading.Thread):
    """A device that loses, doubles and delays frames, and brings up some of its own; it counts what it does."""

    def __init__(self, delay_s):
        super().__init__(daemon=True)
        self.delay_s = delay_s
        self.counts = [{"lost": 0, "duplicates": 0, "reordered": 0, "strangers": 0} for _ in range(2)]
        self.sockets, self.stopped, self.failure = [], False, None
        self.ready = threading.Event()

    def open(self):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # what moves to another core may overtake itself
        with open(f"/run/netns/{DEVICE}", "rb") as space:
            if hasattr(os, "setns"):
                os.setns(space.fileno(), 0x40000000)
            else:
                import ctypes  # pylint: disable=import-outside-toplevel
                assert ctypes.CDLL(None, use_errno=True).setns(space.fileno(), 0x40000000) == 0
        for i in range(2):
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            sock.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
            sock.setsockopt(263, 23, 1)  # SOL_PACKET, PACKET_IGNORE_OUTGOING
            sock.bind((f"device{i}", 0))
            self.sockets.append(sock)

    def run(self):
        try:
            self.open()
            self.ready.set()
            self.forward()
        except Exception as failure:  # told by stop()
            self.failure = failure
            self.ready.set()

    def forward(self):
        dice = random.Random(1)
        held = [None, None]
        while not self.stopped:
            for sock in select.select(self.sockets, [], [], 0.05)[0]:
                side = self.sockets.index(sock)
                frame, out, count = sock.recv(65536), self.sockets[1 - side], self.counts[side]
                if self.delay_s:
                    time.sleep(self.delay_s)
                fate = dice.randrange(100)
                unique = frames.network(frame)[0] == 0x0800  # others may be alike
                if fate < 2 and unique:
                    count["lost"] += 1
                    continue
                if fate < 4 and unique and held[side] is None:
                    held[side] = frame
                    continue
                out.send(frame)
                if fate < 6 and unique:
                    out.send(frame)
                    count["duplicates"] += 1
                if fate == 6:
                    out.send(bytes(12) + b"\x88\xb5" + dice.randbytes(46))
                    count["strangers"] += 1
                if held[side] is not None:
                    out.send(held[side])
                    held[side] = None
                    count["reordered"] += 1
        for side in range(2):
            self.counts[side]["lost"] += held[side] is not None

    def stop(self):
        self.stopped = True
        self.join(timeout=10)
        if self.failure is not None:
            raise self.failure


def through_forwarder(delay_s, *words):
    device = Forwarder(delay_s)
    device.start()
    device.ready.wait(timeout=10)
    try:
        run(*wiremill(*words))
    finally:
        device.stop()
    return device.counts


@with_device(False)
def losses_doubles_and_detours_are_told_apart_in_each_direction():
    counts = through_forwarder(0, "-n", "8000", "-r", "2kpps", "--directions", "split", "--receive")
    for way in statistics()["directions"]:
        want = counts[way["from"]]
        assert min(want.values()) > 5, want
        got = {key: way[key] for key in want}
        # Frames that are the same: none is ahead of the other, and one that comes twice stands for another that was lost.
        alike = want["lost"] - got["lost"]
        assert 0 <= alike <= 3 and abs(got["reordered"] - want["reordered"]) <= 3, f"{way}, expected {want}"
        want = {**want, "lost": got["lost"], "duplicates": want["duplicates"] - alike, "reordered": got["reordered"]}
        assert got == want, f"{way}, expected {want}"


@with_device(False)
def latency_is_that_of_the_device():
    through_forwarder(0.004, "-n", "100", "-r", "25pps", "--receive", "--directions", "split")
    for way in statistics()["directions"]:
        latency = way["latency_ns"]
        assert 4e6 <= latency["min"] <= latency["median"] <= latency["p99"] <= latency["max"], latency
        assert latency["min"] < 250e6, latency  # the machine may do much else


@with_device(True)
def a_link_that_goes_down_and_up_does_not_end_the_run():
    command = wiremill("-n", "6000", "-r", "2kpps", "--receive", "--directions", "split", "--stats", "0.2")
    process = subprocess.Popen(command, cwd=FOLDER.name, stderr=subprocess.PIPE, encoding="utf-8")
    try:
        said = [next(line for line in process.stderr if "packets sent" in line)]
        for state, sentence in (("down", "its link is down"), ("up", "its link is up again")):
            run("ip", "-n", DEVICE, "link", "set", "device0", state)
            said.append(next(line for line in process.stderr if sentence in line))
            time.sleep(0.3)
        said += process.stderr.readlines()
        assert process.wait(timeout=LIMIT_S) == 0, said
    finally:
        process.kill()
    stats = statistics()
    ports = stats["ports"]
    assert [port["link"] for port in ports] == ["up", "up"] and ports[0]["link_downs"] == 1, ports
    assert 0.1 < ports[0]["link_down_s"] < 3, ports
    assert stats["packets"] + stats["link_down"] == 6000 and stats["link_down"] > 10, stats
    assert stats["queues"][1]["lost"] == 0 and stats["directions"][1]["received"] > 1000, stats
    assert any("went down 1 times" in line for line in said), said


@with_device(True)
def a_run_on_a_link_that_is_down_ends_with_a_signal():
    run("ip", "-n", DEVICE, "link", "set", "device0", "down")
    for words in (["-r", "max"], ["-r", "50kpps"]):
        process = subprocess.Popen(wiremill("--stats", "0.3", *words, ports=1), cwd=FOLDER.name, stderr=subprocess.PIPE,
                                   encoding="utf-8")
        try:
            line = next(line for line in process.stderr if "packets sent" in line)
            process.send_signal(signal.SIGINT)
            rest = process.stderr.read()
            assert process.wait(timeout=10) == 0, line + rest
        finally:
            process.kill()
        assert statistics()["ports"][0]["link"] == "down"


def tidy_up():
    """EAL leaves its run-time folders."""
    for base in ("/var/run", os.environ.get("XDG_RUNTIME_DIR", "/tmp"), "/tmp"):
        for folder in pathlib.Path(base, "dpdk").glob(f"{PREFIX}-*"):
            shutil.rmtree(folder, ignore_errors=True)


def main():
    atexit.register(tidy_up)
    capture, _ = little_capture.pcap(100)
    pathlib.Path(place("a.pcap")).write_bytes(capture)
    run(TRAIN, "-q", "a.pcap", "-o", "m", "--time-limit", "5")
    claims.run("wiremill through a device", [
        clients_come_in_at_one_door_and_servers_at_the_other_in_the_order_of_time,
        frames_have_the_addresses_and_the_vlan_of_their_port,
        what_a_bridge_loses_is_counted,
        losses_doubles_and_detours_are_told_apart_in_each_direction,
        latency_is_that_of_the_device,
        a_link_that_goes_down_and_up_does_not_end_the_run,
        a_run_on_a_link_that_is_down_ends_with_a_signal,
    ])


main()
