#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Flow tables: learned into a model, and made from it without packets; and the tables of packet models alone.

usage: test_rows.py WIREMILL_TRAIN WIREMILL CAPTURE
"""

import collections
import csv
import datetime
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import claims

TRAIN, MILL, CAPTURE = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:4])
LIMIT_S = 120 * claims.PATIENCE
TEMP = tempfile.TemporaryDirectory(prefix=f"rows-{os.getpid()}-")
FOLDER = pathlib.Path(TEMP.name)
SERVERS = ("192.0.2.10", "192.0.2.11")
STRANGERS = 150


os.environ["SOURCE_DATE_EPOCH"] = "1460332800"  # two models that are the same have the same date


def run(*words, status=0):
    done = subprocess.run([str(word) for word in words], capture_output=True, check=False, encoding="utf-8",
                          timeout=LIMIT_S)
    assert done.returncode == status, f"{words}: status {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def date(s):
    return datetime.datetime.fromtimestamp(s, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def network(days=1, seed=1):
    """A made-up network: web requests with their replies, name lookups, and strangers who knock once. More by day."""
    rng, rows, t = random.Random(seed), [], 1460332800
    end, n = t + 86400 * days, 0
    while t < end:
        busy = 8 <= t % 86400 // 3600 < 18
        t += rng.choice([0, 1, 5, 20] if busy else [60, 200, 400])
        client, port = f"198.51.100.{rng.randrange(1, 20)}", rng.randrange(32768, 60000)
        kind = rng.random()
        if kind < .6:
            packets = rng.choice([4, 4, 5, 6, 9])
            rows.append([t, "0.120", client, SERVERS[0], port, 80, "TCP", ".AP.SF", 0, 0, packets, packets * 52 + 300, "web"])
            rows.append([t, "0.120", SERVERS[0], client, 80, port, "TCP", ".AP.SF", 0, 8, packets - 1, packets * 1000, "web"])
        elif kind < .95:
            rows.append([t, "0.000", client, SERVERS[1], port, 53, "UDP", ".A....", 0, 0, 1, rng.choice([60, 64, 72]), "name"])
            rows.append([t + 1, "0.000", SERVERS[1], client, 53, port, "UDP", ".A....", 0, 8, 1, 180, "name"])
        elif n < STRANGERS:
            n += 1
            rows.append([t, "0.000", f"203.0.{n % 113}.{1 + n}", SERVERS[0], port, 23, "TCP", "....S.", 0, 0, 1, 40, "knock"])
    rows.sort(key=lambda row: row[0])
    return rows


NAMES = "te,td,sa,da,sp,dp,pr,flg,fwd,stos,pkt,byt,label"
ROWS = network()


def write_ugr16(path, rows):
    path.write_text(NAMES + "\n" + "".join(",".join(map(str, [date(row[0]), *row[1:]])) + "\n" for row in rows))


write_ugr16(FOLDER / "net.csv", ROWS)
SAID = run(TRAIN, "-q", FOLDER / "net.csv", "-o", FOLDER / "m")


def table(name, *options, model="m"):
    run(MILL, "-m", FOLDER / model, "--csv", FOLDER / name, *options)
    with open(FOLDER / name, encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def seconds(row):
    return datetime.datetime.strptime(row["te"] + "+0000", "%Y-%m-%d %H:%M:%S%z").timestamp()


def share(rows, column):
    counts = collections.Counter(str(row[column]) for row in rows)
    return {value: count / len(rows) for value, count in counts.items()}


def distance(a, b):
    return sum(abs(a.get(k, 0) - b.get(k, 0)) for k in {*a, *b}) / 2


def the_summary_counts_every_row():
    assert f"rows      {len(ROWS)} of {len(ROWS)} in 1 file" in SAID and "like ugr16" in SAID, SAID
    bad = (FOLDER / "net.csv").read_text().splitlines()
    bad[5], bad[6], bad[7], bad[8] = "x" + bad[5][1:], bad[6] + ",more", bad[7].replace(",TCP,", ",TCP,x", 1), ",,,"
    bad[9] = ",".join([*bad[9].split(",")[:4], "70000", *bad[9].split(",")[5:]])
    (FOLDER / "bad.csv").write_text("\n".join(bad) + "\n")
    said = run(TRAIN, "-q", FOLDER / "bad.csv", "-o", FOLDER / "bad")
    used = int(said.split()[1])
    dropped = [int(word) for word in said[said.index("dropped"):].splitlines()[0].replace(",", "").split() if word.isdigit()]
    assert used + sum(dropped) == len(ROWS) and sum(dropped) >= 4, said
    assert "such as   " in said and "line 10" in said, said


def same_seed_same_bytes_whatever_the_workers_and_threads():
    run(TRAIN, "-q", "-t", "1", FOLDER / "net.csv", "-o", FOLDER / "m", "--label", "m")
    one = (FOLDER / "m").read_bytes()
    run(TRAIN, "-q", "-t", "3", FOLDER / "net.csv", "-o", FOLDER / "m", "--label", "m")
    assert (FOLDER / "m").read_bytes() == one
    texts = []
    for name, options in (("a", ["-w", "1"]), ("b", ["-w", "4"]), ("c", ["-s", "2"])):
        table(name, "--flows", "5000", *options)
        texts.append((FOLDER / name).read_bytes())
    assert texts[0] == texts[1] and texts[0] != texts[2]


def rows_are_as_many_as_asked_and_in_order_of_time():
    rows = table("x.csv", "--flows", "3000", "--stats-json", FOLDER / "x.json")
    times = [seconds(row) for row in rows]
    stats = json.loads((FOLDER / "x.json").read_text())
    assert len(rows) == 3000 == stats["flows"] and times == sorted(times)
    assert list(rows[0]) == NAMES.split(",") and times[0] == ROWS[0][0]
    assert sum(int(row["pkt"]) for row in rows) == stats["packets"]
    assert sum(int(row["byt"]) for row in rows) == stats["bytes"]
    assert seconds(table("x.csv", "-d", "3600")[-1]) < times[0] + 3600


def every_column_is_as_it_was():
    real = [dict(zip(NAMES.split(","), row)) for row in ROWS]
    rows = table("x.csv", "--flows", str(len(ROWS)))
    for column, limit in (("dp", None), ("pr", .04), ("flg", .04), ("stos", .04), ("pkt", .05), ("byt", .06), ("label", .04)):
        if limit is not None:
            assert distance(share(real, column), share(rows, column)) < limit, column
    for row in rows:  # what belongs together stays together
        if "23" in (row["sp"], row["dp"]) and row["label"] == "knock":
            assert (row["flg"], row["pkt"], row["byt"]) == ("....S.", "1", "40"), row
        if row["pr"] == "UDP":
            assert row["flg"] == ".A....", row


def requests_have_their_replies():
    rows = table("x.csv", "--flows", "6000")
    asked = collections.Counter((row["sa"], row["sp"]) for row in rows if row["dp"] == "53")
    answered = collections.Counter((row["da"], row["dp"]) for row in rows if row["sp"] == "53")
    matched = sum((asked & answered).values())
    assert matched > .97 * sum(asked.values()) > 500, (matched, len(asked), len(answered))


def the_load_follows_the_clock():
    rows = table("x.csv", "-d", str(5 * 86400))
    hours = collections.Counter(datetime.datetime.fromtimestamp(seconds(row), datetime.timezone.utc).hour for row in rows)
    by_day = sum(hours[h] for h in range(8, 18)) / sum(hours.values())
    real = sum(8 <= row[0] % 86400 // 3600 < 18 for row in ROWS) / len(ROWS)
    assert abs(by_day - real) < .05, (by_day, real)


def hosts_that_came_up_once_are_not_in_the_model_and_others_come_instead():
    blob = (FOLDER / "m").read_bytes()
    strangers = {row[2] for row in ROWS if row[12] == "knock"}
    assert len(strangers) > 100 and not any(host.encode() in blob for host in strangers)
    rows = [row for row in table("x.csv", "--flows", "20000") if row["label"] == "knock"]
    new = {row["sa"] for row in rows}
    assert len(new) > .9 * len(rows) > 50 and len(new & strangers) < .1 * len(new)
    assert all(host.startswith("203.0.") for host in new)


def tables_of_every_kind_come_back_in_their_own_columns():
    zeek = ["ts,id.orig_h,id.orig_p,id.resp_h,id.resp_p,proto,duration,conn_state,orig_pkts,orig_ip_bytes,resp_pkts,"
            "resp_ip_bytes,label"]
    cidds = ["Date first seen,Duration,Proto,Src IP Addr,Src Pt,Dst IP Addr,Dst Pt,Packets,Bytes,Flags,Tos,class"]
    netshare = ["srcip,dstip,srcport,dstport,proto,ts,td,pkt,byt,type"]
    for row in ROWS:
        te, td, sa, da, sp, dp, pr, flg, _, tos, pkt, byt, label = row
        if row[5] < 1024:
            zeek.append(f"{te}.25,{sa},{sp},{da},{dp},{pr.lower()},{td},SF,{pkt},{byt},{pkt},{byt * 3},-")
        cidds.append(f"{date(te)}.500,{td},{pr},{sa},{sp},{da},{dp},{pkt},{byt},{flg},{tos},{label}")
        netshare.append(f"{sa},{da},{sp},{dp},{pr},{te * 10**6},{td},{pkt},{byt},{label}")
    for name, lines in (("zeek", zeek), ("cidds", cidds), ("netshare", netshare)):
        (FOLDER / f"{name}.csv").write_text("\n".join(lines) + "\n")
        assert f"like {name}" in run(TRAIN, "-q", FOLDER / f"{name}.csv", "-o", FOLDER / name)
        rows = table("x.csv", "--flows", "500", model=name)
        assert list(rows[0]) == lines[0].split(","), rows[0]
    zeek_rows = table("x.csv", "--flows", "500", model="zeek")
    assert {row["proto"] for row in zeek_rows} == {"tcp", "udp"} and {row["label"] for row in zeek_rows} == {"-"}
    assert all(row["orig_pkts"] == row["resp_pkts"] for row in zeek_rows)
    # A table that was made teaches the next one.
    run(TRAIN, "-q", FOLDER / "x.csv", "-o", FOLDER / "again")


def what_cannot_be_is_refused_in_one_sentence():
    model, out = FOLDER / "m", FOLDER / "x"
    for words, wanted in (
            ([MILL, "-m", model, "-o", out], "which makes no packets"),
            ([MILL, "-m", model, "--csv", out, "--labels", FOLDER / "y"], "which makes no packets"),
            ([MILL, "-m", model, "-m", model, "--csv", out], "which makes no packets"),
            ([MILL, "-m", model, "--csv", out, "-r", "x4"], "--rate"),
            ([MILL, "-m", model, "--csv", FOLDER / "none/x", "--flows", "1"], "none/x"),
            ([TRAIN, "-q", "-f", "tcp", FOLDER / "net.csv", "-o", out], "--filter"),
            ([TRAIN, "-q", "-e", "necst", FOLDER / "net.csv", "-o", out], "--engine"),
            ([TRAIN, "-q", "-e", "rows", CAPTURE, "-o", out], "--engine"),
            ([TRAIN, "-q", FOLDER / "net.csv", FOLDER / "zeek.csv", "-o", out], "zeek.csv")):
        said = run(*words, status=2)
        told = said.splitlines()[-1]
        assert wanted in told and told.startswith("wiremill"), (words, said)


def rows_without_packets_end_as_well():
    columns = ("ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state orig_pkts "
               "orig_ip_bytes resp_pkts resp_ip_bytes").split()
    row = "1.5 C1 10.0.0.1 1 10.0.0.2 2 tcp - - - - S0 0 0 0 0".split()
    (FOLDER / "none.log").write_text("\n".join(("#separator \\x09", "\t".join(["#fields", *columns]), "\t".join(row))) + "\n")
    run(TRAIN, "-q", FOLDER / "none.log", "-o", FOLDER / "n")
    assert "300 rows of 0 packets" in run(MILL, "-m", FOLDER / "n", "--csv", FOLDER / "x.csv", "-n", "300")


def damaged_models_are_refused_or_run():
    good = (FOLDER / "m").read_bytes()
    rng = random.Random(7)
    for _ in range(120):
        bad = bytearray(good)
        for _ in range(rng.choice([1, 3, 30])):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        (FOLDER / "bad").write_bytes(bad[:rng.choice([len(bad)] * 9 + [rng.randrange(len(bad))])])
        done = subprocess.run([MILL, "-m", FOLDER / "bad", "--csv", FOLDER / "x.csv", "--flows", "300"],
                              capture_output=True, check=False, timeout=LIMIT_S)
        assert done.returncode in (0, 1, 2) and done.stderr.count(b"\n") == 1, done


def a_table_of_a_packet_model_needs_no_pcap():
    run(TRAIN, "-q", "--time-limit", "3", CAPTURE, "-o", FOLDER / "p")
    run(MILL, "-m", FOLDER / "p", "-n", "3000", "-o", FOLDER / "p.pcap", "--csv", FOLDER / "p1", "--labels", FOLDER / "l1")
    run(MILL, "-m", FOLDER / "p", "-n", "3000", "--csv", FOLDER / "p2", "--labels", FOLDER / "l2")
    assert (FOLDER / "p1").read_bytes() == (FOLDER / "p2").read_bytes() != b""
    assert (FOLDER / "l1").read_bytes() == (FOLDER / "l2").read_bytes() != b""


claims.run("rows", [
    the_summary_counts_every_row,
    same_seed_same_bytes_whatever_the_workers_and_threads,
    rows_are_as_many_as_asked_and_in_order_of_time,
    every_column_is_as_it_was,
    requests_have_their_replies,
    the_load_follows_the_clock,
    hosts_that_came_up_once_are_not_in_the_model_and_others_come_instead,
    tables_of_every_kind_come_back_in_their_own_columns,
    what_cannot_be_is_refused_in_one_sentence,
    rows_without_packets_end_as_well,
    damaged_models_are_refused_or_run,
    a_table_of_a_packet_model_needs_no_pcap,
])
