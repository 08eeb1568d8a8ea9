#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""scripts/score-ids joins alert files of every kind with the labels of a run.

usage: test_score_ids.py SCORE_IDS
"""

import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

import claims

SCORE = str(pathlib.Path(sys.argv[1]).resolve())
FOLDER = tempfile.TemporaryDirectory()

HEAD = "start,end,src,dst,sport,dport,proto,label,model,packets,bytes\n"
# Two scans from one host, 200 s apart; a guessed password over IPv6; benign flows before and beside them.
LABELS = HEAD + """\
10.000000000,11.500000000,10.0.0.5,10.0.0.1,40000,80,TCP,web,http,10,900
100.000000000,100.001000000,10.0.0.66,10.0.0.1,50000,22,TCP,scan,scan,2,120
100.100000000,100.101000000,10.0.0.66,10.0.0.1,50000,23,TCP,scan,scan,2,120
100.200000000,100.201000000,10.0.0.66,10.0.0.1,50000,25,TCP,scan,scan,2,120
100.500000000,104.000000000,10.0.0.5,10.0.0.1,40001,80,TCP,web,http,10,900
300.000000000,300.001000000,10.0.0.66,10.0.0.1,50001,443,TCP,scan,scan,2,120
400.000000000,402.000000000,fd20::77,fd20::1,60000,22,TCP,guess,guess,20,2000
500.000000000,500.000000000,10.0.0.5,10.0.0.9,8,0,ICMP,ping,ping,1,98
3610.000000000,3611.000000000,10.0.0.5,10.0.0.1,40002,80,TCP,web,http,10,900
"""

# The same five alerts in each notation: two on the first scan (one names the flow, from the victim's side), one on the guess,
# one on a benign flow, one on nothing.
EVE = """\
{"timestamp":"1970-01-01T00:01:40.150000+0000","event_type":"alert","src_ip":"10.0.0.1","src_port":23,"dest_ip":"10.0.0.66",\
"dest_port":50000,"proto":"TCP","alert":{"action":"allowed","gid":1,"signature_id":1,"signature":"closed port"}}
{"timestamp":"1970-01-01T00:01:40.900000+0000","event_type":"flow","src_ip":"10.0.0.66","dest_ip":"10.0.0.1"}
{"timestamp":"1970-01-01T01:01:41.200000+0100","event_type":"alert","src_ip":"10.0.0.66","src_port":50000,\
"dest_ip":"10.0.0.1","dest_port":25,"proto":"TCP","alert":{"signature":"many ports"}}
{"timestamp":"1970-01-01T00:06:41.000000Z","event_type":"alert","src_ip":"fd20:0::77","src_port":60000,"dest_ip":"fd20::1",\
"dest_port":22,"proto":"TCP","alert":{"signature":"many logins"}}
{"timestamp":"1970-01-01T00:00:11.000000+0000","event_type":"alert","src_ip":"10.0.0.5","src_port":40000,"dest_ip":"10.0.0.1",\
"dest_port":80,"proto":"TCP","alert":{"signature":"odd agent"}}
{"timestamp":"1970-01-01T00:50:00.000000+0000","event_type":"alert","src_ip":"10.0.0.5","src_port":40000,"dest_ip":"10.0.0.1",\
"dest_port":80,"proto":"TCP","alert":{"signature":"odd agent"}}
"""
ZEEK_FIELDS = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "note", "msg", "src", "dst", "p")
ZEEK_ROWS = [
    ("100.150000", "-", "-", "-", "-", "-", "-", "Scan::Port_Scan", "3 ports", "10.0.0.66", "10.0.0.1", "-"),
    ("101.200000", "-", "-", "-", "-", "-", "-", "Scan::Address_Scan", "1 host", "10.0.0.66", "-", "25"),
    ("401.000000", "C1", "fd20::77", "60000", "fd20::1", "22", "tcp", "SSH::Password_Guessing", "guess", "-", "-", "-"),
    ("11.000000", "C2", "10.0.0.5", "40000", "10.0.0.1", "80", "tcp", "HTTP::Odd", "agent", "10.0.0.5", "10.0.0.1", "80"),
    ("3000.000000", "C3", "10.0.0.5", "40000", "10.0.0.1", "80", "tcp", "HTTP::Odd", "agent", "10.0.0.5", "10.0.0.1", "80"),
]
ZEEK = ("#separator \\x09\n#path\tnotice\n#fields\t" + "\t".join(ZEEK_FIELDS) + "\n"
        + "".join("\t".join(row) + "\n" for row in ZEEK_ROWS) + "#close\t1970-01-01-01-00-00\n")
ZEEK_JSON = "".join(json.dumps({name: float(value) if name == "ts" else value for name, value in zip(ZEEK_FIELDS, row)
                                if value != "-"}) + "\n" for row in ZEEK_ROWS)
FAST = """\
01/01-00:01:40.150000  [**] [1:1:1] closed port [**] [Priority: 3] {TCP} 10.0.0.1:23 -> 10.0.0.66:50000
01/01-00:01:41.200000  [**] [122:1:0] (portscan) TCP Portscan [**] [Classification: x] [Priority: 2] {IP} 10.0.0.66 -> 10.0.0.1
01/01/70-00:06:41.000000 [**] [1:2:1] many logins [**] [Priority: 1] {TCP} fd20::77:60000 -> fd20::1:22
01/01-00:00:11.000000  [**] [1:3:1] odd agent [**] [Priority: 3] {TCP} 10.0.0.5:40000 -> 10.0.0.1:80
01/01-00:50:00.000000  [**] [1:3:1] odd agent [**] [Priority: 3] {TCP} 10.0.0.5:40000 -> 10.0.0.1:80
"""
# The same as Suricata writes them, one packet that was dropped and one that had no addresses among them.
SURICATA = "".join(line.replace("01/01/70-", "01/01-").replace("01/01-", "01/01/1970-") + "\n" for line in FAST.splitlines()).replace(
    "  [**] [1:1:1]", "  [Drop] [**] [1:1:1]")
NO_ADDRESSES = "01/01/1970-00:50:01.000000  [**] [1:2200024:2] SURICATA IPv6 truncated [**] [Classification: x] [Priority: 3] [**] [Raw pkt: 00 ]\n"
SNORT3 = FAST.replace("01/01/70-", "01/01-").replace("01/01-", "70/01/01-").replace("closed port", '"closed port"')
TABLE = """\
Timestamp,src_ip,dst_ip,sport,dport,proto,signature
100.15,10.0.0.1,10.0.0.66,23,50000,6,closed port
101.2,10.0.0.66,,,,,"many, many ports"
1970-01-01T00:06:41,fd20::77,fd20::1,60000,22,tcp,many logins
11,10.0.0.5,10.0.0.1,40000,80,TCP,odd agent
3000,10.0.0.5,10.0.0.1,40000,80,TCP,odd agent
"""


def write(name, text):
    path = pathlib.Path(FOLDER.name, name)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return str(path)


def score(text, *words, name="alerts", labels=LABELS, status=0):
    run = subprocess.run([SCORE, write("labels.csv", labels), write(name, text), "--json", "-", *words],
                         capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == status, (run.returncode, run.stderr)
    return json.loads(run.stdout) if status == 0 else run.stderr


def by_label(found):
    return {row["label"]: row for row in found["labels"]}


def check(found, scan_flows):
    rows = by_label(found)
    assert (found["alerts"], found["hits"]) == (5, 3), found
    scan, guess = rows["scan"], rows["guess"]
    assert (scan["flows"], scan["flows_detected"]) == (4, scan_flows), scan
    assert (scan["episodes"], scan["episodes_detected"]) == (2, 1), scan
    assert abs(scan["delay_s"]["median"] - 0.15) < 1e-6, scan
    assert (guess["flows_detected"], guess["episodes_detected"]) == (1, 1), guess
    assert abs(guess["delay_s"]["max"] - 1) < 1e-6, guess
    false = found["false_alarms"]
    assert (false["alerts"], false["on_benign_flows"], false["on_no_flow"]) == (2, 1, 1), false
    assert (false["benign_flows"], false["benign_flows_alarmed"]) == (4, 1), false
    assert abs(false["per_hour"] - 2 / (3601 / 3600)) < 1e-9, false


def alerts_of_every_kind_are_joined_with_the_flows_they_name():
    attacks = "--attack", "scan", "--attack", "guess"
    check(score(EVE, *attacks), 2)
    check(score(EVE, *attacks, name="eve.json.gz"), 2)
    check(score(ZEEK, *attacks), 3)
    check(score(ZEEK_JSON, *attacks), 3)
    check(score(FAST, *attacks), 3)
    check(score(SURICATA, *attacks), 3)
    check(score(SNORT3, *attacks), 3)
    check(score(TABLE, *attacks), 3)
    check(score("\ufeff" + TABLE.replace("\n", "\r\n"), *attacks), 3)
    both = score(SURICATA + NO_ADDRESSES, *attacks)
    assert (both["alerts"], both["hits"], both["false_alarms"]["on_no_flow"]) == (6, 3, 2), both


def benign_labels_say_the_same_as_their_opposite():
    assert score(EVE, "--benign", "web", "--benign", "ping") == score(EVE, "--attack", "scan", "--attack", "guess")


def times_can_be_shifted_and_slack_decides():
    ahead = ZEEK_JSON  # by a clock that is an hour ahead
    for row in ZEEK_ROWS:
        ahead = ahead.replace(f'"ts": {float(row[0])}', f'"ts": {float(row[0]) + 3600}')
    check(score(ahead, "--attack", "scan", "--attack", "guess", "--shift", "-3600"), 3)
    strict = score(FAST, "--attack", "scan", "--slack", "0")  # the scan's flows are over when it is told
    assert by_label(strict)["scan"]["flows_detected"] == 0, strict


def alerts_without_a_year_go_with_labels_of_two():
    labels = HEAD + "1798761590.5,1798761610.5,10.0.0.66,10.0.0.1,50000,22,TCP,scan,scan,2,120\n"  # 2026-12-31 23:59:50.5
    for day in "01/01", "01/01/27", "27/01/01", "01/01/2027":
        text = f"{day}-00:00:05.000000  [**] [1:1:1] x [**] [Priority: 3] {{TCP}} 10.0.0.66:50000 -> 10.0.0.1:22\n"
        found = score(text, "--attack", "scan", labels=labels)
        assert found["hits"] == 1 and abs(by_label(found)["scan"]["delay_s"]["max"] - 14.5) < 1e-6, (day, found)


def a_line_that_a_killed_writer_left_short_is_told_and_left_out():
    for text, count in (EVE[:-20], 4), (ZEEK[:ZEEK.index("3000.0") + 20], 4), (FAST[:-30], 4), (TABLE + "10", 5):
        run = subprocess.run([SCORE, write("labels.csv", LABELS + "3620.5,3621"), write("cut", text), "--attack", "scan", "--json", "-"],
                             capture_output=True, text=True, check=True, timeout=60)
        assert json.loads(run.stdout)["alerts"] == count, (text[-60:], run.stdout)
        assert run.stderr.count("the last line is cut short") == 2, run.stderr


def several_files_count_together():
    path = write("more.log", ZEEK)
    assert score(EVE, path, "--attack", "scan")["alerts"] == 10


def the_report_is_for_people():
    run = subprocess.run([SCORE, write("labels.csv", LABELS), write("eve.json", EVE), "--attack", "scan"],
                         capture_output=True, text=True, check=True, timeout=60)
    assert "scan" in run.stdout and "50.0 %" in run.stdout and "odd agent" in run.stdout, run.stdout


def wrong_inputs_are_refused_in_one_sentence():
    cases = [
        (score(EVE, status=2), "which labels are attacks"),
        (score(EVE, "--attack", "flood", status=2), "no flow has the label 'flood'"),
        (score(EVE + "{broken\n", "--attack", "scan", status=2), "alerts:7: "),
        (score('{"event_type":"alert","src_ip":"1.2.3.4"}\n', "--attack", "scan", status=2), "it has no 'timestamp'"),
        (score("a,b\n1,2\n", "--attack", "scan", status=2), "must name the columns"),
        (score(TABLE.replace("11,10.", "soon,10."), "--attack", "scan", status=2), "alerts:5: "),
        (score("01/01-nonsense [**]\n", "--attack", "scan", status=2), "no fast alert"),
        (score(EVE, "--attack", "scan", labels="a,b\n1,2\n", status=2), "column start is missing"),
        (score(EVE, "--attack", "scan", labels=HEAD + "x,1,a,b,1,2,TCP,l,m,1,1\n", status=2), "labels.csv:2: "),
        (score(EVE, "--attack", "scan", labels=HEAD, status=2), "no flows"),
        (score("", str(pathlib.Path(FOLDER.name, "gone")), "--attack", "scan", status=2), "gone"),
        (score(EVE, "--attack", "scan", labels=HEAD + "1,2,a,b,1,2,TCP\n", status=2), "labels.csv:2: this line is no flow: it ends before its label"),
        (score(EVE, "--attack", "scan", labels=HEAD + "1,nan,a,b,1,2,TCP,l,m,1,1\n", status=2), "its times are none"),
        (score(EVE.replace('"closed port"', '["closed", "port"]'), "--attack", "scan", status=2), "alerts:1: "),
        (score(EVE.replace(":23,", ":1e999,"), "--attack", "scan", status=2), "alerts:1: "),
        (score(EVE.replace('"closed port"', "[" * 100000), "--attack", "scan", status=2), "alerts:1: "),
        (score("\x1f\x8bxx", "--attack", "scan", name="cut", status=2), "cut"),
    ]
    for said, want in cases:
        assert want in said and said.count("\n") == 1 and "Traceback" not in said, (want, said)


def an_empty_file_has_no_alerts():
    assert score("", "--attack", "scan")["alerts"] == 0


claims.run("score_ids", [
    alerts_of_every_kind_are_joined_with_the_flows_they_name,
    benign_labels_say_the_same_as_their_opposite,
    times_can_be_shifted_and_slack_decides,
    alerts_without_a_year_go_with_labels_of_two,
    a_line_that_a_killed_writer_left_short_is_told_and_left_out,
    several_files_count_together,
    the_report_is_for_people,
    wrong_inputs_are_refused_in_one_sentence,
    an_empty_file_has_no_alerts,
])
