#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""wiremill mills a model into a pcap: the same for the same seed, valid packets, whole files whatever ends the run.

usage: test_mill.py WIREMILL_TRAIN WIREMILL
"""

import collections
import json
import pathlib
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time

import claims
import little_capture

TRAIN, MILL = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:3])
LIMIT_S = 120 * claims.PATIENCE
FOLDER = tempfile.TemporaryDirectory()
MODEL = str(pathlib.Path(FOLDER.name, "little.wm"))


def mill(*words, status=0):
    run = subprocess.run([MILL, *words], cwd=FOLDER.name, capture_output=True, check=False, timeout=LIMIT_S)
    assert run.returncode == status, (run.returncode, run.stderr)
    return run


def milled(*words):
    mill("-m", MODEL, "-o", "x.pcap", *words)
    return pathlib.Path(FOLDER.name, "x.pcap").read_bytes()


def packets(capture):
    """[(time in ns, frame)] of a nanosecond pcap."""
    assert capture[:4] == bytes.fromhex("4d3cb2a1")
    at, found = 24, []
    while at < len(capture):
        s, ns, kept, length = struct.unpack_from("<IIII", capture, at)
        assert kept == length and at + 16 + kept <= len(capture), "cut short"
        found.append((s * 10**9 + ns, capture[at + 16:at + 16 + kept]))
        at += 16 + kept
    return found


def same_seed_same_capture_for_any_number_of_workers():
    want = milled("-n", "20000", "-w", "1")
    for workers in "1", "2", "4":
        assert milled("-n", "20000", "-w", workers) == want, f"-w {workers} differs"
    assert milled("-n", "20000", "-s", "2") != want


def a_snap_length_keeps_the_beginning_of_each_frame():
    whole = packets(milled("-n", "3000"))
    short = milled("-n", "3000", "--snaplen", "60")
    assert struct.unpack_from("<I", short, 16) == (60,)
    at = 24
    for time_ns, frame in whole:
        s, ns, kept, length = struct.unpack_from("<IIII", short, at)
        assert (s * 10**9 + ns, length) == (time_ns, len(frame))
        assert short[at + 16:at + 16 + kept] == frame[:60]
        at += 16 + kept
    assert at == len(short)


def every_packet_is_valid_and_in_time_order():
    found = packets(milled("-n", "20000"))
    assert len(found) == 20000
    assert all(a[0] <= b[0] for a, b in zip(found, found[1:]))
    seen = collections.Counter()
    for _, frame in found:
        ip = frame[14:]
        total, proto = struct.unpack_from(">H", ip, 2)[0], ip[9]
        assert frame[12:14] == b"\x08\x00" and total == len(ip), "lengths disagree"
        assert little_capture.checksum(ip[:20]) == 0, "IP checksum"
        pseudo = ip[12:20] + struct.pack(">BBH", 0, proto, total - 20)
        assert little_capture.checksum((b"" if proto == 1 else pseudo) + ip[20:]) == 0, f"checksum of {proto}"
        seen[proto] += 1
    assert set(seen) == {1, 6, 17}, seen


def acknowledgements_are_of_what_was_sent():
    found = packets(milled("-n", "20000", "--labels", "x.labels"))
    rows = [line.split(",") for line in pathlib.Path(FOLDER.name, "x.labels").read_text().splitlines()]
    flows = collections.Counter((row[2], int(row[4]), row[3], int(row[5])) for row in rows[1:] if row[6] == "TCP")
    ends, checked = {}, 0  # by sender: the number behind the last byte that it has sent
    for _, frame in found:
        ip = frame[14:]
        sport, dport, seq, ack, offset, flags = struct.unpack_from(">HHIIBB", ip, 20)
        source, target = ".".join(map(str, ip[12:16])), ".".join(map(str, ip[16:20]))
        here, there = (source, sport, target, dport), (target, dport, source, sport)
        if ip[9] != 6 or flows[here] + flows[there] != 1:  # one flow after the other may have the same addresses
            continue
        end = (seq + len(ip) - 20 - (offset >> 4) * 4 + bool(flags & 2) + (flags & 1)) % 2**32
        if flags & 16 and there in ends:
            assert (ends[there] - ack) % 2**32 < 2**31, "it acknowledges what was not sent"
            checked += 1
        if here not in ends or (end - ends[here]) % 2**32 < 2**31:
            ends[here] = end
    assert checked > 500, checked


def tables_and_statistics_agree_with_the_capture():
    capture = packets(milled("-n", "5000", "--csv", "x.csv", "--labels", "x.labels", "--stats-json", "x.json"))
    stats = json.loads(pathlib.Path(FOLDER.name, "x.json").read_text())
    rows = [line.split(",") for line in pathlib.Path(FOLDER.name, "x.labels").read_text().splitlines()]
    assert rows[0] == "start,end,src,dst,sport,dport,proto,label,model,packets,bytes".split(",")
    assert sum(int(row[9]) for row in rows[1:]) == 5000
    assert sum(int(row[10]) for row in rows[1:]) == sum(len(frame) for _, frame in capture)
    assert {row[7] for row in rows[1:]} == {"little"}
    flows = [line.split(",") for line in pathlib.Path(FOLDER.name, "x.csv").read_text().splitlines()]
    assert flows[0] == "te,td,sa,da,sp,dp,pr,flg,fwd,stos,pkt,byt,label".split(",")
    assert sum(int(row[10]) for row in flows[1:]) == 5000
    assert stats["packets"] == 5000 and stats["generated"] == stats["packets"] + stats["unused"]
    assert stats["flows"] == len(rows) - 1


def interrupted_run_leaves_a_whole_capture():
    capture = pathlib.Path(FOLDER.name, "x.pcap")
    capture.unlink(missing_ok=True)
    with subprocess.Popen([MILL, "-m", MODEL, "-o", "x.pcap", "-r", "x2"], cwd=FOLDER.name,
                          stderr=subprocess.PIPE) as run:
        until = time.monotonic() + LIMIT_S
        while time.monotonic() < until and not (capture.exists() and capture.stat().st_size > 1 << 16):
            time.sleep(0.01)  # it runs when it writes
        run.send_signal(signal.SIGTERM)
        said = run.communicate(timeout=LIMIT_S)[1].decode()
    assert run.returncode == 0, said
    found = packets(capture.read_bytes())
    assert said.startswith(f"{len(found)} packets, "), said


def standard_output_is_a_pcap_and_may_be_closed():
    run = mill("-m", MODEL, "-o", "-", "-n", "1000")
    assert len(packets(run.stdout)) == 1000
    with subprocess.Popen([MILL, "-m", MODEL, "-o", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as endless:
        endless.stdout.read(1000)
        endless.stdout.close()
        said = endless.stderr.read().decode()
        assert endless.wait(LIMIT_S) == 1
    last = said.splitlines()[-1]
    assert re.fullmatch(r"wiremill: standard output: cannot be written: Broken pipe; \d+ packets are missing in it", last), said


def full_disk_ends_an_endless_run_with_a_sentence():
    for words in (["-o", "/dev/full"], ["-o", "x.pcap", "--csv", "/dev/full"], ["-o", "x.pcap", "--labels", "/dev/full"]):
        said = mill("-m", MODEL, *words, status=1).stderr.decode()
        last = said.splitlines()[-1]
        assert re.fullmatch("wiremill: /dev/full: cannot be written: No space left on device"
                            "; [1-9][0-9]* (lines|packets) are missing in it", last), said


def years_apart(n, years):
    """A capture of single UDP packets, years from each other."""
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)]
    for i in range(n):
        frame = little_capture.udp((10, 0, 0, i + 1), (10, 0, 1, 1), 40000, 53, b"q" * 30)
        parts += [struct.pack("<IIII", i * years * 365 * 86400, 0, len(frame), len(frame)), frame]
    return b"".join(parts)


def packets_before_the_end_of_time_do_not_depend_on_the_workers():
    pathlib.Path(FOLDER.name, "years.pcap").write_bytes(years_apart(6, 10))
    subprocess.run([TRAIN, "years.pcap", "-o", "years.wm", "--time-limit", "2", "-q"], cwd=FOLDER.name, check=True,
                   capture_output=True, timeout=LIMIT_S)
    for rate, sentence in ((["-r", "model"], "a pcap file has no time later than the year 2106"),
                           (["-r", "1kpps"], "the traffic's own time is over: it cannot be later than 292 years")):
        files = set()
        for workers in "1", "2", "3", "8":
            said = mill("-m", "years.wm", "-o", "x.pcap", "-w", workers, *rate, status=1).stderr.decode()
            assert said.strip().endswith(sentence), said
            files.add(pathlib.Path(FOLDER.name, "x.pcap").read_bytes())
        assert len(files) == 1 and len(packets(files.pop())) > 12, files


def what_is_wrong_is_said_in_a_sentence_with_status_2():
    for words, sentence in (
            (("-m", "none.wm", "-o", "y.pcap"), "wiremill: none.wm: No such file or directory\n"),
            (("-m", MODEL, "-o", MODEL), f"wiremill: option --pcap: {MODEL} is a model; it would be overwritten\n"),
            (("-m", MODEL, "-o", "y", "--csv", "y"), "wiremill: options --pcap and --csv both name y\n"),
            (("-m", MODEL, "-o", "/nonexistent/y"),
             "wiremill: /nonexistent/y: cannot be written: No such file or directory\n"),
            (("-m", MODEL, "-o", "y", "--stats-json", "/nonexistent/y"), "wiremill: /nonexistent/y"),
            (("-m", MODEL, "-o", "y", "-r", "50%"), "wiremill: option --rate: a pcap has no port"),
    ):
        said = mill(*words, status=2).stderr.decode()
        assert said.startswith(sentence) and said.count("\n") == 1, said
        assert not pathlib.Path(FOLDER.name, "y").exists() and not pathlib.Path(FOLDER.name, "y.pcap").exists()


with FOLDER:
    pathlib.Path(FOLDER.name, "a.pcap").write_bytes(little_capture.pcap(100)[0])
    subprocess.run([TRAIN, "a.pcap", "-o", MODEL, "--time-limit", "10", "-q"], cwd=FOLDER.name, check=True,
                   capture_output=True, timeout=LIMIT_S)
    claims.run("mill", [
        same_seed_same_capture_for_any_number_of_workers,
        a_snap_length_keeps_the_beginning_of_each_frame,
        every_packet_is_valid_and_in_time_order,
        acknowledgements_are_of_what_was_sent,
        tables_and_statistics_agree_with_the_capture,
        interrupted_run_leaves_a_whole_capture,
        standard_output_is_a_pcap_and_may_be_closed,
        full_disk_ends_an_endless_run_with_a_sentence,
        packets_before_the_end_of_time_do_not_depend_on_the_workers,
        what_is_wrong_is_said_in_a_sentence_with_status_2,
    ])
