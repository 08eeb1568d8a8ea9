#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The DIAGNOSTICS of the man pages: each sentence in them can be had, is said as it stands there, and stands alone; and what
the sources can say is in them.

usage: test_diagnostics.py SOURCES WIREMILL WIREMILL_TRAIN WIREMILL_COMPARE WIREMILLCTL
"""

import concurrent.futures
import contextlib
import errno
import functools
import os
import pathlib
import re
import resource
import shlex
import socket
import subprocess
import sys
import tempfile
import time

import claims
import hostile_files
import running
import sentences

SOURCES = pathlib.Path(sys.argv[1]).resolve()
PROGRAMS = {pathlib.Path(path).name: str(pathlib.Path(path).resolve()) for path in sys.argv[2:6]}
PAGES = {name: SOURCES / "app" / name / f"{name}.1" for name in PROGRAMS}
FOLDER = tempfile.TemporaryDirectory()
LIMIT_S = 120 * claims.PATIENCE
EAL = "--no-huge -m 128 --no-pci --no-telemetry --no-shconf --log-level error -l 0 --vdev net_null0"
TWO = EAL + " --vdev net_null1"

# Command lines, in a folder with the files of hostile_files; each is refused, or fails.
COMMANDS = {
    "wiremill-train": """
        c.pcap -o
        c.pcap -o m --quiet=yes
        c.pcap -o m --bogus
        c.pcap -o m -x
        c.pcap -o m -s x
        c.pcap -o m --label=
        c.pcap -o m --time-limit 0
        -o m
        c.pcap
        --inspect c.pcap c.pcap
        c.pcap -o m --label a,b
        c.pcap -o m -e gan
        c.pcap -o m -e rows
        flows.csv -o m --filter tcp
        SOURCE_DATE_EPOCH=noon c.pcap -o m
        folder -o m
        /dev/null -o m
        empty -o m
        c.pcap -o c.pcap
        c.pcap -o folder
        c.pcap -o /dev/null
        c.pcap -o resumed --resume
        --help >/dev/full
        empty.gz -o m
        short -o m
        text -o m
        zstd -o m
        erf.erf -o m
        header -o m
        version -o m
        linkbits -o m
        c.pcap -o m -f nonsense
        unknown.pcap -o m
        nothing.pcap -o m
        headonly -o m
        columns.csv -o m
        quote.csv -o m
        zeek.log -o m
        zeekquote.log -o m
        wrong.csv -o m
        none.csv -o m
        noport.csv -o m
        zeektwo.log -o m
        cut.csv.gz -o m
        flows.csv zeekflows.log -o m
        loracolumns.csv -o m
        lorawrong.csv -o m
        loratap-senseless.pcap -o m
        loratap-cut.pcap -o m
        lora.csv c.pcap -o m
        --inspect folder
        --inspect empty
        --inspect short
        --inspect text
        --inspect brace.wm
        --inspect headercut.wm
        --inspect bodycut.wm
        --inspect json.wm
        --inspect metadatalist.wm
        --inspect hole.wm
        --inspect tail.wm
        --inspect noformat.wm
        --inspect otherformat.wm
        --inspect future.wm
        --inspect nan.wm
    """,
    "wiremill-compare": """
        c.pcap c.pcap -n
        c.pcap c.pcap --quiet=yes
        c.pcap c.pcap --bogus
        c.pcap c.pcap -x
        c.pcap c.pcap -n x
        c.pcap c.pcap --json=
        -q
        c.pcap
        c.pcap c.pcap third
        - -
        c.pcap c.pcap --json - --html -
        PATH=/nowhere c.pcap c.pcap --html x.html
        PATH=fails c.pcap c.pcap --html x.html
        PATH=draws-nothing c.pcap c.pcap --html x.html
        c.pcap c.pcap --fail-above score
        c.pcap c.pcap --fail-above score=-1
        c.pcap c.pcap --fail-above nonsense=1
        little.pcap c.pcap
        flows.csv flows.csv
        nothing.pcap c.pcap
        headonly c.pcap
        none.csv flows.csv
        manyflows.csv arp.pcap
        centuries.pcapng c.pcap
        --help >/dev/full
    """ + "c.pcap c.pcap" + 65 * " --fail-above score=9",
    "wiremillctl": """
        -s
        --version=yes
        --bogus status
        -x status
        status extra
        /run/control status
    """,
    "wiremill": f"""
        -o x -m
        --version=yes
        -m M -o x --bogus
        -m M -o x -x
        -m M -o x -s x
        -m M -o x --labels=
        -m M -o x -d 0
        -o x
        -m M
        M -o x
        -m M -o x -r fast
        -m M -o x -r 50%
        {EAL} -- -m M -o x
        -m M -o x --queues 2
        -m own.wm -o own.wm
        --replay c.pcap -o c.pcap
        -m M -o x --labels x
        -m M -o x --map-net 10.0.0.0=1
        -m M -o x --map-mac 02=03
        -m M -o x --map-vlan 10=5000
        -m M -o x {' '.join(f'--map-port {i + 1}=80' for i in range(70))}
        -m M -o x --user nobody-of-that-name
        -m ,weight=2 -o x
        -m M,size=2 -o x
        {'-m M ' * 65} -o x
        -m M,weight=0 -o x
        -m M,rate=5 -o x
        -m M,start=noon -o x
        -m M,label= -o x
        -m M,weight=2,rate=50fps -o x
        -m M,fall=5s -o x
        -m M,start=6m,stop=5m -o x
        -m M,stop=30s,rise=20s,fall=20s -o x
        -m M,rate=900Gbps -o x
        -m lora.wm,start=5s -o x
        -m rows.wm -o x
        -m rows.wm --csv x -r 5kpps
        -m noengine.wm -o x
        -m otherengine.wm -o x
        -m lora.wm --lora-forward 192.0.2.1,gateways=x -o x
        -m M --lora-forward 192.0.2.1 -o x
        {EAL} -- -m lora.wm -n 10
        -m threegateways.wm --lora-forward 192.0.2.1,gateways=198.18.0.0/30 -o x
        -m M -m lora.wm --lora-forward 192.0.2.1 -o x --csv y
        -m M -o x -r x0.000001 -n 1000000
        --replay c.pcap,weight=1000000 -o x -r x1000
        --replay c.pcap,size=2 -o x
        --replay c.pcap {'-m M ' * 32} -o x
        -m M -o x --loop 2
        --replay c.pcap -o x --snapped stretch
        --replay - --loop 2 -o x
        {EAL} -- --replay c.pcap --underflow recycle -n 5
        --replay headonly -o x
        --replay two -o x
        --replay unknown.pcap -o x
        --replay nothing.pcap -o x
        --replay cut.pcap -o x
        --replay loratap-cut.pcap -o x
        {EAL} -- --replay ages.pcap --loop 9 -r max
        --replay snapped.pcap --snapped drop -o x
        {EAL.replace(' --vdev net_null0', '')} -- -m M -n 5
        {EAL.replace('net_null0', 'net_af_packet0,iface=nowhere0')} -- -m M -n 5
        {EAL.replace('null', 'ring')} -- -m M -n 5 --queues 64
        {TWO} -- -m M -n 5 --queues 64
        {EAL} --vdev net_failsafe0,dev\(net_null1\) -- -m M -n 5
        {EAL.replace('128', '16')} -- -m M -n 5
        {EAL} -- -m M -n 5 --port 7
        {TWO} -- -m M -n 5 --port 0 --port net_null0
        {TWO} -- -m M -n 5 --port 0 --port 0
        {EAL} -- -m M -n 5 --port 0,vlan=1,vlan=2
        {EAL} -- -m M -n 5 --port 0,vlan=5000
        {EAL} -- -m M -n 5 --port 0,pacing=x
        {EAL} -- -m M -n 5 --port 0,pacing=nic,pacing=nic
        {EAL} -- -m M -n 5 --port 0,pacing=nic
        -m M --flows-from flows.csv -o flows.csv
        -m lora.wm --flows-from flows.csv -o x
        -m M --flows-from udpflows.csv -o x
        -m M --flows-from nobodysflows.csv -o x
        -m M --flows-from names.csv -o x
        -m M --level deep -o x
        -m lora.wm --level flow -o x
        -m M -m M --flows-from flows.csv -o x
        -m M,rate=50fps --flows-from flows.csv -o x
        {EAL} -- -m M --flows-from flows.csv --underflow recycle
        -m M -n 50000 -o /dev/full
        {EAL} -- -m M -n 5 --port 0,src-mac=02
        {EAL} -- -m M -n 5 --port 0,src-mac=01:00:00:00:00:01
        {EAL} -- -m M -n 5 --port 0,src-mac=02:00:00:00:00:01,src-mac=02:00:00:00:00:01
        {TWO} -- -m M -n 5 --port 0,peer=
        {TWO} -- -m M -n 5 --port 0,peer=1
        {TWO} -- -m M -n 5 --snaplen 60
        --replay c.pcap --level flow -o x
        -m M,stop=0 -o x
        -m M --map-mac 02:00:00:00:00:01=02:00:00:00:00:02 -o x
        -m M,label={'l' * 200} -o x
        {EAL} -- -m M -n 5 --port 0,colour=1
        {EAL} -- -m M -n 5 --port vlan=1
        {EAL} -- -m M -n 5 {' '.join(f'--port {i}' for i in range(40))}
        {EAL} -- -m M -n 5 --directions both
        {EAL} -- -m M -n 5 --directions split
        {TWO} --vdev net_null2 --vdev net_null3 -- -m M -n 5 --receive --directions split --port 0,peer=1 --port 2,peer=1
        {EAL} -- -m M -n 5 --underflow drop
        {EAL} -- -m M,start=5s -n 5 --underflow recycle
        {EAL} -- -m M -n 5 --recycle-samples 4096
        {EAL} -- -m M -n 5 --receive-window 4096
        {EAL} -- -m M -n 5 --roles receive=0
        {EAL} -- -m M -n 5 --roles send=0
        {EAL} -- -m M -n 5 --roles tx=9
        {EAL} -- -m M -n 5 --control text
        {EAL} -- -m M -n 5 --control {'long' * 40}
        {EAL} -- -m M -n 5 --http 127.0.0.1:99999
        -m M -o x -n 5000 --csv /dev/full
        --help >/dev/full
    """,
}

# What a run that mills slowly answers to lines on its control socket.
LINES = ["walk", "x" * 2000, "stat\tus", "rate", "status now", "rate fast", "weight 1", "weight 1 -1", f"weight {'x' * 200} 1", "weight nobody 1",
         "weight twice 2"]

# Sentences of a page that a test elsewhere brings about, and where: what they need takes more than a command line.
ELSEWHERE = {
    "REASON; the model itself is complete": "test_faults_files.py",
    "the run has not answered in time": "test_control.py",
    "port PORT does not know its speed: give the rate in bps instead of %": "test_faults_plane.py",
    "port PORT is on interface NAME, and by NAME goes this machine's default route: synthetic traffic would leave the testbed; take another interface, or give --i-own-this-network": "test_guard.py",
    "port PORT is on the network card of interface NAME, and by NAME goes this machine's default route: synthetic traffic would leave the testbed; take another interface, or give --i-own-this-network": "test_guard.py",
}

# The class that a page names instead of each: the system's own reasons.
SYSTEM = re.compile("|".join(re.escape(os.strerror(number)) for number in (errno.ENOENT, errno.ENOSPC, errno.EACCES, errno.EISDIR, errno.ENOMEM)))
# That of parts of a model file.
PARTS = r"(\*: )?(tensors? |metadata |header image |payload template )"

# What libraries say of how they are called. No input of a program leads there.
CONTRACTS = {
    "the name of the file to write is empty", "*: its first line names no column physical_payload", "*: the file is empty", "*: no rows that can be used",
    "engine lora learns from LoRa receptions, and there are none in the input", "engine rows learns from flow tables, and there are none in the input",
    "* lcores: -l must name 1 to *", "* queues: there must be 1 to *", "* workers: there must be 1 to *", "-l names more than * lcores",
    "* models: a run needs 1 to * of them", "model *: its schedule contradicts itself", "model *: its speed * is not in 1e-6 .. 1e6",
    "worker * of *: there is no such worker",
}

# What takes centuries of traffic, a kernel that breaks its word, a device of a rare kind or a race to be said.
RARE = {
    "*: a row has no packets, or no protocol that * knows",
    "port * does not tell its clock: leave pacing=nic out",
    "the traffic's own time is over: it cannot be later than 292 years", "the table's own time is over: it cannot be later than 292 years",
    "option --user: * can become root again", "the ports' speeds are not known before the run begins; try again",
}


def run(program, line):
    """(the command, its status, the lines on its standard error). VAR=VALUE in front and >FILE behind are a shell's."""
    words, env = shlex.split(line), dict(os.environ)
    while words and re.match(r"[A-Z_]+=", words[0]):
        name, _, value = words.pop(0).partition("=")
        env[name] = value
    out = open(words.pop()[1:], "wb") if words and words[-1].startswith(">") else open(os.devnull, "wb")
    with out:
        done = subprocess.run([PROGRAMS[program], *words], cwd=FOLDER.name, stdout=out, stderr=subprocess.PIPE, encoding="utf-8",
                              errors="replace", check=False, timeout=LIMIT_S, stdin=subprocess.DEVNULL, env=env)
    return f"{program} {line[:200]}", done.returncode, done.stderr.splitlines()


