#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""wiremill replays captures: every packet once a loop, in order, unchanged but for what was asked, at its own time.

usage: test_replay.py WIREMILL WIREMILL_TRAIN
"""

import atexit
import gzip
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

import claims
import frames
import little_capture
from make_capture import pcap, pcapng, relative

WIREMILL, TRAIN = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
BESIDE = os.environ.get("WIREMILL_DATA_BESIDE")
LIMIT_S = 120 * claims.PATIENCE
RUNS = itertools.count()
PREFIX = f"wr{os.getpid()}"  # of names that others can see
FOLDER = tempfile.TemporaryDirectory()


def place(name):
    return str(pathlib.Path(FOLDER.name, name))


def run(*command, status=0, limit_s=LIMIT_S, stdin=None):
    done = subprocess.run(command, capture_output=True, check=False, timeout=limit_s, cwd=FOLDER.name, input=stdin)
    done.stderr = done.stderr.decode()
    assert done.returncode == status, f"status {done.returncode}: {done.stderr}"
    return done


def eal(*words, lcores=2):
    cores = sorted(os.sched_getaffinity(0))
    lcore_map = ",".join(f"{i}@{cores[i % len(cores)]}" for i in range(lcores))
    return ["--lcores", lcore_map, "--no-huge", "-m", "256", "--no-pci", "--no-telemetry", "--log-level", "error",
            "--file-prefix", f"{PREFIX}-{next(RUNS)}", *words, "--"]


def stats():
    return json.loads(pathlib.Path(place("stats.json")).read_text(encoding="utf-8"))


def replay(*words, status=0, stdin=None):
    """Run in pcap mode: [(time in ns, frame)] and what --stats-json says, which adds up."""
    run(WIREMILL, "-o", "out.pcap", "--stats-json", "stats.json", *words, status=status, stdin=stdin)
    said = stats()
    assert said["generated"] == said["packets"] + said["unused"], said
    if "replay" in said:
        adds_up(said["replay"])
    return frames.timed(place("out.pcap")), said


def adds_up(said):
    assert said["packets"] == sum(said[key] for key in ("used", "snapped_out", "oversize", "empty", "no_link")), said


def odd_frames(n, seed=1):
    """Frames of every length and kind: runts, jumbos, VLANs, wrong checksums, garbage; heavy-tailed gaps."""
    rng, at, out = random.Random(seed), 1_700_000_000_123_456_000, []
    for i in range(n):
        body = rng.randbytes(rng.choice([1, 13, 14, 46, 60, 300, 1500, 9000]))
        head = [b"", b"\x02" * 12 + b"\x08\x00\x45\x00", b"\x02" * 12 + b"\x81\x00\x00\x05\x86\xdd",
                b"\xff" * 12 + b"\x08\x06"][i % 4]
        out.append((at, head + body))
        at += int(1000 * rng.paretovariate(1.1)) * 1000 if rng.random() < 0.9 else 0
    return out


def equal(got, want, slack_ns=0):
    assert len(got) == len(want), f"{len(got)} packets, expected {len(want)}"
    for i, ((t, a), (u, b)) in enumerate(zip(got, want)):
        assert a == b, f"packet {i} differs:\n{a.hex()}\n{b.hex()}"
        assert abs(t - u) <= slack_ns, f"packet {i} is at {t} ns, not {u}"


def every_format_comes_out_as_it_went_in_at_its_own_times():
    packets = odd_frames(2000)
    want = relative(packets)
    for data in (pcap(packets), pcap(packets, 1000), pcap(packets, 1, ">"), pcapng(packets), pcapng(packets, ">", 6),
                 gzip.compress(pcap(packets)), gzip.compress(pcapng(packets))):
        pathlib.Path(place("in")).write_bytes(data)
        for words in ([], ["--read-ahead", "1"]):
            got, said = replay("--replay", "in", *words)
            equal(got, want)
            assert said["replay"]["used"] == said["replay"]["packets"] == 2000
    equal(replay("--replay", "-", stdin=pcap(packets))[0], want)


def times_scale_without_drift():
    packets = odd_frames(2000)
    pathlib.Path(place("in")).write_bytes(pcap(packets))
    equal(replay("--replay", "in", "-r", "x4")[0], relative(packets, 0.25), 1)
    equal(replay("--replay", "in,weight=0.5", "-r", "x4")[0], relative(packets, 0.5), 1)


def a_rate_stretches_the_capture_and_keeps_every_byte():
    packets = odd_frames(20000, 3)
    pathlib.Path(place("in")).write_bytes(pcap(packets))
    got, _ = replay("--replay", "in", "-r", "10kpps", "--read-ahead", "1")
    assert [frame for _, frame in got] == [frame for _, frame in packets]
    assert all(a[0] <= b[0] for a, b in zip(got, got[1:]))
    # The first and the last of each thousand leave when the rate says, however bursty the capture is.
    assert all(abs(got[i + k][0] - (i + k) * 100_000) <= 1 for i in range(0, 20000, 1000) for k in (0, 999))
    assert len(replay("--replay", "in", "--loop", "0", "-r", "20kpps", "-d", "3")[0]) == 60000


def loops_repeat_it_one_gap_apart_for_ever():
    packets = odd_frames(500)
    pathlib.Path(place("in")).write_bytes(pcap(packets))
    once = relative(packets)
    period = once[-1][0] + once[-1][0] // 499
    want = [(at + i * period, frame) for i in range(7) for at, frame in once]
    for words in ([], ["--read-ahead", "1"]):  # from memory; the same from the file
        equal(replay("--replay", "in", "--loop", "7", *words)[0], want)
    equal(replay("--replay", "in", "--loop", "0", "-n", "1234")[0], want[:1234])
    end_ns = want[1700][0]
    equal(replay("--replay", "in", "--loop", "0", "-d", f"{end_ns / 1e9:.9f}")[0],
          [packet for packet in want if packet[0] < end_ns])


def flows_are_labelled_and_counted():
    data, n = little_capture.pcap(60)
    pathlib.Path(place("in")).write_bytes(data)
    got, said = replay("--replay", "in,label=background", "--labels", "labels.csv", "--csv", "table.csv")
    lines = pathlib.Path(place("labels.csv")).read_text(encoding="utf-8").splitlines()[1:]
    assert len(lines) == said["flows"] == said["flows_ended"] == said["replay"]["flows"]
    assert 50 <= len(lines) <= 60, len(lines)
    fields = [line.split(",") for line in lines]
    assert all(field[7] == "background" and field[8] == "in" for field in fields)
    assert sum(int(field[9]) for field in fields) == n == len(got)
    assert sum(int(field[10]) for field in fields) == sum(len(frame) for _, frame in got)
    assert all(field[5] in ("80", "53", "0") for field in fields), "clients and servers are not told apart"
    got, said = replay("--replay", "in", "--loop", "3", "--flows", str(len(lines) + 20))
    assert said["flows_ended"] == len(lines) + 20 and len(got) == 2 * n  # these end with the second loop


def models_are_mixed_in_without_disturbing_it():
    data, _ = little_capture.pcap(100)
    pathlib.Path(place("a.pcap")).write_bytes(data)
    run(TRAIN, "-q", "a.pcap", "-o", "model", "--time-limit", "5", "--label", "attack")
    packets = odd_frames(3000)
    pathlib.Path(place("in")).write_bytes(pcap(packets))
    alone, _ = replay("-m", "model", "-d", "600")
    runs = []
    for workers in ("1", "3"):
        got, said = replay("--replay", "in", "-m", "model", "-w", workers, "--labels", "labels.csv", "--read-ahead", "1")
        runs.append(got)
    assert runs[0] == runs[1], "the number of workers matters"
    end_ns = relative(packets)[-1][0]
    want = sorted(relative(packets) + [packet for packet in alone if packet[0] < end_ns], key=lambda packet: packet[0])
    assert sorted(got) == sorted(want), f"{len(got)} packets, expected {len(want)}"
    assert [at for at, _ in got] == [at for at, _ in want]
    labels = {line.split(",")[7] for line in pathlib.Path(place("labels.csv")).read_text(encoding="utf-8").splitlines()[1:]}
    assert labels == {"replay", "attack"}, labels
    assert said["replay"]["used"] == 3000


def damage_is_told_and_what_is_there_is_sent():
    packets = odd_frames(300)
    for data in (pcap(packets)[:-3], gzip.compress(pcap(packets))[:-2000], pcap(packets) + b"\xff" * 40):
        pathlib.Path(place("in")).write_bytes(data)
        done = run(WIREMILL, "--replay", "in", "--loop", "2", "-o", "out.pcap", "--stats-json", "stats.json", status=1)
        assert "in: damaged at byte" in done.stderr.splitlines()[-1], done.stderr
        got, said = frames.read(place("out.pcap")), stats()
        n = len(got) // 2
        assert n > 50 and got == [frame for _, frame in packets][:n] * 2
        assert said["replay"]["loops"] == 2 and "damage" in said["replay"]


def what_cannot_be_replayed_is_refused_with_a_sentence():
    pathlib.Path(place("in")).write_bytes(pcap(odd_frames(3)))
    pathlib.Path(place("empty")).write_bytes(pcap([]))
    pathlib.Path(place("radio")).write_bytes(pcap(odd_frames(3), link=127))
    pathlib.Path(place("noise")).write_bytes(b"no capture at all")
    for words, sentence in (
            (["--replay", "missing"], "missing: No such file"),
            (["--replay", "empty"], "empty: there is no packet in it"),
            (["--replay", "radio"], "radio: packets of its link type (127) cannot be sent"),
            (["--replay", "noise"], "noise: not a pcap or pcapng capture"),
            (["--replay", "-", "--loop", "2"], "option --loop: - is no file"),
            (["--replay", "in,weight=0"], "option --replay: weight '0'"),
            (["--replay", "in", "--snapped", "up"], "option --snapped: 'up' is none"),
            (["--replay", "in", "--map-net", "10.0.0.0/8"], "option --map-net: '10.0.0.0/8' does not map"),
            (["-m", "in", "--loop", "2"], "name it with --replay")):
        done = run(WIREMILL, "-o", "x", *words, status=2)
        last = done.stderr.splitlines()[-1]
        assert last.startswith("wiremill: ") and sentence in last, done.stderr
    done = run(WIREMILL, "-o", "in", "--replay", "in", status=2)
    assert "it would be overwritten" in done.stderr and len(frames.read(place("in"))) == 3


def addresses_are_mapped_both_ways_with_right_checksums():
    data, n = little_capture.pcap(200)
    pathlib.Path(place("in")).write_bytes(data)
    words = ["--map-net", "10.0.0.0/24=192.0.2.0/24", "--map-net", "10.0.1.0/24=172.16.0.0/12", "--map-port", "80=8080"]
    plain, mapped = replay("--replay", "in")[0], replay("--replay", "in", *words)[0]
    assert len(mapped) == n
    for (t, a), (u, b) in zip(plain, mapped):
        assert t == u and len(a) == len(b) and frames.checksums_are_right(b), b.hex()
        for at in (26, 30):
            want = {0: bytes((192, 0, 2, a[at + 3])), 1: bytes((172, 16, 0, a[at + 3]))}[a[at + 2]]
            assert b[at:at + 4] == want, f"{a[at:at + 4].hex()} became {b[at:at + 4].hex()}"
        if a[23] == 6:
            ports = [8080 if port == 80 else port for port in struct.unpack_from(">HH", a, 34)]
            assert list(struct.unpack_from(">HH", b, 34)) == ports
            assert a[38:50] + a[52:] == b[38:50] + b[52:]
    run(TRAIN, "-q", "in", "-o", "model", "--time-limit", "5")
    run(WIREMILL, "-m", "model", "-n", "3000", "-o", "plain.pcap")
    run(WIREMILL, "-m", "model", "-n", "3000", "-o", "mapped.pcap", *words)
    seen = {}
    for a, b in zip(frames.read(place("plain.pcap")), frames.read(place("mapped.pcap"))):
        assert len(a) == len(b) and frames.checksums_are_right(b), b.hex()
        for at in (26, 30):
            assert seen.setdefault(a[at:at + 4], b[at:at + 4]) == b[at:at + 4]
    assert len(set(seen.values())) == len(seen) > 5, "addresses that differ became one"
    assert all(b[:3] in (b"\xc0\0\x02", b"\xac\x10\0") for b in seen.values()), seen


def hosts_that_a_smaller_network_puts_together_are_counted():
    def hosts(name):
        return {f[at:at + 4] for f in frames.read(place(name)) if f[12:14] == b"\x08\0" for at in (26, 30)}
    data, _ = little_capture.pcap(200)
    pathlib.Path(place("in")).write_bytes(data)
    words = ["--map-net", "10.0.0.0/15=192.0.2.0/31", "--stats-json", "stats.json"]
    run(TRAIN, "-q", "in", "-o", "model", "--time-limit", "5")
    for source, key in (["--replay", "in"], "replay"), (["-m", "model", "-n", "5000"], "map"):
        run(WIREMILL, *source, "-o", "plain.pcap")
        said = run(WIREMILL, *source, "-o", "mapped.pcap", *words).stderr
        folded = len(hosts("plain.pcap")) - len(hosts("mapped.pcap"))
        assert folded > 3 and stats()[key]["folded"] == folded, (folded, stats())
        assert f"{folded} addresses one with another" in said or f"{folded} of " in said, said


def a_mac_address_that_no_milled_frame_has_is_refused():
    data, _ = little_capture.pcap(50)
    pathlib.Path(place("in")).write_bytes(data)
    run(TRAIN, "-q", "in", "-o", "model", "--time-limit", "5")
    run(WIREMILL, "-m", "model", "-n", "500", "-o", "plain.pcap")
    mac = frames.read(place("plain.pcap"))[0][6:12].hex(":")  # of an IP packet
    said = run(WIREMILL, "-m", "model", "-o", "no.pcap", "--map-mac", f"{mac}=02:00:00:00:00:02", status=2).stderr
    assert mac in said and "made of the IP addresses" in said and not os.path.exists(place("no.pcap")), said


def a_pipe_that_stays_open_does_not_hold_up_the_end():
    data = pcap(odd_frames(400))
    for words in (["-n", "100"], []):
        process = subprocess.Popen([WIREMILL, "--replay", "-", "-o", "out.pcap", *words], cwd=FOLDER.name,
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            process.stdin.write(data)
            process.stdin.flush()
        except BrokenPipeError:
            assert words  # it had enough
        if not words:
            time.sleep(1)
            process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
        assert process.wait(timeout=LIMIT_S) == 0, said
        assert "capture:" in said and len(frames.read(place("out.pcap"))) <= 400


def ports_send_what_pcap_mode_writes():
    packets = odd_frames(3000)
    pathlib.Path(place("in")).write_bytes(pcap(packets))
    want = [frame for _, frame in replay("--replay", "in", "--loop", "5")[0]]
    for lcores, words in ((2, []), (1, []), (3, ["--read-ahead", "1"])):
        run(WIREMILL, *eal("--vdev", "net_pcap0,tx_pcap=port.pcap", lcores=lcores), "--replay", "in", "--loop", "5", "-r",
            "max", "--stats-json", "stats.json", *words)
        said = stats()
        adds_up(said["replay"])
        assert said["packets"] == said["replay"]["used"] == 15000 and said["unused"] == said["lost"] == 0, said
        got = frames.read(place("port.pcap"))
        assert got == want, f"{len(got)} frames, expected {len(want)}"


def queues_share_it_and_none_is_lost():
    packets = little_capture.frames(2000, 5)
    pathlib.Path(place("in")).write_bytes(pcap(packets))
    names = [f"queue{i}.pcap" for i in range(3)]
    port = "net_pcap0," + ",".join(f"tx_pcap={name}" for name in names)
    run(WIREMILL, *eal("--vdev", port), "--replay", "in", "--loop", "3", "-r", "max", "--queues", "3", "--read-ahead", "1",
        "--stats-json", "stats.json")
    queues = [frames.read(place(name)) for name in names]
    assert sorted(itertools.chain(*queues)) == sorted([frame for _, frame in packets] * 3)
    assert min(len(queue) for queue in queues) > 1000
    flows = [{frames.flow(frame) for frame in queue} for queue in queues]
    assert not (flows[0] & flows[1]) | (flows[1] & flows[2]) | (flows[0] & flows[2]), "a flow goes to two queues"
    assert stats()["replay"]["used"] == 3 * len(packets)


def directions_go_to_two_ports_that_dress_them():
    packets = little_capture.frames(200, 5)
    pathlib.Path(place("in")).write_bytes(pcap(packets))
    run(WIREMILL, *eal("--vdev", "net_pcap0,tx_pcap=client.pcap", "--vdev", "net_pcap1,tx_pcap=server.pcap"), "--replay", "in",
        "-r", "max", "--directions", "split", "--port", "net_pcap0,vlan=7", "--port", "net_pcap1,src-mac=02:00:00:00:00:99")
    clients, servers = frames.read(place("client.pcap")), frames.read(place("server.pcap"))
    assert all(frame[12:16] == b"\x81\0\0\x07" for frame in clients)
    assert all(frame[6:12] == b"\x02\0\0\0\0\x99" for frame in servers)
    plain = [frame[:12] + frame[16:] for frame in clients]
    want = [frame for _, frame in packets]
    assert plain == [frame for frame in want if frame[30:33] == b"\x0a\0\x01"], "not the clients' packets"
    assert [frame[12:] for frame in servers] == [frame[12:] for frame in want if frame[30:33] == b"\x0a\0\0"]
    assert len(clients) + len(servers) == len(want)


def captures_beside_the_project_come_out_as_they_are():
    if BESIDE is None:
        raise claims.Skip("there are no captures beside the project")
    found = [path for path in sorted(pathlib.Path(BESIDE).rglob("*.pcap")) if "formats" not in path.parts][:12]
    for path in found:
        records = frames.records(path)
        if frames.link(path) != 1:
            continue
        got, said = replay("--replay", str(path), "--snapped", "cut")
        assert [frame for _, frame in got] == [frame for _, _, frame in records], path
        padded = [frame for _, frame in replay("--replay", str(path))[0]]
        assert padded == [frame + b"\0" * (n - len(frame)) for _, n, frame in records], path
        assert said["replay"]["snapped"] == sum(n > len(frame) for _, n, frame in records)


def tidy_up():
    """EAL leaves its run-time folders."""
    for base in ("/var/run", os.environ.get("XDG_RUNTIME_DIR", "/tmp"), "/tmp"):
        for folder in pathlib.Path(base, "dpdk").glob(f"{PREFIX}-*"):
            shutil.rmtree(folder, ignore_errors=True)


def main():
    atexit.register(tidy_up)
    claims.run("wiremill replays captures", [
        every_format_comes_out_as_it_went_in_at_its_own_times,
        times_scale_without_drift,
        a_rate_stretches_the_capture_and_keeps_every_byte,
        loops_repeat_it_one_gap_apart_for_ever,
        flows_are_labelled_and_counted,
        models_are_mixed_in_without_disturbing_it,
        damage_is_told_and_what_is_there_is_sent,
        what_cannot_be_replayed_is_refused_with_a_sentence,
        addresses_are_mapped_both_ways_with_right_checksums,
        hosts_that_a_smaller_network_puts_together_are_counted,
        a_mac_address_that_no_milled_frame_has_is_refused,
        a_pipe_that_stays_open_does_not_hold_up_the_end,
        ports_send_what_pcap_mode_writes,
        queues_share_it_and_none_is_lost,
        directions_go_to_two_ports_that_dress_them,
        captures_beside_the_project_come_out_as_they_are,
    ])


main()
