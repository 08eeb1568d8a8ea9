#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Wrong configuration files, each refused with status 2 and one sentence that says where, what, and what would be right;
and what the command line makes of right ones.

usage: test_configurations.py WIREMILL MODELS CAPTURES
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import claims

WIREMILL, MODELS, CAPTURES = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:4])
FOLDER = tempfile.TemporaryDirectory()
LIMIT_S = 60 * claims.PATIENCE
HTTP = f'model = "{MODELS}/http.safetensors";\n'
PCAP = HTTP + 'pcap = "x.pcap"; packets = 10;\n'
# EAL is asked for as little as possible; where a case says what is wrong with it, that takes the place of ARGS.
NULL = ('eal = "--no-huge -m 128 --no-pci --no-telemetry --no-shconf --log-level error -l 0 ARGS";\n'
        f"packets = 10;\n{HTTP}")
PORTS = NULL.replace("ARGS", "--vdev net_null0")
TWO = NULL.replace("ARGS", "--vdev net_null0 --vdev net_null1")

# What a file says (the line that is wrong ends with //!), and what must be in the sentence. "M" is the models' folder.
WRONG = [
    # Keys that there are not, at every level.
    (PCAP + 'lables = "x.csv"; //!', ["'lables'", "'labels' is like it"]),
    (PCAP + "colour = 3; //!", ["'colour'", "--help"]),
    (PCAP.replace("model", "models").replace(";\n", "; //!\n", 1), ["'models'", "'model' is like it"]),
    ('pcap = "x.pcap"; model = ( { file = "M/http.safetensors";\n  wieght = 2; } ); //!', ["--model", "'wieght'", "weight, rate"]),
    ('pcap = "x.pcap"; replay = { file = "C/ping.pcap.gz";\n rate = "1kpps"; }; //!', ["--replay", "'rate'", "weight and label"]),
    (PORTS + 'port = ( { port = "0";\n src = "02:00:00:00:00:01"; } ); //!', ["--port", "'src=", "src-mac=MAC"]),
    (PORTS + "roles = { send = [ 1 ]; }; //!", ["--roles", "tx=1+2"]),
    (PCAP + "config = \"other.conf\"; //!", ["'config'", "command line alone"]),
    (PCAP + "help = true; //!", ["'help'", "command line alone"]),
    # Notation.
    (PCAP + "seed 7; //!", ["syntax error", "name = value;"]),
    (PCAP + "labels = x.csv; //!", ["syntax error", "quotes"]),
    (PCAP + "seed = 1;\nseed = 2; //!", ["duplicate"]),
    # Types.
    (PCAP + 'seed = "7"; //!', ["'seed'", "whole number", "without quotes"]),
    (PCAP + "seed = 1.5; //!", ["'seed'", "whole number"]),
    (PCAP + "seed = true; //!", ["'seed'", "whole number"]),
    (PCAP + "workers = [ 1, 2 ]; //!", ["'workers'", "not a list"]),
    (PCAP + 'duration = "5m"; //!', ["'duration'", "number of seconds"]),
    (PCAP + "labels = 5; //!", ["'labels'", "text in quotes"]),
    (PCAP + 'labels = { file = "x.csv"; }; //!', ["'labels'", "text in quotes"]),
    (PORTS + "receive = 1; //!", ["'receive'", "true or false"]),
    (PORTS + 'receive = "no"; //!', ["'receive'", "true or false"]),
    (PORTS + "rate = true; //!", ["'rate'", "number, a text"]),
    (PORTS + 'rate = ( "1kpps", "2kpps" ); //!', ["'rate'", "not a list"]),
    ('pcap = "x.pcap"; model = (); //!', ["'model'", "empty list"]),
    ('pcap = "x.pcap"; model = { file = "M/http.safetensors";\n start = { minute = 5; }; }; //!', ["'start'", "number or a text"]),
    (PCAP + "seed = 18446744073709551616L; //!", ["'seed'", "larger number"]),
    ('pcap = "x.pcap"; packets = 10;\nmodel = { file = "M/http.safetensors";\n label = 5; }; //!', ["'label'", "text in quotes"]),
    # Values.
    (PCAP + "snaplen = 5; //!", ["--snaplen", "14.."]),
    (PCAP + "workers = 65; //!", ["--workers", "1..64"]),
    (PCAP + "workers = -1; //!", ["--workers", "1..64"]),
    (PCAP + "duration = 0; //!", ["--duration", "above 0"]),
    (PCAP + 'labels = ""; //!', ["--labels", "empty"]),
    (PCAP + 'rate = "fast"; //!', ["--rate", "'fast'", "5Mpps"]),
    (PCAP + 'rate = "-5kpps"; //!', ["--rate", "'-5kpps'"]),
    (PCAP + 'map-net = [ "10.0.0.0/8=192.0.2.0/24", "10.0.0.0=1" ]; //!', ["--map-net"]),
    (PCAP + 'map-vlan = "10=5000"; //!', ["--map-vlan"]),
    (PCAP + 'map-mac = "02:00:00:00:00=02:00:00:00:00:01"; //!', ["--map-mac"]),
    (PCAP + 'map-port = "80=99999"; //!', ["--map-port"]),
    (PORTS + 'underflow = "drop"; //!', ["--underflow", "'drop'", "wait or recycle"]),
    (PORTS + 'directions = "both"; //!', ["--directions", "'both'", "together or split"]),
    (PORTS + "queues = 65; //!", ["--queues", "1..64"]),
    (PORTS + "mtu = 20; //!", ["--mtu", "68.."]),
    (PORTS + 'http = "127.0.0.1:99999"; //!', ["--http", "99999"]),
    (PORTS + 'control = "/nonexistent/socket"; //!', ["--control", "/nonexistent/socket"]),
    (PORTS + 'user = "nobody-of-that-name"; //!', ["--user", "nobody-of-that-name"]),
    # Scenarios.
    ('pcap = "x.pcap"; packets = 10;\nmodel = (\n { file = "M/http.safetensors"; start = "6m";\n   stop = "5m"; } ); //!',
     ["stops at 300 s", "starts at 360 s", "later"]),
    ('pcap = "x.pcap"; packets = 10;\nmodel = (\n { file = "M/http.safetensors"; stop = "30s"; rise = "20s";\n   fall = "20s"; } ); //!',
     ["rise and fall take 40 s", "30 s"]),
    ('pcap = "x.pcap"; packets = 10;\nmodel = { file = "M/http.safetensors"; fall = "20s"; }; //!', ["fall needs a stop"]),
    ('pcap = "x.pcap"; packets = 10;\nmodel = { file = "M/http.safetensors"; start = "noon"; }; //!', ["start 'noon'", "5m"]),
    ('pcap = "x.pcap"; packets = 10;\nmodel = { file = "M/http.safetensors"; weight = 2;\n rate = "50fps"; }; //!',
     ["a weight and a rate"]),
    ('pcap = "x.pcap"; packets = 10;\nmodel = { file = "M/http.safetensors"; weight = 0; }; //!', ["weight '0'", "0.000001"]),
    ('pcap = "x.pcap"; packets = 10;\nmodel = { file = "M/http.safetensors"; rate = "5"; }; //!', ["rate '5'", "50fps"]),
    ('pcap = "x.pcap"; packets = 10;\nmodel = { file = "M/http.safetensors"; rate = "900Gbps"; }; //!', ["1000000 times"]),
    (PORTS.replace(HTTP, "") + 'underflow = "recycle"; //!\nmodel = { file = "M/http.safetensors"; start = 5; };',
     ["--underflow", "has not started"]),
    ('pcap = "x.pcap"; packets = 10;\nmodel = { file = "M/http.safetensors";\n stop = 0; }; //!', ["stop '0'", "never stops"]),
    # Labels.
    (f'pcap = "x.pcap"; packets = 10;\nmodel = {{ file = "M/http.safetensors";\n label = "{"l" * 128}"; }}; //!', ["127 bytes"]),
    ('pcap = "x.pcap"; packets = 10;\nmodel = { file = "M/http.safetensors"; label = ""; }; //!', ["label ''"]),
    ('pcap = "x.pcap"; packets = 10;\nmodel = { file = "M/http.safetensors"; label = "a,b"; }; //!', ["'label'", "'a,b'", "comma"]),
    (PORTS + 'port = { port = "0"; label = "attack"; }; //!', ["--port", "'label=attack'"]),
    (PCAP + 'labels = "/nonexistent/x.csv"; //!', ["--labels", "/nonexistent/x.csv", "No such file"]),
    (HTTP + 'labels = "x.pcap"; packets = 10;\npcap = "x.pcap"; //!', ["--labels", "--pcap", "x.pcap"]),
    (PCAP + 'csv = "."; //!', ["--csv", "Is a directory"]),
    (PCAP + 'stats-json = "/nonexistent/x.json"; //!', ["--stats-json", "/nonexistent/x.json"]),
    # Files.
    ('pcap = "x.pcap"; packets = 10;\nmodel = ( "M/http.safetensors",\n "gone.safetensors" ); //!', ["gone.safetensors", "No such file"]),
    ('pcap = "x.pcap"; packets = 10;\nmodel = { weight = 2; }; //!', ["names no file"]),
    ('pcap = "x.pcap"; packets = 10;\nmodel = "C/http.pcap.gz"; //!', ["http.pcap.gz"]),
    ('pcap = "x.pcap"; replay = "gone.pcap"; //!', ["gone.pcap", "No such file"]),
    ('model = "own.safetensors"; pcap = "own.safetensors"; //!', ["--pcap", "overwritten"]),
    (HTTP + 'pcap = "/nonexistent/x.pcap"; //!', ["--pcap", "/nonexistent/x.pcap", "No such file"]),
    # What contradicts itself.
    (PORTS + 'pcap = "x.pcap"; //!', ["--pcap", "without EAL"]),
    (PCAP + "receive = true; //!", ["--receive", "for ports"]),
    (PCAP + "queues = 4; //!", ["--queues", "for ports"]),
    (PORTS + "snaplen = 60; //!", ["--snaplen", "for a pcap"]),
    (TWO + 'port = { port = "0"; peer = "1"; }; //!', ["peer=1", "--receive"]),
    ('pcap = "x.pcap"; replay = "C/ping.pcap.gz";\nlevel = "flow"; //!', ["--level", "none is given"]),
    (PCAP + 'rate = "50%"; //!', ["--rate", "no port"]),
    (PORTS + "recycle-samples = 1024; //!", ["--recycle-samples", "--underflow recycle"]),
    (PORTS + "receive-window = 1024; //!", ["--receive-window", "--receive"]),
    (PCAP + 'flows-from = "gone.pcap"; //!', ["--flows-from", "gone.pcap", "No such file"]),
    ('pcap = "x.pcap"; model = { file = "M/http.safetensors"; rate = "5fps"; };\nflows-from = "C/http.pcap.gz"; //!',
     ["--flows-from", "rate="]),
    (PCAP + "loop = 3; //!", ["--loop", "--replay"]),
    (PORTS + "roles = { receive = 0; }; //!", ["--roles", "--receive"]),
    ('pcap = "x.pcap"; packets = 10; //\nseed = 1;', ["-m MODEL is missing"]),
    # EAL and ports.
    (NULL.replace("ARGS", "--vdev net_null0").replace("-l 0", "-l 0-").replace(";\n", "; //!\n", 1), ["--eal", "EAL"]),
    (NULL.replace("ARGS", "--no-such-option").replace(";\n", "; //!\n", 1), ["--eal", "EAL"]),
    (NULL.replace("ARGS", "").replace(";\n", "; //!\n", 1), ["--eal", "no port to send to"]),
    (NULL.replace("ARGS", "--vdev net_nothing0").replace(";\n", "; //!\n", 1), ["--eal", "EAL"]),
    (NULL.replace("ARGS", "--vdev net_af_packet0,iface=nowhere0").replace(";\n", "; //!\n", 1), ["--eal", "net_af_packet0"]),
    (PORTS + 'port = "7"; //!', ["--port", "'7'", "net_null0"]),
    (TWO + 'port = ( "0", //\n "net_null0" ); //!', ["--port", "given twice"]),
    (TWO + 'port = ( { port = "0"; vlan = 5000; } ); //!', ["vlan '5000'", "1..4094"]),
    (TWO + 'port = ( { port = "0"; src-mac = "01:00:00:00:00:01"; } ); //!', ["src-mac", "group"]),
    (TWO + 'port = ( { port = "0"; dst-mac = "02:00"; } ); //!', ["dst-mac"]),
    (PORTS + 'directions = "split"; //!', ["--directions", "pairs of ports"]),
    (TWO + 'roles = { tx = [ 1, 1 ]; }; //!', ["--roles", "each once"]),
    (TWO + 'roles = { tx = [ 9 ]; }; //!', ["--roles", "lcore 9", "-l"]),
]