def answers():
    """What a run answers on its control socket, and wiremillctl where there is none to answer."""
    said = []
    with running.Run(PROGRAMS["wiremill"], FOLDER.name, *EAL.split(), "--", "-m", "M,label=twice", "-m", "M,label=twice", "-r", "1kpps", "-d", "300",
                     "--control", "control") as slow:
        slow.began(place("control"))
        said += [("wiremill", line, running.ask(place("control"), line).get("error", "")) for line in LINES]
        said.append(("wiremill", "a socket that is taken", run("wiremill", f"{TWO} -- -m M -n 5 --control control")[2][-1].partition(": ")[2]))
    with running.Run(PROGRAMS["wiremill"], FOLDER.name, "-m", "M", "-o", "/dev/null", "-n", str(10**12), "--control", "control") as pcap:
        pcap.began(place("control"))
        said += [("wiremill", line, running.ask(place("control"), line).get("error", "")) for line in ("rate 5kpps", "weight 0 2")]
    with running.Run(PROGRAMS["wiremill"], FOLDER.name, *EAL.split(), "--", "-m", "lora.wm,label=radio", "--lora-forward", "192.0.2.1", "-d", "300",
                     "--control", "control") as radio:
        radio.began(place("control"))
        said.append(("wiremill", "weight radio 2", running.ask(place("control"), "weight radio 2").get("error", "")))
    for line in ("", "-s absent status", f"-s {'long' * 40} status", "'status\n now'", f"{'x' * 2000}"):
        said.append(("wiremillctl", line, run("wiremillctl", line)[2][-1].partition(": ")[2]))
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(place("stale"))
    said.append(("wiremillctl", "-s stale status", run("wiremillctl", "-s stale status")[2][-1].partition(": ")[2]))
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(place("silent"))
        silent.listen()
        said.append(("wiremillctl", "-s silent status", run("wiremillctl", "-s silent -w 0.2 status")[2][-1].partition(": ")[2]))
        asking = subprocess.Popen([PROGRAMS["wiremillctl"], "-s", place("silent"), "status"], stderr=subprocess.PIPE, encoding="utf-8")
        for _ in range(2):  # the one before waits in the queue still
            connection = silent.accept()[0]
            connection.recv(99)
            connection.close()
        said.append(("wiremillctl", "closed", asking.communicate(timeout=LIMIT_S)[1].strip().partition(": ")[2]))
    return said


