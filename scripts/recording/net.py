# SPDX-License-Identifier: BSD-3-Clause
"""net: hosts in network namespaces on one bridge, and the wires to them.

A server hangs on the bridge by a veth pair. A client hangs on it by two TAP devices with a process between them, the
wire, which gives each client its own delay, jitter, loss and access rate (not every kernel has netem).
"""

import ctypes
import dataclasses
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
QUEUE_S = 0.25  # what a wire's buffer holds; a frame that would wait longer is dropped


@dataclasses.dataclass
class Host:
    name: str
    number: int  # last byte of its addresses and of its MAC address
    ttl: int = 64
    mtu: int = 1500
    timestamps: bool = True
    # The wire of a client; a server has none.
    delay_ms: float = 0
    jitter_ms: float = 0
    loss: float = 0
    rate_mbit: float = 0

    @property
    def v4(self):
        return f"10.20.0.{self.number}"

    @property
    def v6(self):
        return f"fd20::{self.number}"

    @property
    def mac(self):
        return f"02:00:0a:14:00:{self.number:02x}"


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def enter(host):
    """Move this process into the host's network namespace; its children are born there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{host.name}", "rb") as ns:
        if libc.setns(ns.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter the network namespace {host.name}")


def open_tap(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return fd


def set_up_bridge():
    run("ip", "link", "set", "lo", "up")
    run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1")  # the bridge itself has nothing to say
    run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
    run("ip", "link", "set", "br0", "up")


def set_up_inside(host, dev):
    ns = ("ip", "netns", "exec", host.name)
    run(*ns, "sysctl", "-qw", f"net.ipv4.ip_default_ttl={host.ttl}", f"net.ipv6.conf.all.hop_limit={host.ttl}",
        f"net.ipv6.conf.{dev}.hop_limit={host.ttl}", f"net.ipv6.conf.{dev}.accept_ra=0",
        f"net.ipv4.tcp_timestamps={int(host.timestamps)}", "net.ipv4.ping_group_range=0 2147483647")
    # Every frame is to look as it would on a cable: at most one MTU long, with its checksums.
    subprocess.run(["ip", "netns", "exec", host.name, "ethtool", "-K", dev, "tx", "off", "rx", "off", "tso", "off",
                    "gso", "off", "gro", "off"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run(*ns, "ip", "link", "set", "lo", "up")
    run(*ns, "ip", "link", "set", dev, "address", host.mac, "mtu", str(host.mtu), "up")
    run(*ns, "ip", "address", "add", f"{host.v4}/24", "dev", dev)
    run(*ns, "ip", "address", "add", f"{host.v6}/64", "dev", dev, "nodad")


def add_server(host):
    outer, inner = f"v-{host.name}", "eth0"
    run("ip", "netns", "add", host.name)
    run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner, "netns", host.name)
    run("ip", "link", "set", outer, "master", "br0", "up")
    run("ethtool", "-K", outer, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
    set_up_inside(host, inner)


def add_client(host):
    """Returns the file descriptors of the wire's two ends: client, bridge."""
    inner, outer = f"i-{host.name}", f"t-{host.name}"
    run("ip", "netns", "add", host.name)
    ends = open_tap(inner), open_tap(outer)
    run("ip", "link", "set", inner, "netns", host.name)
    run("ip", "link", "set", outer, "master", "br0", "up")
    set_up_inside(host, inner)
    return ends


class Wire:
    """One direction of a client's wire."""

    def __init__(self, host, source, sink, seed):
        self.host, self.source, self.sink = host, source, sink
        self.rng = random.Random(seed)
        self.free_at = 0.0  # when the frame before has left
        self.last_due = 0.0

    def due(self, now, length):
        """When a frame arrives at the far end; None = it is lost."""
        host = self.host
        leaves = max(now, self.free_at) + length * 8 / (host.rate_mbit * 1e6)
        if leaves - now > QUEUE_S or self.rng.random() < host.loss:
            return None
        self.free_at = leaves
        jitter = self.rng.expovariate(1) * host.jitter_ms
        self.last_due = max(self.last_due, leaves + (host.delay_ms + jitter) / 1e3)
        return self.last_due


def run_wires(clients, seed):
    """The wires' process: never returns. clients: (host, client end, bridge end)."""
    os.nice(-10)
    wires = {}
    for host, inner, outer in clients:
        wires[inner] = Wire(host, inner, outer, f"{seed}/{host.name}/up")
        wires[outer] = Wire(host, outer, inner, f"{seed}/{host.name}/down")
    poll = select.poll()
    for fd in wires:
        poll.register(fd, select.POLLIN)
    under_way, serial = [], 0
    while True:
        wait_s = under_way[0][0] - time.monotonic() if under_way else 1
        for fd, _ in poll.poll(max(wait_s, 0) * 1e3):
            try:
                frame = os.read(fd, 2048)
            except BlockingIOError:
                continue
            due = wires[fd].due(time.monotonic(), len(frame))
            if due is not None:
                serial += 1
                heapq.heappush(under_way, (due, serial, wires[fd].sink, frame))
        while under_way and under_way[0][0] <= time.monotonic():
            _, _, sink, frame = heapq.heappop(under_way)
            try:
                os.write(sink, frame)
            except OSError:
                pass  # the far end is not up (yet): a frame on a cable that is not plugged in
