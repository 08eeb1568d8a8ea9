#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A model with a rate in packets or bits a second has it, soon after its start and for good; one of a whole day has its hours.

usage: test_rates.py WIREMILL MODELS WIREMILL_TRAIN
"""

import collections
import csv
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

import claims
import little_capture

WIREMILL, MODELS, TRAIN = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:4])
LIMIT_S = 120 * claims.PATIENCE
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
    for model in "mix", "http", "smtp", "dns":
        words = "-m", f"{MODELS}/{model}.safetensors,rate=5kpps", "--snaplen", "60"
        # One second of traffic in bursts says little: that of one seed is up to .11 off.
        seconds = [sum(1 for _ in packets(milled(*words, "-d", "1", "-s", seed))) / 5000 for seed in "1234"]
        times = [time for time, _ in packets(milled(*words, "-d", "120"))]
        some = sum(time < WINDOW_NS for time in times) / (5000 * WINDOW_NS / 1e9)
        last = sum(time >= 60 * 10**9 for time in times) / (5000 * 60)
        assert abs(sum(seconds) / len(seconds) - 1) < 0.1, (model, seconds)
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


def a_day():
    """Questions and answers, more by day than by night; and how many in each hour."""
    rng, out, hours = random.Random(1), [], [round(100 - 80 * math.cos(2 * math.pi * (hour - 3) / 24)) for hour in range(24)]
    starts = sorted(3600 * (hour + rng.random()) for hour, n in enumerate(hours) for _ in range(n))
    for i, start in enumerate(starts):
        client, port = (10, 0, 0, 2 + i % 9), 20000 + i
        for at, frame in ((start, little_capture.udp(client, (10, 0, 1, 1), port, 53, b"q" * rng.randrange(20, 60))),
                          (start + 0.02, little_capture.udp((10, 0, 1, 1), client, 53, port, b"r" * rng.randrange(60, 200)))):
            out.append(struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(frame), len(frame)) + frame)
    return struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1) + b"".join(out), hours


def a_run_of_two_days_has_the_hours_of_the_day_that_was_learned():
    data, hours = a_day()
    pathlib.Path(FOLDER.name, "day.pcap").write_bytes(data)
    subprocess.run([TRAIN, "-q", "day.pcap", "-o", "day.wm", "--time-limit", "5"], cwd=FOLDER.name, check=True, capture_output=True,
                   timeout=LIMIT_S)
    for words, share in ("day.wm", 1), ("day.wm,weight=0.5", 0.5):
        found = collections.Counter(time // (3600 * 10**9) for time, _ in packets(milled("-m", words, "-d", str(48 * 3600))))
        for hour in range(48):
            want = 2 * share * hours[hour % 24]
            assert abs(found[hour] - want) < 0.2 * want + 30 * share, (words, hour, found[hour], want)
    flat = collections.Counter(time // (3600 * 10**9) for time, _ in
                               packets(milled("-m", "day.wm", "--level", "flow", "-d", str(24 * 3600))))
    assert max(flat.values()) < 2 * min(flat.values()), flat


with FOLDER:
    claims.run("rates", [
        packets_a_second_are_those_asked_for_soon_and_for_good,
        bits_a_second_are_those_asked_for,
        nothing_comes_before_the_start_and_the_rate_is_there_at_once,
        a_rise_begins_with_nothing_and_flows_a_second_begin_with_no_others,
        a_run_of_two_days_has_the_hours_of_the_day_that_was_learned,
    ])