def asked_by_nobody():
    """What root alone may do, asked by another."""
    words = shlex.split("-m M -o /dev/null -n 5 --user daemon")
    nobody = {"user": 65534} if os.geteuid() == 0 else {}
    os.chmod(FOLDER.name, 0o755)
    done = subprocess.run([PROGRAMS["wiremill"], *words], cwd=FOLDER.name, capture_output=True, encoding="utf-8", check=False, timeout=LIMIT_S, **nobody)
    return "wiremill", "asked by nobody", done.stderr.strip().partition(": ")[2]


def short_of_descriptors():
    """What the status page says where it has one of its own to listen, and no other: which limit that is, is the system's."""
    for limit in range(4, 12):
        words = [PROGRAMS["wiremill"], *EAL.split(), "--", "-m", "M", "-n", "5", "--http", "0"]
        done = subprocess.run(words, cwd=FOLDER.name, capture_output=True, encoding="utf-8", check=False, timeout=LIMIT_S,
                              preexec_fn=functools.partial(resource.setrlimit, resource.RLIMIT_NOFILE, (limit, limit)))
        said = (done.stderr.splitlines() or [""])[-1]
        if said.startswith("wiremill: option --http: the server"):
            break
    return "wiremill", f"{limit} descriptors", said.partition(": ")[2]