def run(*words):
    return subprocess.run([WIREMILL, *words], cwd=FOLDER.name, capture_output=True, encoding="utf-8", check=False,
                          timeout=LIMIT_S, stdin=subprocess.DEVNULL)


def refusal(text):
    """What a configuration file with this text is refused with: (status, our sentences, files that came of it)."""
    path = pathlib.Path(FOLDER.name, "x.conf")
    path.write_text(text.replace("M/", MODELS + "/").replace("C/", CAPTURES + "/") + "\n", encoding="utf-8")
    before = set(os.listdir(FOLDER.name))
    done = run("-c", "x.conf")
    left = set(os.listdir(FOLDER.name)) - before
    for name in left:
        pathlib.Path(FOLDER.name, name).unlink()
    said = [line for line in done.stderr.splitlines() if line.startswith("wiremill: ") and "see --mtu" not in line]
    return done, said, left


def wrong_configurations_are_refused_with_file_line_and_reason():
    pathlib.Path(FOLDER.name, "own.safetensors").write_bytes(pathlib.Path(MODELS, "http.safetensors").read_bytes())
    failures = []
    for text, words in WRONG:
        lines = text.splitlines()
        wrong = next((i + 1 for i, line in enumerate(lines) if line.endswith("//!")), None)
        done, said, left = refusal(text)
        sentence = said[-1] if said else done.stderr
        place = f"wiremill: x.conf:{wrong}: " if wrong else "wiremill: "
        if done.returncode != 2 or len(said) != 1 or not sentence.startswith(place) or any(w not in sentence for w in words):
            failures.append(f"{lines[-3:]}\n  status {done.returncode}, wanted {place}{words}\n  {done.stderr.strip()}")
        if left:
            failures.append(f"{lines[-3:]}\n  leaves {left}")
    assert not failures, f"{len(failures)} of {len(WRONG)}:\n" + "\n".join(failures)


