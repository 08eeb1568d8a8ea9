#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""tshark finds no more wrong with what wiremill mills than with the capture that it was learned from.

usage: test_truth.py WIREMILL_TRAIN WIREMILL CAPTURES
"""

import collections
import gzip
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile

import claims

TRAIN, MILL, CAPTURES = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:4])
LIMIT_S = 200 * claims.PATIENCE
N_PACKETS = 10000
# In 1000 packets, of each kind: a model that learned for seconds draws rare things a few times too often.
SLACK = 2


def complaints(path):
    """{(severity, protocol, what): how often} of errors and warnings."""
    run = subprocess.run(["tshark", "-n", "-r", path, "-q", "-z", "expert,warn"], capture_output=True, check=False,
                         encoding="utf-8", errors="replace", timeout=LIMIT_S)
    assert run.returncode == 0, run.stderr
    found, severity = collections.Counter(), None
    for line in run.stdout.splitlines():
        title = re.match(r"(Errors|Warns) \(", line)
        row = re.match(r"\s*(\d+)\s+(\S+)\s+(\S.*?)\s{2,}(\S.*)", line)
        if title:
            severity = title[1]
        elif row and severity:
            found[severity, row[3], re.sub(r"\d+", "#", row[4])] += int(row[1])
    return found


def read_capture(name):
    """(pcap file header, [(record header, frame)]) of a little-endian capture."""
    data = gzip.decompress(pathlib.Path(CAPTURES, f"{name}.pcap.gz").read_bytes())
    assert data[:4] in (bytes.fromhex("d4c3b2a1"), bytes.fromhex("4d3cb2a1"))
    at, records = 24, []
    while at < len(data):
        kept = struct.unpack_from("<I", data, at + 8)[0]
        records.append((data[at:at + 16], data[at + 16:at + 16 + kept]))
        at += 16 + kept
    return data[:24], records


def compare(name, snap=65535):
    """Mill what was learned of a capture cut to `snap` bytes a packet, and hold its complaints to the capture's."""
    if shutil.which("tshark") is None:
        raise claims.Skip("tshark is not installed")
    head, records = read_capture(name)
    with tempfile.TemporaryDirectory() as folder:
        real, model, milled = (str(pathlib.Path(folder, file)) for file in ("real.pcap", "m", "milled.pcap"))
        with open(real, "wb") as file:
            file.write(head)
            for stamp, frame in records:
                cut = frame[:snap]
                file.write(stamp[:8] + struct.pack("<I", len(cut)) + stamp[12:] + cut)
        for words in [TRAIN, real, "-o", model, "-q", "--time-limit", "60"], [MILL, "-m", model, "-o", milled, "-n",
                                                                              str(N_PACKETS)]:
            run = subprocess.run(words, capture_output=True, check=False, encoding="utf-8", timeout=LIMIT_S)
            assert run.returncode == 0, run.stderr
        before, after = complaints(real), complaints(milled)
    for kind, n in after.items():
        rate, real_rate = 1000 * n / N_PACKETS, 1000 * before[kind] / len(records)
        assert rate <= 1.5 * real_rate + SLACK, f"{kind}: {rate:.1f} of 1000 packets, {real_rate:.1f} in the capture"


def dns_raises_no_more_complaints_than_the_real():
    compare("dns")


def dns_learned_from_headers_alone_raises_no_more_complaints():
    compare("dns", snap=62)  # Ethernet, IPv6, UDP


def mqtt_raises_no_more_complaints_than_the_real():
    compare("mqtt")


def smtp_raises_no_more_complaints_than_the_real():
    compare("smtp")


claims.run("truth", [
    dns_raises_no_more_complaints_than_the_real,
    dns_learned_from_headers_alone_raises_no_more_complaints,
    mqtt_raises_no_more_complaints_than_the_real,
    smtp_raises_no_more_complaints_than_the_real,
])
