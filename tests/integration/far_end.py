# SPDX-License-Identifier: BSD-3-Clause
"""far_end: a veth pair between two network namespaces, and what tcpdump sees at its far end, with nanosecond stamps."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

import claims
import frames

LIMIT_S = 120 * claims.PATIENCE
QUIET = "for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do [ ! -e $f ] || echo 1 >$f; done"


def run(*command):
    subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_S)


class Link:
    """`near` in the namespace .near, its peer `far` in .far, both without any traffic of their own."""

    def __init__(self, prefix, folder):
        self.near, self.far, self.folder = f"{prefix}near", f"{prefix}far", folder

    def __enter__(self):
        if os.geteuid() != 0:
            raise claims.Skip("network namespaces need root")
        for program in ("ip", "tcpdump"):
            if shutil.which(program) is None:
                raise claims.Skip(f"there is no {program}")
        try:
            for space in (self.near, self.far):
                run("ip", "netns", "add", space)
                run("ip", "netns", "exec", space, "sh", "-c", QUIET)
            run("ip", "-n", self.near, "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", self.far)
            for space, name in ((self.near, "near"), (self.far, "far")):
                run("ip", "-n", space, "link", "set", name, "arp", "off", "up")
        except subprocess.CalledProcessError as reason:
            self.__exit__()
            raise claims.Skip(f"no network namespaces here: {reason.stderr.decode()}") from None
        return self

    def __exit__(self, *_):
        for space in (self.near, self.far):
            subprocess.run(["ip", "netns", "del", space], check=False, stderr=subprocess.DEVNULL)

    def command(self, *words):
        """That runs at the near end."""
        return ["ip", "netns", "exec", self.near, *words]

    def capture(self, count=None, snaplen=0):
        return Capture(self, count, snaplen)


class Capture:
    """What arrives until the end of the block; if `count` is given, that waits until so many packets are there."""

    def __init__(self, link, count, snaplen):
        self.path, self.count = pathlib.Path(link.folder, "far.pcap"), count
        self.dump = subprocess.Popen(
            ["ip", "netns", "exec", link.far, "tcpdump", "-Z", "root", "-i", "far", "-Q", "in", "-s", str(snaplen), "-B",
             "65536", "-U", "--time-stamp-precision=nano", "-w", str(self.path)], stderr=subprocess.PIPE, encoding="utf-8")

    def __enter__(self):
        assert any("listening" in line for line in self.dump.stderr)
        return self

    def __exit__(self, kind, *_):
        until = time.monotonic() + 10
        while kind is None and self.count is not None and time.monotonic() < until and len(frames.read(self.path)) < self.count:
            time.sleep(0.2)
        self.dump.send_signal(signal.SIGINT)
        said = self.dump.stderr.read()
        self.dump.wait(timeout=LIMIT_S)
        if kind is None:
            assert "\n0 packets dropped by kernel" in said, said

    def timed(self):
        """[(time in ns, frame)]"""
        return frames.timed(self.path)
