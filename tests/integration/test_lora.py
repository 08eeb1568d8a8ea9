#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""LoRaWAN from a table or a LoRaTap capture to LoRaTap, to datagrams of gateways, and to a table again.

usage: test_lora.py WIREMILL_TRAIN WIREMILL
"""

import base64
import collections
import csv
import datetime
import json
import os
import pathlib
import random
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile

import claims
import lora_table

TRAIN, MILL = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:3])
LIMIT_S = 120 * claims.PATIENCE
N = 4000


def run(*words, status=0, only_errors=False):
    done = subprocess.run([str(word) for word in words], capture_output=True, check=False, encoding="utf-8",
                          errors="replace", timeout=LIMIT_S)
    assert done.returncode == status, f"{words}: status {done.returncode}: {done.stdout}{done.stderr}"
    return done.stderr if only_errors else done.stdout + done.stderr


def packets(path):
    """(link type, [(ns, bytes)])"""
    data = pathlib.Path(path).read_bytes()
    at, out = 24, []
    while at < len(data):
        s, ns, kept, length = struct.unpack_from("<IIII", data, at)
        assert kept == length
        out.append((s * 10**9 + ns, data[at + 16:at + 16 + kept]))
        at += 16 + kept
    return struct.unpack_from("<I", data, 20)[0], out


def table(path):
    with open(path, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


class Folder:
    """A folder with a made-up network and what was learned of it."""

    def __init__(self):
        self.temp = tempfile.TemporaryDirectory(prefix=f"lora-{os.getpid()}-")
        self.path = pathlib.Path(self.temp.name)
        self.rows = lora_table.receptions(1)
        lora_table.write_table(self.path / "net.csv", self.rows)
        self.said = run(TRAIN, "-q", self.path / "net.csv", "-o", self.path / "m")

    def mill(self, name, *options):
        run(MILL, "-m", self.path / "m", "-o", self.path / f"{name}.pcap", "--csv", self.path / f"{name}.csv", "-n", N,
            *options)
        return self.path / f"{name}.pcap", self.path / f"{name}.csv"


FOLDER = Folder()


def the_summary_counts_every_row():
    assert f"{len(FOLDER.rows)} of {len(FOLDER.rows)} in 1 file" in FOLDER.said, FOLDER.said
    assert "at 2 gateways" in FOLDER.said and "join requests 5" in FOLDER.said, FOLDER.said


def table_and_capture_of_the_same_network_teach_the_same():
    rows = [row for row in lora_table.receptions(2, gateways=1) if row[3] == 1]
    for form, write in (("csv", lora_table.write_table), ("pcap", lora_table.write_capture)):
        write(FOLDER.path / f"one.{form}", rows)
        run(TRAIN, "-q", FOLDER.path / f"one.{form}", "-o", FOLDER.path / f"one-{form}")
        run(MILL, "-m", FOLDER.path / f"one-{form}", "-o", FOLDER.path / f"one-{form}.pcap", "-n", 2000)
    assert (FOLDER.path / "one-csv.pcap").read_bytes() == (FOLDER.path / "one-pcap.pcap").read_bytes()


def the_same_seed_gives_the_same_bytes_with_any_number_of_workers():
    for options in ((), ("--lora-forward", "192.0.2.1")):
        a, a_csv = FOLDER.mill("a", "-w", 1, *options)
        b, b_csv = FOLDER.mill("b", "-w", 3, *options)
        assert a.read_bytes() == b.read_bytes()
        assert a_csv.read_bytes() == b_csv.read_bytes()


def loratap_holds_what_the_table_says():
    pcap, table_path = FOLDER.mill("tap")
    link, frames = packets(pcap)
    rows = table(table_path)
    assert link == 270 and len(frames) == len(rows) == N
    for (ns, frame), row in zip(frames, rows):
        version, _, length, hz, bw, sf, rssi, _, _, snr, sync = struct.unpack_from(">BBHIBBBBBbB", frame)
        assert (version, length, bw, sync) == (0, 15, 1, 0x34)
        assert (hz, sf, rssi - 139) == (int(row["frequency"]), float(row["spreading_factor"]), int(row["rssi"]))
        assert abs(snr / 4 - float(row["snr"])) < 0.06
        assert frame[15:] == base64.b64decode(row["physical_payload"], validate=True)
        assert row["gateway"] in lora_table.GATEWAYS
        assert row["time"].startswith("1970-01-01") and ns // 1000 % 10**6 == int(row["time"][20:26])


def the_network_is_like_the_one_learned():
    rows = table(FOLDER.mill("like")[1])
    assert 0.8 < len(rows) / N <= 1
    real = FOLDER.rows
    for name, key, value in (("sf", 5, lambda r: int(float(r["spreading_factor"]))), ("hz", 4, lambda r: int(r["frequency"])),
                             ("length", 1, lambda r: len(base64.b64decode(r["physical_payload"]))),
                             ("gateway", 2, lambda r: lora_table.GATEWAYS.index(r["gateway"]))):
        want = collections.Counter(len(row[1]) if name == "length" else row[key] for row in real)
        got = collections.Counter(value(r) for r in rows)
        apart = sum(abs(want[k] / len(real) - got[k] / len(rows)) for k in want | got) / 2
        assert apart < 0.1, f"{name}: {apart}: {want} {got}"
    assert abs(statistics.mean(row[6] for row in real) - statistics.mean(int(r["rssi"]) for r in rows)) < 2
    assert abs(statistics.mean(row[7] for row in real) - statistics.mean(float(r["snr"]) for r in rows)) < 0.5


def counters_of_a_device_go_on():
    last, steps = {}, collections.Counter()
    for row in table(FOLDER.mill("count")[1]):
        if row["mtype"] in ("10", "100") and row["crc_status"] == "1":
            before = last.get(row["device_address"])
            if before is not None:
                steps[(int(row["fcnt"]) - before) % 65536] += 1
            last[row["device_address"]] = int(row["fcnt"])
    assert steps[0] > 0 and steps[1] > steps[0], steps  # at the other gateway or sent again, and the next one
    assert sum(n for step, n in steps.items() if step > 300) < 0.01 * sum(steps.values()), steps


def gateways_push_and_the_server_acknowledges():
    pcap, table_path = FOLDER.mill("push", "--lora-forward", "192.0.2.9:1701,gateways=10.1.0.0/16")
    link, frames = packets(pcap)
    rows, at, open_tokens = table(table_path), 0, {}
    assert link == 1
    for _, frame in frames:
        src, dst = frame[26:30], frame[30:34]
        ports = struct.unpack_from(">HH", frame, 34)
        version, token, kind = struct.unpack_from(">BHB", frame, 42)
        assert frame[23] == 17 and version == 2
        if kind == 1:
            assert src == bytes([192, 0, 2, 9]) and ports[0] == 1701 and len(frame) == 46
            open_tokens.pop((dst, ports[1], token))
            continue
        assert kind == 0 and dst == bytes([192, 0, 2, 9]) and ports[1] == 1701 and src[:2] == bytes([10, 1])
        open_tokens[src, ports[0], token] = 1
        heard, row = json.loads(frame[54:].decode("ascii"))["rxpk"], rows[at]
        at += 1
        assert len(heard) == 1
        heard = heard[0]
        assert frame[46:54].hex() == row["gateway"]
        assert heard["data"] == row["physical_payload"]
        assert len(base64.b64decode(heard["data"], validate=True)) == heard["size"]
        assert round(heard["freq"] * 1e6) == int(row["frequency"])
        assert heard["datr"] == f"SF{int(float(row['spreading_factor']))}BW125" and heard["codr"] == row["code_rate"]
        assert heard["rssi"] == int(row["rssi"]) and heard["lsnr"] == float(row["snr"])
        assert heard["stat"] == int(row["crc_status"]) and heard["modu"] == "LORA"
    assert at == len(rows) and at > N / 3
    assert len(open_tokens) < 20, "datagrams without an answer"


def receptions_are_the_same_either_way():
    tap, push = table(FOLDER.mill("x")[1]), table(FOLDER.mill("y", "--lora-forward", "192.0.2.9")[1])
    assert push == tap[:len(push)]


def tshark_has_nothing_to_complain_about():
    if shutil.which("tshark") is None:
        raise claims.Skip("tshark is not installed")
    for name, options in (("t", ()), ("u", ("--lora-forward", "192.0.2.1"))):
        pcap, _ = FOLDER.mill(name, *options)
        out = run("tshark", "-n", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-r", pcap, "-q", "-z",
                  "expert,warn")
        assert "Warns" not in out and "Errors" not in out, out


def hostile_input_is_refused_or_counted_and_never_harms():
    rng = random.Random(3)
    good = (FOLDER.path / "net.csv").read_bytes()[:20000]
    lora_table.write_capture(FOLDER.path / "net.pcap", FOLDER.rows[:200])
    capture = (FOLDER.path / "net.pcap").read_bytes()
    for n in range(30):
        data = bytearray(good if n % 2 else capture)
        for _ in range(rng.choice([1, 20, 500])):
            data[rng.randrange(100 if n % 2 else 40, len(data))] = rng.choice([0, 0xff, ord(","), ord('"'), 10, rng.randrange(256)])
        if n % 3 == 0:
            del data[rng.randrange(200, len(data)):]
        bad = FOLDER.path / ("bad.csv" if n % 2 else "bad.pcap")
        bad.write_bytes(data)
        done = subprocess.run([TRAIN, "-q", bad, "-o", FOLDER.path / "bad"], capture_output=True, check=False, timeout=LIMIT_S)
        assert done.returncode in (0, 2), (n, done)
        assert done.returncode == 0 or done.stderr.count(b"\n") == 1, done.stderr
        if done.returncode == 0:
            run(MILL, "-m", FOLDER.path / "bad", "-o", FOLDER.path / "bad.out", "-n", 200)


def a_model_that_was_tampered_with_is_refused_or_mills():
    rng = random.Random(5)
    good = (FOLDER.path / "m").read_bytes()
    head = struct.unpack_from("<Q", good)[0] + 8
    tensors = {name: [head + at for at in tensor["data_offsets"]]
               for name, tensor in json.loads(good[8:head]).items() if name.startswith("lora.")}
    bad, refused = FOLDER.path / "tampered", 0
    for name in sorted(tensors):
        for _ in range(4):
            data = bytearray(good)
            begin, end = tensors[name]
            for _ in range(rng.choice([1, 3, 40])):
                data[rng.randrange(begin, end)] = rng.choice([0, 1, 0x7f, 0xff, rng.randrange(256)])
            bad.write_bytes(data)
            done = subprocess.run([MILL, "-m", bad, "-o", FOLDER.path / "tampered.pcap", "-n", "300", "-w", "2"],
                                  capture_output=True, check=False, timeout=LIMIT_S)
            assert done.returncode in (0, 2), (name, done)
            refused += done.returncode == 2
    assert refused > 10, refused


def what_is_asked_for_wrongly_is_told_in_one_sentence():
    model, out = FOLDER.path / "m", FOLDER.path / "no.pcap"
    (FOLDER.path / "short.csv").write_text("time,physical_payload\n1,QA==\n")
    (FOLDER.path / "rows.csv").write_text("time,physical_payload,frequency,spreading_factor\n1,?,868.1,7\n")
    for words, parts in {
            (MILL, "-m", model, "-o", out, "--lora-forward", "nowhere"): ["--lora-forward", "nowhere"],
            (MILL, "-m", model, "-o", out, "--lora-forward", "192.0.2.1:0"): ["--lora-forward", ":0"],
            (MILL, "-m", model, "-o", out, "--lora-forward", "192.0.2.1,gateways=10.0.0.0/31"): ["--lora-forward"],
            (TRAIN, "-e", "necst", FOLDER.path / "net.csv", "-o", out): ["--engine", "necst"],
            (TRAIN, FOLDER.path / "short.csv", "-o", out): ["short.csv", "frequency"],
            (TRAIN, FOLDER.path / "rows.csv", "-o", out): ["rows.csv", "line 2", "physical_payload"]}.items():
        said = run(*words, status=2, only_errors=True)
        assert said.count("\n") == 1 and all(part in said for part in parts), said
    assert not out.exists()


def apart(a, b):
    """Kolmogorov's distance of two samples."""
    a, b, at, far = sorted(a), sorted(b), [0, 0], 0
    for value in sorted(set(a) | set(b)):
        for i, sample in enumerate((a, b)):
            while at[i] < len(sample) and sample[at[i]] <= value:
                at[i] += 1
        far = max(far, abs(at[0] / len(a) - at[1] / len(b)))
    return far