def slow_reader():
    """What is said where labels go to somebody who does not take them for a while, and the packets go on."""
    os.mkfifo(place("pipe"))
    words = [*EAL.split(), "--", "-m", "M", "-r", "max", "-n", "500000", "--labels", "pipe", "--control", "piped"]
    run = subprocess.Popen([PROGRAMS["wiremill"], *words], cwd=FOLDER.name, stderr=subprocess.PIPE, encoding="utf-8")
    with open(place("pipe"), "rb") as pipe:
        running.wait_for(lambda: os.path.exists(place("piped")))
        before, now, until = -1, 0, time.monotonic() + LIMIT_S
        with contextlib.suppress(OSError, ValueError):  # the end of the run
            while now < 450000 and (now == 0 or now != before) and time.monotonic() < until:  # none is counted at the end
                time.sleep(0.5)
                before, now = now, (running.ask(place("piped"), "status").get("status") or {}).get("packets", 0)
        while pipe.read(1 << 20):
            pass
    return "wiremill", "a slow reader", run.communicate(timeout=LIMIT_S)[1].splitlines()[-1].partition(": ")[2]


def place(name):
    return str(pathlib.Path(FOLDER.name, name))


def prepare():
    hostile_files.make(FOLDER.name)
    os.symlink(SOURCES / "models/http.safetensors", place("M"))
    pathlib.Path(place("own.wm")).write_bytes(pathlib.Path(place("M")).read_bytes())
    table = pathlib.Path(place("lora.csv")).read_text(encoding="utf-8").splitlines()
    pathlib.Path(place("threegateways.csv")).write_text("\n".join(
        [table[0]] + [line.replace("00800000a0001234", f"00800000a0001{i % 3}34") for i, line in enumerate(table[1:])]), encoding="utf-8")
    for words in ("lora.csv -o lora.wm", "threegateways.csv -o threegateways.wm", "manyflows.csv -o rows.wm", "c.pcap -o m.wm --time-limit 2"):
        done = run("wiremill-train", f"{words} -q")
        assert done[1] == 0, done


