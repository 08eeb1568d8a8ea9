# SPDX-License-Identifier: BSD-3-Clause
"""running: a wiremill that runs beside its test, and those who ask it."""

import itertools
import json
import os
import socket
import subprocess
import time

import claims

LIMIT_S = 60 * claims.PATIENCE
RUNS = itertools.count()
PREFIX = f"wr{os.getpid()}"  # of names that others can see


def eal(*words, lcores=2):
    """EAL's options for a run of its own on as many lcores, which share the cores that there are."""
    cores = sorted(os.sched_getaffinity(0))
    lcore_map = ",".join(f"{i}@{cores[i % len(cores)]}" for i in range(lcores))
    return ["--lcores", lcore_map, "--no-huge", "-m", "256", "--no-pci", "--no-telemetry", "--log-level", "error",
            "--file-prefix", f"{PREFIX}-{next(RUNS)}", *words, "--"]


def wait_for(what, limit_s=LIMIT_S):
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        value = what()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {limit_s} s in vain")


def ask(path, line, limit_s=LIMIT_S):
    """A line to a control socket, and its answer."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(limit_s)
        s.connect(path)
        s.sendall(line.encode() + b"\n")
        return json.loads(s.makefile("rb").readline())


class Run:
    """wiremill with these words, in this folder, until the end of the block."""

    def __init__(self, program, folder, *words, prefix=()):
        self.log = open(os.path.join(folder, "stderr.txt"), "w+", encoding="utf-8")
        self.process = subprocess.Popen([*prefix, program, *words], cwd=folder, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=self.log)

    def said(self):
        with open(self.log.name, encoding="utf-8") as log:
            return log.read()

    def began(self, path):
        """The status once there are numbers."""
        def status():
            assert self.process.poll() is None, self.said()
            try:
                return ask(path, "status").get("status")
            except (FileNotFoundError, ConnectionRefusedError):
                return None
        return wait_for(status)

    def end(self, limit_s=LIMIT_S):
        return self.process.wait(limit_s)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
