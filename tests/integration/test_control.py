#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A run is watched and steered by its control socket, by those who may, whatever else they send.

usage: test_control.py WIREMILL WIREMILLCTL MODEL
"""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import termios
import time

import claims
import frames
import running
from running import Run, ask, eal

WIREMILL, CTL, MODEL = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:4])
FOLDER = tempfile.TemporaryDirectory()
SOCKET = str(pathlib.Path(FOLDER.name, "control"))
NULL = ("--vdev", "net_null0,no-rx=1")
NEAR, FAR = f"{running.PREFIX}near", f"{running.PREFIX}far"


def place(name):
    return str(pathlib.Path(FOLDER.name, name))


def on_ports(*words, vdevs=NULL, **more):
    return Run(WIREMILL, FOLDER.name, *eal(*vdevs), "-m", MODEL, "--control", SOCKET, *words, **more)


def into_pcap(*words):
    return Run(WIREMILL, FOLDER.name, "-m", MODEL, "--control", SOCKET, "-o", *words)


def ctl(*words, status=0, path=SOCKET):
    done = subprocess.run([CTL, "-s", path, *words], capture_output=True, encoding="utf-8", check=False, timeout=60)
    assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr


def status_has_what_the_final_statistics_have():
    with on_ports("-r", "5kpps", "-m", MODEL + ",label=other", "--stats-json", place("x.json")) as run:
        s = run.began(SOCKET)
        running.wait_for(lambda: ask(SOCKET, "status")["status"]["packets"] > 8000)
        s = ask(SOCKET, "status")["status"]
        assert 3000 < s["packets_per_s"] < 7000 and s["rate"] == "5kpps" and not s["paused"], s
        assert s["bits_per_s_l1"] > s["bits_per_s_l2"] > 8 * 64 * s["packets_per_s"], s
        assert s["packets"] + s["waiting"] == s["fresh"] and s["generated"] == s["fresh"] + s["queued"], s
        assert 0 < s["ring_used"] <= s["ring_room"] and s["pacing"]["gaps"] > 0, s
        text = ctl("status")
        assert text.startswith("running at rate 5kpps") and "net_null0" in text and "other" in text, text
        assert json.loads(ctl("--json", "status"))["ok"]
        assert ctl("stop") == "stopping\n"
        assert run.end() == 0, run.said()
    final = json.loads(pathlib.Path(place("x.json")).read_text(encoding="utf-8"))
    assert set(s) - {"queued", "waiting"} <= set(final), set(s) - set(final)
    assert sum(m["packets"] for m in final["models"]) == final["packets"] > s["packets"], final
    assert sum(m["bytes"] for m in final["models"]) == final["bytes"], final
    assert not os.path.exists(SOCKET)


@contextlib.contextmanager
def link():
    """near - far, each in a namespace of its own."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "tcpdump"))):
        raise claims.Skip("it needs root, ip and tcpdump")
    try:
        for space in (NEAR, FAR):
            if subprocess.run(["ip", "netns", "add", space], check=False, capture_output=True).returncode:
                raise claims.Skip("no network namespaces here")
            subprocess.run(["ip", "netns", "exec", space, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"],
                           check=False, capture_output=True)
        subprocess.run(["ip", "-n", NEAR, "link", "add", "near", "type", "veth", "peer", "far", "netns", FAR], check=True)
        for space, name in ((NEAR, "near"), (FAR, "far")):
            subprocess.run(["ip", "-n", space, "link", "set", name, "arp", "off", "up"], check=True)
        yield
    finally:
        for space in (NEAR, FAR):
            subprocess.run(["ip", "netns", "del", space], check=False, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def captured(path):
    dump = subprocess.Popen(["ip", "netns", "exec", FAR, "tcpdump", "-Z", "root", "-i", "far", "-s", "96", "-B", "32768", "-U",
                             "--time-stamp-precision=nano", "-w", path], stderr=subprocess.PIPE, encoding="utf-8")
    try:
        assert any("listening" in line for line in dump.stderr)
        yield
        time.sleep(0.5)
    finally:
        dump.send_signal(signal.SIGINT)
        dump.communicate(timeout=60)


def rates_and_pauses_show_at_the_far_end():
    with link(), captured(place("far.pcap")):
        with on_ports("-r", "1kpps", vdevs=("--vdev", "net_af_packet0,iface=near"),
                      prefix=("ip", "netns", "exec", NEAR)) as run:
            run.began(SOCKET)
            time.sleep(1.5)
            ctl("rate", "8kpps")
            time.sleep(2)
            ctl("pause")
            time.sleep(2)
            paused = ask(SOCKET, "status")["status"]
            assert paused["paused"] and paused["packets_per_s"] == 0, paused
            assert "PAUSED" not in run.said()  # no terminal, no view
            ctl("resume")
            time.sleep(2)
            ctl("rate", "1kpps")
            time.sleep(2)
            ctl("stop")
            assert run.end() == 0, run.said()
    times = [t for t, _ in frames.timed(place("far.pcap"))]
    gap, at = max((b - a, i) for i, (a, b) in enumerate(zip(times, times[1:])))
    stop, go = times[at], times[at + 1]
    assert 1.8e9 < gap < 3e9, gap
    second = 1000000000

    def sent(since, until):
        return sum(since <= t < until for t in times)
    assert 5000 < sent(stop - second, stop + 1) < 11000, sent(stop - second, stop + 1)
    # What follows a pause is what would have followed without it: no burst makes up for the time.
    assert 5000 < sent(go, go + second) < 11000, sent(go, go + second)
    assert sent(go, go + second // 10) < 2500, sent(go, go + second // 10)
    assert 500 < sent(times[-1] - second, times[-1]) < 1700, sent(times[-1] - second, times[-1])
    assert 500 < sent(times[0], times[0] + second) < 1700, sent(times[0], times[0] + second)


def a_rate_asked_for_before_the_start_begins_with_it():
    def answers():
        try:
            return ask(SOCKET, "rate 3kpps")
        except OSError:
            return None
    with on_ports("-r", "1kpps", "-n", "6000", "--stats-json", place("x.json")) as run:
        assert "error" not in running.wait_for(answers)
        assert run.end() == 0, run.said()
    statistics = json.loads(pathlib.Path(place("x.json")).read_text(encoding="utf-8"))
    assert statistics["packets"] == 6000 and 1.2 < statistics["wall_s"] < 8, statistics


def weights_change_while_running():
    with on_ports("-m", MODEL + ",label=other", "-m", MODEL + ",label=other", "-r", "10kpps") as run:
        run.began(SOCKET)
        running.wait_for(lambda: pps_of(1) > 1000)
        assert "both called 'other'" in ctl("weight", "other", "2", status=1)
        assert "there is no model" in ctl("weight", "third party", "2", status=1)
        assert "0.000001..1000000" in ctl("weight", "http", "1e9", status=1)
        ctl("weight", "1", "0")
        ctl("weight", "2", "0")
        running.wait_for(lambda: pps_of(1) + pps_of(2) < 0.05 * pps_of(0))
        assert [m["weight"] for m in ask(SOCKET, "status")["status"]["models"]] == [1, 0, 0]
        ctl("weight", "2", "3")
        ctl("weight", "http", "1")
        running.wait_for(lambda: pps_of(2) > 1.5 * pps_of(0) > 500 and pps_of(1) < 100)


def pps_of(model):
    return ask(SOCKET, "status")["status"]["models"][model]["packets_per_s"]


def a_pause_is_no_late_packet_and_no_time_of_the_duration():
    with on_ports("-r", "1kpps", "-d", "4", "--stats-json", place("y.json")) as run:
        assert run.end() == 0, run.said()
    with on_ports("-r", "1kpps", "-d", "4", "--stats-json", place("x.json")) as run:
        run.began(SOCKET)
        ctl("pause")
        time.sleep(4.5)
        assert run.process.poll() is None
        ctl("resume")
        assert run.end() == 0, run.said()
    s = json.loads(pathlib.Path(place("x.json")).read_text(encoding="utf-8"))
    assert 4.4 < s["paused_s"] < 12 and s["wall_s"] > 8.4 and s["shifts"] == 0, s
    plain = json.loads(pathlib.Path(place("y.json")).read_text(encoding="utf-8"))
    assert s["packets"] == plain["packets"] and s["packets_per_s"] > 0.7 * plain["packets_per_s"], (s, plain)
    assert s["pacing"]["max_ns"] < 1e9, s["pacing"]


def what_is_paused_can_be_ended():
    for start in (lambda: on_ports("-r", "1kpps"), lambda: into_pcap(place("z"))):
        for end in (lambda run: ctl("stop"), lambda run: run.process.terminate()):
            with start() as run:
                run.began(SOCKET)
                ctl("pause")
                end(run)
                assert run.end() == 0, run.said()
    assert len(frames.read(place("z"))) > 0


def a_capture_is_watched_and_paused_like_a_model():
    with into_pcap(place("short"), "-n", "20000") as run:
        assert run.end() == 0, run.said()
    with Run(WIREMILL, FOLDER.name, *eal(*NULL), "-m", MODEL, "--replay", place("short"), "--loop", "0", "-r", "5kpps",
             "--control", SOCKET, "--stats-json", place("x.json")) as run:
        run.began(SOCKET)
        running.wait_for(lambda: ask(SOCKET, "status")["status"]["capture"]["packets_per_s"] > 100)
        assert "capture  replay" in ctl("status")
        ctl("pause")
        running.wait_for(lambda: ask(SOCKET, "status")["status"]["packets_per_s"] == 0)
        ctl("resume")
        running.wait_for(lambda: ask(SOCKET, "status")["status"]["capture"]["packets_per_s"] > 100)
        assert "there is no model" in ctl("weight", "replay", "2", status=1)
        ctl("stop")
        assert run.end() == 0, run.said()
    s = json.loads(pathlib.Path(place("x.json")).read_text(encoding="utf-8"))
    assert s["models"][0]["packets"] + s["capture"]["packets"] == s["packets"], s


def a_pcap_is_the_same_with_pauses_and_its_rate_stays():
    for name, words in (("plain", ["-n", "300000"]), ("paused", ["-n", "300000"])):
        with into_pcap(place(name), *words) as run:
            if name == "paused":
                ask_soon("pause")
                run.began(SOCKET)
                before, = running.wait_for(lambda: settled(ask(SOCKET, "status")["status"]["packets"]))
                assert before < 300000, before
                refused = ask(SOCKET, "rate 5Mpps")
                assert not refused["ok"] and "pcap" in refused["error"], refused
                refused = ask(SOCKET, "weight http 2")
                assert not refused["ok"] and "pcap" in refused["error"], refused
                text = ctl("status")
                assert text.startswith("paused") and "of traffic" in text, text
                ctl("resume")
            assert run.end() == 0, run.said()
    assert pathlib.Path(place("plain")).read_bytes() == pathlib.Path(place("paused")).read_bytes()
    with into_pcap(place("stopped")) as run:
        run.began(SOCKET)
        ctl("stop")
        assert run.end() == 0, run.said()
    assert len(frames.read(place("stopped"))) > 0


def ask_soon(line):
    """As soon as somebody listens."""
    def try_it():
        try:
            return ask(SOCKET, line)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
    return running.wait_for(try_it)


def settled(value, last=[]):  # the same twice in a row, 0.3 s apart
    time.sleep(0.3)
    last.append(value)
    return (value,) if len(last) > 1 and last[-2] == value else None


def only_its_owner_gets_in():
    with on_ports("-r", "1kpps") as run:
        run.began(SOCKET)
        mode = os.stat(SOCKET).st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600, oct(mode)
        if os.geteuid() == 0:
            pathlib.Path(FOLDER.name).chmod(0o755)
            code = f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({SOCKET!r})"
            done = subprocess.run(["/usr/bin/python3", "-c", code], check=False, capture_output=True, encoding="utf-8",
                                  user=65534, group=65534, extra_groups=[])
            assert "PermissionError" in done.stderr, done.stderr


def what_is_no_command_is_refused_in_a_line():
    with on_ports("-r", "1kpps") as run:
        run.began(SOCKET)
        for line, word in (("", "no command"), ("launch", "no command"), ("rate", "needs RATE"), ("rate fast", "rate 'fast'"),
                           ("rate -5pps", "rate '-5pps'"), ("rate nanpps", "none"), ("rate 1e300Gpps", "none"),
                           ("rate 0pps", "none"), ("pause now", "alone"), ("weight", "needs MODEL W"),
                           ("weight 2", "MODEL W"), ("weight http -1", "not a number"), ("status\t", "ASCII"),
                           ("st\0atus", "ASCII"), ("ståtus", "ASCII"), ("x" * 255, "no command")):
            answer = ask(SOCKET, line)
            assert answer["ok"] is False and word in answer["error"] and "\n" not in answer["error"], (line, answer)
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(SOCKET)
            s.sendall(b"y" * 1000)
            assert b"at most 255 bytes" in s.recv(4096)
            with contextlib.suppress(ConnectionResetError):
                assert s.recv(1) == b""
        with socket.socket(socket.AF_UNIX) as s:  # several at once, and a half one at the end
            s.settimeout(60)
            s.connect(SOCKET)
            s.sendall(b"pause\nresume\r\nstatus\nsta")
            lines = s.makefile("rb")
            assert [json.loads(lines.readline())["ok"] for _ in range(3)] == [True] * 3
        assert "rate 'fast' is none" in ctl("rate", "fast", status=1)
        assert "no command" in ctl("jump", status=1)


def slow_and_greedy_clients_hold_up_nobody():
    with on_ports("-r", "1kpps") as run, contextlib.ExitStack() as stack:
        before = run.began(SOCKET)["packets"]
        crowd = []
        for i in range(16):
            s = stack.enter_context(socket.socket(socket.AF_UNIX))
            s.connect(SOCKET)
            s.setblocking(False)
            crowd.append(s)
            if i % 2 == 0:
                s.send(b"sta")  # a line that never ends
            else:
                with contextlib.suppress(BlockingIOError):  # asks and asks, and never reads
                    for _ in range(10000):
                        s.send(b"status\n")
        time.sleep(0.5)
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(SOCKET)
            assert b"too many clients" in s.recv(4096)
        begin = time.monotonic()
        running.wait_for(lambda: not refused())
        assert time.monotonic() - begin < 20
        began = time.monotonic()
        assert ask(SOCKET, "status")["status"]["packets"] > before + 5000
        assert time.monotonic() - began < 2
        assert run.process.poll() is None


def what_waits_for_a_slow_reader_of_labels_is_still_reported():
    fifo = place("labels.fifo")
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    with on_ports("-r", "50kpps", "-n", "50000", "--labels", fifo) as run, open(reader, "rb", buffering=0) as labels:
        run.began(SOCKET)
        running.wait_for(lambda: ask(SOCKET, "status")["status"]["wall_s"] > 4)
        answer = ask(SOCKET, "status")
        assert answer["status"]["packets"] == 50000 and answer["status"]["packets_per_s"] == 0, answer
        assert run.process.poll() is None
        os.set_blocking(reader, True)
        lines = labels.readall().count(b"\n")
        assert run.end() == 0 and lines > 1000, (lines, run.said())


def refused():
    try:
        return not ask(SOCKET, "status")["ok"]
    except (ConnectionError, json.JSONDecodeError):
        return True


def a_stale_socket_is_replaced_and_anything_else_is_left():
    with on_ports("-r", "1kpps") as run:
        run.began(SOCKET)
        second = subprocess.run([WIREMILL, *eal(*NULL), "-m", MODEL, "--control", SOCKET, "-n", "10"], capture_output=True,
                                encoding="utf-8", check=False, timeout=60)
        assert second.returncode == 2 and "somebody listens" in second.stderr, second.stderr
        assert ask(SOCKET, "status")["ok"]
        run.process.kill()
        run.process.wait()
    assert stat.S_ISSOCK(os.stat(SOCKET).st_mode)
    assert "no run listens there" in ctl("status", status=2)
    with on_ports("-r", "1kpps") as run:
        run.began(SOCKET)
        os.rename(SOCKET, SOCKET + ".moved")  # somebody else's file in its place is not removed at the end
        pathlib.Path(SOCKET).write_text("mine", encoding="ascii")
        run.process.terminate()
        assert run.end() == 0, run.said()
    assert pathlib.Path(SOCKET).read_text(encoding="ascii") == "mine"
    third = subprocess.run([WIREMILL, "-m", MODEL, "-o", place("y"), "--control", SOCKET, "-n", "10"], capture_output=True,
                           encoding="utf-8", check=False, timeout=60)
    assert third.returncode == 2 and "is no socket" in third.stderr, third.stderr
    assert pathlib.Path(SOCKET).read_text(encoding="ascii") == "mine"
    os.unlink(SOCKET)
    os.unlink(SOCKET + ".moved")
    for path, word in (("/nonexistent/s", "No such file"), ("x" * 200, "longer than")):
        done = subprocess.run([WIREMILL, "-m", MODEL, "-o", place("y"), "--control", path, "-n", "10"], capture_output=True,
                              encoding="utf-8", check=False, timeout=60)
        assert done.returncode == 2 and word in done.stderr and done.stderr.count("\n") == 1, done.stderr


def on_terminal(rows, columns, *words):
    """What a run draws on a terminal of that size: the frames, each a list of lines, and all that was written."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with subprocess.Popen([WIREMILL, *words], stderr=theirs, stdout=subprocess.DEVNULL, cwd=FOLDER.name,
                          env={**os.environ, "TERM": "xterm"}) as process:
        os.close(theirs)
        text = b""
        with contextlib.suppress(OSError):  # the terminal's end
            while piece := os.read(ours, 65536):
                text += piece
        assert process.wait(60) == 0, text
    os.close(ours)
    text = text.decode().replace("\r\n", "\n")
    frames_ = []
    for before, up in re.findall(r"([^\x1b]*)\x1b\[(\d+)A\r\x1b\[J", text):
        frames_.append(before.split("\n")[-1 - int(up):-1])
        assert len(frames_[-1]) == int(up), (before, up)  # it wipes just what it has drawn
    return frames_, text


def a_terminal_has_a_view_that_stays_in_its_place():
    mix = ["-m", MODEL, "-m", MODEL + ",label=other"]
    ports = [*eal("--vdev", "net_null0,no-rx=1", "--vdev", "net_null1,no-rx=1"), *mix, "-r", "5kpps", "-d", "2", "--stats", "0.2"]
    drawn, _ = on_terminal(40, 100, *ports)
    assert len(drawn) > 3, drawn
    for frame in drawn:
        for beginning in ("wiremill running", "all ", "port 0 net_null0", "port 1 net_null1", "model http", "model other", "fresh 100.0 %",
                          "pacing error  p50", "dropped  oversize 0", "waits  samples"):
            assert any(line.startswith(beginning) for line in frame), (beginning, frame)
    assert re.search(r"^all +[\d.]+ [ kM] +[\d.]+ [ kM] +[\d.]+ [ kM] +[\d.]+ k$", drawn[-1][2]), drawn[-1]
    for rows, columns in ((24, 80), (10, 40), (6, 20)):
        drawn, _ = on_terminal(rows, columns, *ports)
        for frame in drawn:
            assert max(map(len, frame)) < columns and len(frame) < rows, (rows, columns, frame)
    drawn, _ = on_terminal(24, 80, *mix, "-o", "/dev/null", "-n", "1500000", "--stats", "0.2")
    assert drawn and all("of traffic" in frame[0] and any(line.startswith("model other") for line in frame) for frame in drawn), drawn
    with Run(WIREMILL, FOLDER.name, *ports) as run:  # no terminal, no view
        assert run.end() == 0 and "\x1b" not in run.said() and "  port 1 (net_null1): " in run.said(), run.said()
        assert len(re.findall(r"^[\d.]+ s: \d+ packets sent, \d+ packets/s, .* rings \d+ % full", run.said(), re.M)) > 3, run.said()


def wiremillctl_says_what_is_wrong():
    for words, status, word in (((), 2, "command is missing"), (("status",), 2, "no such socket"),
                                (("--wait", "x", "status"), 2, "--wait"), (("--sokcet", "x"), 2, "no option"),
                                (("rate", "a\nb"), 2, "one line"), (("/run/x", "status"), 2, "named with -s"),
                                (("rate", "z" * 300), 2, "at most")):
        assert word in ctl(*words, status=status, path=place("absent")), words
    with socket.socket(socket.AF_UNIX) as mute:  # somebody who never answers
        mute.bind(place("mute"))
        mute.listen()
        begin = time.monotonic()
        assert "not answered in time" in ctl("-w", "0.5", "status", status=2, path=place("mute"))
        assert time.monotonic() - begin < 10


def what_a_stranger_answers_does_not_steer_the_terminal():
    for answer in (r'{"ok":false,"error":"\u001b[2Jgone\nfor good"}', r'{"ok":true,"done":"\u001b[2Jgone\nfor good"}',
                   r'{"ok":true,"status":{"ports":[{"name":"\u001b[2Jgone\nfor good"}]}}'):
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.bind(place("stranger"))
            stranger.listen()
            asking = subprocess.Popen([CTL, "-s", place("stranger"), "status"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            with stranger.accept()[0] as connection:
                connection.recv(99)
                connection.sendall(answer.encode() + b"\n")
                said = asking.communicate(timeout=60)[0]
        os.unlink(place("stranger"))
        assert b"[2Jgone for good" in said and not set(said) & {*range(10), *range(11, 32)}, said


claims.run("control", [
    status_has_what_the_final_statistics_have,
    rates_and_pauses_show_at_the_far_end,
    a_rate_asked_for_before_the_start_begins_with_it,
    weights_change_while_running,
    a_pause_is_no_late_packet_and_no_time_of_the_duration,
    a_pcap_is_the_same_with_pauses_and_its_rate_stays,
    what_is_paused_can_be_ended,
    a_capture_is_watched_and_paused_like_a_model,
    only_its_owner_gets_in,
    what_is_no_command_is_refused_in_a_line,
    slow_and_greedy_clients_hold_up_nobody,
    what_waits_for_a_slow_reader_of_labels_is_still_reported,
    a_stale_socket_is_replaced_and_anything_else_is_left,
    a_terminal_has_a_view_that_stays_in_its_place,
    wiremillctl_says_what_is_wrong,
    what_a_stranger_answers_does_not_steer_the_terminal,
])
