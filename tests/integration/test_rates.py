#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A model with a rate in packets or bits a second has it: soon after its start, and for good.

usage: test_rates.py WIREMILL MODELS
"""

import collections
import csv
import pathlib
import struct
import subprocess
import sys
import tempfile

import claims

WIREMILL, MODELS = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
LIMIT_S = 120
FOLDER = tempfile.TemporaryDirectory()
WINDOW_NS = 9 * 10**9  # some laps of a capture of one or a few minutes at the rates that are asked for here


def milled(*words):
    done = subprocess.run([WIREMILL, *words, "-o", "x.pcap"], capture_output=True, encoding="utf-8", check=False,
                          timeout=LIMIT_S, cwd=FOLDER.name)
    assert done.returncode == 0, f"{words}: status {done.returncode}: {done.stderr}"
    return pathlib.Path(FOLDER.name, "x.pcap").read_bytes()


def packets(capture):
    """(time in ns, length) of each packet of a nanosecond pcap."""
    at = 24
    while at < len(capture):
        sec, ns, kept, length = struct.unpack_from("<IIII", capture, at)
        yield sec * 10**9 + ns, length
        at += 16 + kept


def packets_a_second_are_those_asked_for_soon_and_for_good():
    for model, first in ("mix", 0.1), ("http", 0.1), ("smtp", 0.1), ("dns", 0.1):
        capture = milled("-m", f"{MODELS}/{model}.safetensors,rate=5kpps", "-d", "120", "--snaplen", "60")
        times = [time for time, _ in packets(capture)]
        second, some = (sum(time < end for time in times) / (5000 * end / 1e9) for end in (10**9, WINDOW_NS))
        last = sum(time >= 60 * 10**9 for time in times) / (5000 * 60)
        assert abs(second - 1) < first, (model, second)
        assert abs(some - 1) < 0.05, (model, some)
        assert abs(last - 1) < 0.02, (model, last)


def bits_a_second_are_those_asked_for():
    found = list(packets(milled("-m", f"{MODELS}/mix.safetensors,rate=20Mbps", "-d", "60", "--snaplen", "60")))
    for end in WINDOW_NS, 60 * 10**9:
        bits = sum(8 * (length + 4) for time, length in found if time < end) / (end / 1e9)
        assert abs(bits / 20e6 - 1) < 0.1, (end, bits)


def nothing_comes_before_the_start_and_the_rate_is_there_at_once():
    words = ["-m", f"{MODELS}/mix.safetensors,rate=5kpps,start=30,stop=40", "-d", "60", "--snaplen", "60", "--labels",
             "labels.csv"]
    capture = milled(*words, "-w", "1")
    times = [time for time, _ in packets(capture)]
    assert 30 * 10**9 <= times[0] < 30.01 * 10**9, times[0]
    seconds = collections.Counter(time // 10**9 for time in times)
    assert abs(sum(seconds[i] for i in range(30, 40)) / 50000 - 1) < 0.05, seconds
    with open(pathlib.Path(FOLDER.name, "labels.csv"), encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["packets"]) for row in rows) == len(times)
    assert min(float(row["start"]) for row in rows) >= 30
    for workers in "2", "5":
        assert milled(*words, "-w", workers) == capture, f"-w {workers} differs"


def a_rise_begins_with_nothing_and_flows_a_second_begin_with_no_others():
    for words, most in ("rate=5kpps,rise=20", 2500), ("rate=400fps", 450):
        path = str(pathlib.Path(FOLDER.name, "labels.csv"))
        milled("-m", f"{MODELS}/mix.safetensors,{words}", "-d", "1", "--labels", path)
        with open(path, encoding="utf-8") as file:
            assert 0 < len(list(csv.DictReader(file))) < most, words


with FOLDER:
    claims.run("rates", [
        packets_a_second_are_those_asked_for_soon_and_for_good,
        bits_a_second_are_those_asked_for,
        nothing_comes_before_the_start_and_the_rate_is_there_at_once,
        a_rise_begins_with_nothing_and_flows_a_second_begin_with_no_others,
    ])
