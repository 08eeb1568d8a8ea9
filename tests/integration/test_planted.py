#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""wiremill-compare: what is planted shows in its group and in no other.

usage: test_planted.py WIREMILL_COMPARE CAPTURES
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import claims
import planted

COMPARE = str(pathlib.Path(sys.argv[1]).resolve())
CAPTURES = pathlib.Path(sys.argv[2]).resolve()
BESIDE = pathlib.Path(os.environ.get("WIREMILL_DATA_BESIDE", "/absent"))
PACKETS = 4000

# What is planted -> the group that differs. G does too wherever the rest of a capture is a copy.
PLANTED = {
    planted.shuffled_gaps: "B",
    planted.swapped_directions: "A",
    planted.broken_checksums: "D",
    planted.single_port: "A",
    planted.one_length: "C",
    planted.independent_ttls: "T",
    planted.independent_windows: "T",
    planted.independent_columns: "T",
}


def differing(folder, real, synth):
    paths = [pathlib.Path(folder, name) for name in ("real.pcap", "synth.pcap")]
    for path, packets in zip(paths, (real, synth)):
        planted.write(path, packets)
    done = subprocess.run([COMPARE, "-q", *map(str, paths), "--json", "-"], capture_output=True, encoding="utf-8", check=False,
                          timeout=300)
    assert done.returncode == 0, done.stderr
    groups = json.loads(done.stdout)["groups"]
    return "".join(sorted(letter for letter, group in groups.items() if group["verdict"] == "differs"))


def hold(folder, name, real, packets, plants=PLANTED):
    """The packets, spoiled in one way after the other, against real ones."""
    for plant in plants:
        synth = planted.seeded(plant, packets)
        assert synth != packets, f"{name} has nothing to plant {plant.__name__} in"
        differ = differing(folder, real, synth)
        assert differ.replace("G", "") == PLANTED[plant], \
            f"{name}, {plant.__name__}: {differ or 'nothing'} differs, expected {PLANTED[plant]}"


def what_was_done_to_a_capture_shows_beside_it():
    with tempfile.TemporaryDirectory() as folder:
        packets = planted.read(CAPTURES / "mix.pcap.gz")[:PACKETS]
        assert differing(folder, packets, packets) == "G", "a copy"
        for name in ("flood", "scan"):  # flows of a few packets that are all alike
            short = planted.read(CAPTURES / f"{name}.pcap.gz")[:PACKETS]
            assert differing(folder, short, short) == "G", f"a copy of {name}"
        hold(folder, "mix", packets, packets, [plant for plant in PLANTED if plant is not planted.independent_windows])
        packets = planted.read(CAPTURES / "guess.pcap.gz")[:PACKETS]
        hold(folder, "guess", packets, packets, [planted.independent_windows])


def what_was_done_to_some_flows_shows_beside_the_others():
    with tempfile.TemporaryDirectory() as folder:
        real, other = planted.dealt(planted.read(CAPTURES / "guess.pcap.gz")[:2 * PACKETS], 2)
        assert differing(folder, real, other) == "", "what was not touched"
        hold(folder, "guess", real, other)


def samples_of_the_same_traffic_do_not_differ():
    """With one of some twenty that may: a finding is beyond the furthest of some twenty deals."""
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for name in ("dns", "guess", "http", "mix", "smtp", "snmp"):
            packets = planted.read(CAPTURES / f"{name}.pcap.gz")[:2 * PACKETS]
            for seed in range(4):
                found[name, seed] = differing(folder, *planted.dealt(packets, 2, seed))
        assert sum(letters != "" for letters in found.values()) <= 1, found


def it_shows_in_captures_of_others():
    if not BESIDE.is_dir():
        raise claims.Skip("no data beside the project")
    with tempfile.TemporaryDirectory() as folder:
        for name, plants in {
            "darpa99_http_10k_hdr": [planted.shuffled_gaps, planted.swapped_directions, planted.one_length],
            "darpa99_w1_friday_10k_hdr": [planted.one_length, planted.independent_columns],
            "wide_transit_7k_snap96": [planted.shuffled_gaps],
            "isp2010_vlan_10k_hdr_ns": [planted.shuffled_gaps, planted.single_port, planted.broken_checksums],
        }.items():
            packets = planted.read(next(BESIDE.rglob(name + ".pcap")))
            hold(folder, name, packets, packets, plants)


claims.run("planted", [
    what_was_done_to_a_capture_shows_beside_it,
    what_was_done_to_some_flows_shows_beside_the_others,
    samples_of_the_same_traffic_do_not_differ,
    it_shows_in_captures_of_others,
])