def all_that_is_said():
    """[(program, what was asked, the sentence without the program's name)], and what was wrong with the way it was said."""
    jobs = [(program, line.strip()) for program, lines in COMMANDS.items() for line in lines.splitlines() if line.strip()]
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        runs = list(pool.map(lambda job: (job[0], *run(*job)), jobs))
    said, faults = [], []
    for program, what, status, lines in runs:
        ours = [line for line in lines if line.startswith(f"{program}: ")]
        if status not in (1, 2) or not ours:
            faults.append(f"{what}: status {status}, {lines}")
            continue
        said.append((program, what, ours[-1].partition(": ")[2]))
    return said + answers() + [asked_by_nobody(), short_of_descriptors(), slow_reader()], faults


SAID = {}


def every_refusal_is_one_sentence_with_status_1_or_2():
    prepare()
    SAID["all"], faults = all_that_is_said()
    faults += [f"{what}: '{sentence}' is no single sentence" for _, what, sentence in SAID["all"]
               if not sentence or sentence.endswith((".", "!", " ")) or re.search(r"[a-z]\. [A-Z]", sentence)]
    assert not faults, "\n".join(faults)


def what_is_said_stands_in_the_page_and_what_stands_there_is_said():
    faults = []
    pages = {name: {entry: sentences.pattern(entry) for entry in sentences.of_page(page)} for name, page in PAGES.items()}
    heard = set(ELSEWHERE)
    for program, what, sentence in SAID["all"]:
        # Each of them reads files that the trainer's page tells of.
        now = [entry for entry, pattern in (pages["wiremill-train"] | pages[program]).items() if pattern.fullmatch(sentence)]
        heard.update(now)
        if not now and not SYSTEM.search(sentence) and not re.match(PARTS.replace(r"\*", ".*"), sentence):
            faults.append(f"{program}.1 does not have what '{what}' says: {sentence}")
    faults += [f"{name}.1: nothing here says '{entry}'" for name, entries in pages.items() for entry in entries if entry not in heard]
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults)


def what_the_sources_can_say_stands_in_a_page():
    entries = [sentences.shape(entry) for page in PAGES.values() for entry in sentences.of_page(page)]
    classes = re.compile(PARTS + "|.*no memory")
    faults = []
    for name, kind, shape in sorted(sentences.of_sources(SOURCES)):
        if kind == "sys" or classes.match(shape) or " " not in shape or not re.search("[a-z]{2}", shape):
            continue
        pattern = re.compile(".*" + ".*".join(re.escape(part) for part in shape.split("*")))
        if shape not in CONTRACTS | RARE and not any(pattern.fullmatch(entry) for entry in entries):
            faults.append(f"{name}: {shape}")
    stray = (CONTRACTS | RARE) - {shape for _, _, shape in sentences.of_sources(SOURCES)}
    assert not faults and not stray, "\n".join(["in no page:", *faults, "not in the sources:", *stray])


with FOLDER:
    claims.run("diagnostics", [
        every_refusal_is_one_sentence_with_status_1_or_2,
        what_is_said_stands_in_the_page_and_what_stands_there_is_said,
        what_the_sources_can_say_stands_in_a_page,
    ])