def a_real_gateway_is_matched_field_by_field():
    beside = os.environ.get("WIREMILL_DATA_BESIDE")
    source = pathlib.Path(beside or "/nonexistent", "lorawan", "loed_lora1_10k.csv")
    if not source.exists():
        raise claims.Skip("there is no LoED data beside the project")
    run(TRAIN, "-q", source, "-o", FOLDER.path / "loed")
    run(MILL, "-m", FOLDER.path / "loed", "-o", FOLDER.path / "loed.pcap", "--csv", FOLDER.path / "loed.csv", "-n", 10000)
    real, made = table(source), table(FOLDER.path / "loed.csv")

    def seconds(rows):
        times = [datetime.datetime.fromisoformat(row["time"]).timestamp() for row in rows]
        return [b - a for a, b in zip(times, times[1:])]

    assert apart(seconds(real), seconds(made)) < 0.06  # NeCSTGen: 0.335
    for name, most in (("length_total", 0.05), ("spreading_factor", 0.03), ("frequency", 0.03), ("snr", 0.05), ("rssi", 0.05)):
        far = apart([float(row[name]) for row in real], [float(row[name]) for row in made])
        assert far < most, (name, far)


claims.run("lora", [
    the_summary_counts_every_row,
    table_and_capture_of_the_same_network_teach_the_same,
    the_same_seed_gives_the_same_bytes_with_any_number_of_workers,
    loratap_holds_what_the_table_says,
    the_network_is_like_the_one_learned,
    counters_of_a_device_go_on,
    gateways_push_and_the_server_acknowledges,
    receptions_are_the_same_either_way,
    tshark_has_nothing_to_complain_about,
    hostile_input_is_refused_or_counted_and_never_harms,
    a_model_that_was_tampered_with_is_refused_or_mills,
    a_real_gateway_is_matched_field_by_field,
    what_is_asked_for_wrongly_is_told_in_one_sentence,
])