def conf(text):
    pathlib.Path(FOLDER.name, "x.conf").write_text(text + "\n", encoding="utf-8")


def whoever_asks_for_a_pcap_on_the_command_line_gets_one():
    conf(TWO + 'port = { port = "0"; vlan = 5; };\nroles = { tx = [ 1 ]; };\nreceive = true;\ndirections = "split";\nqueues = 2;')
    done = run("-c", "x.conf", "-o", "x.pcap")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[0] == ("wiremill: x.conf: set aside, since the command line asks for a pcap: "
                                           "eal, queues, port, directions, roles, receive"), done.stderr
    got = pathlib.Path(FOLDER.name, "x.pcap").read_bytes()
    conf(PCAP)
    assert run("-c", "x.conf").stderr.count("set aside") == 0
    assert pathlib.Path(FOLDER.name, "x.pcap").read_bytes() == got
    # What would make other packets of it is not set aside.
    conf(PORTS + 'rate = "50%";')
    done = run("-c", "x.conf", "-o", "x.pcap")
    assert done.returncode == 2 and "x.conf:4: option --rate: a pcap has no port" in done.stderr, done.stderr
    assert run("-c", "x.conf", "-o", "x.pcap", "-r", "model").returncode == 0


def whoever_names_ports_on_the_command_line_sends_on_them():
    eal = "--no-huge -m 128 --no-pci --no-telemetry --no-shconf --log-level error -l 0 --vdev net_null0".split()
    conf(PCAP + "snaplen = 100;")
    pathlib.Path(FOLDER.name, "x.pcap").unlink(missing_ok=True)
    done = run(*eal, "--", "-c", "x.conf", "-r", "max")
    assert done.returncode == 0 and "set aside, since the command line asks for ports: pcap, snaplen" in done.stderr, done.stderr
    assert not pathlib.Path(FOLDER.name, "x.pcap").exists()
    done = run(*eal, "--", "-c", "x.conf", "-o", "y.pcap")  # it asks for both
    assert done.returncode == 2 and "option --pcap: a pcap is written without EAL" in done.stderr, done.stderr


claims.run("configurations", [
    wrong_configurations_are_refused_with_file_line_and_reason,
    whoever_asks_for_a_pcap_on_the_command_line_gets_one,
    whoever_names_ports_on_the_command_line_sends_on_them,
])
