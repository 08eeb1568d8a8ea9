#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""No memory: each place of our programs that asks for some does not get it, once, or from then on.

A place is told by the callers that lead to it. By default the innermost ones count, and of many places some are tried;
FAULTS=all tries each on each way to it, which takes many minutes. What libraries of others ask for on our behalf counts with them, but for libpcap's compiler of filters, which
ends the program by itself, and for what DPDK and OpenBLAS need for themselves.

usage: test_faults_memory.py WIREMILL_TRAIN WIREMILL WIREMILL_COMPARE SHIM
"""

import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import claims
import faults
import little_capture
import lora_table
import safetensors_file

TRAIN, MILL, COMPARE, SHIM = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:5])
FOLDER = tempfile.TemporaryDirectory()
A, B, M, FLOWS, ROWS, RADIO, LORA = (str(pathlib.Path(FOLDER.name, name)) for name in (
    "a.pcap", "b.pcap.gz", "m", "flows.csv", "rows", "radio.csv", "lora"))
OUTPUTS = ["-o", "x.pcap", "-n", "2000", "--csv", "x.csv", "--labels", "x.labels", "--stats-json", "x.json"]
ALL = os.environ.get("FAULTS") == "all"
SETTINGS = {"modules": "-:libjansson:libz:libcsv:libconfig:libnettle", "depth": 0 if ALL else 3}


def every_site(command, inputs, step, more_too=False):
    """(the run as it should be, [the run in which one site got no memory])"""
    clean = faults.Run(command, inputs, SHIM, **SETTINGS)
    assert clean.status == 0, clean.what()
    sites = sorted(line.split()[0] for line in clean.log)
    sites = sites if ALL else sites[::step]
    jobs = [{"site": site} for site in sites] + [{"site": site, "more": 1} for site in sites if more_too]
    return clean, faults.in_parallel(lambda job: faults.Run(command, inputs, SHIM, **SETTINGS, **job), jobs)


def shape(value):
    """What a report holds, without its numbers."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else type(value)


def same_kind(name, got, want):
    """A file is there as it would be with enough memory; a model or statistics may have other numbers."""
    if name in ("m", "new"):
        got, want = (safetensors_file.read(data) for data in (got, want))
        return got[0].keys() == want[0].keys() and got[1].keys() == want[1].keys()
    if name == "x.json":
        return shape(json.loads(got)) == shape(json.loads(want))
    return got == want


def ends_well(program, clean, runs, beginnings=()):
    n_failed = 0
    for run in runs:
        run.leaves_nothing_half_done()
        if run.status == 0:
            assert run.files.keys() == clean.files.keys(), run.what()
        else:
            n_failed += 1
            said = run.sentence(program)
            assert "memory" in said, run.what()
        for name, data in run.files.items():
            if name == "new.ckpt" and run.status != 0:  # training can go on from there, if it is whole
                safetensors_file.read(data)
                continue
            cut = name in beginnings and run.status != 0
            assert name in clean.files and (cut or same_kind(name, data, clean.files[name])), f"{name}: {run.what()}"
    assert n_failed > len(runs) // 2 > 10, f"{n_failed} of {len(runs)} failed"
    print(f"{len(runs)} runs, {n_failed} of which could not do without")


def milling_ends_with_a_sentence():
    for source, inputs in ((["-m", "m", "-w", "2"], [M]), (["-m", "m", "-r", "5kpps", "-w", "1"], [M]),
                           (["--replay", "a.pcap", "--loop", "2"], [A])):
        clean, runs = every_site([MILL, *source, *OUTPUTS], inputs, 1, more_too=True)
        ends_well("wiremill", clean, runs, ("x.pcap", "x.csv", "x.labels", "x.json"))


def milling_on_ports_ends_with_a_sentence():
    cores = sorted(os.sched_getaffinity(0))
    eal = ["--lcores", f"0@{cores[0]},1@{cores[-1]}", "--no-huge", "-m", "256", "--no-pci", "--no-telemetry", "--no-shconf",
           "--log-level", "error", "--vdev", "net_null0", "--"]
    clean, runs = every_site([MILL, *eal, "-m", "m", "-n", "2000", "-r", "max", "--stats-json", "x.json"], [M], 2)
    for run in runs:
        run.said = [line for line in run.said if not line.startswith("wiremill: port ")]  # of its MTU
    ends_well("wiremill", clean, runs)


def training_ends_with_a_sentence_and_the_old_model_or_a_whole_new_one():
    clean, runs = every_site([TRAIN, "b.pcap.gz", "-o", "new", "--time-limit", "0.05", "-t", "2", "-q"], [B], 5)
    ends_well("wiremill-train", clean, runs)


def tables_are_learned_and_made_or_there_is_a_sentence():
    for table, path in (("flows.csv", FLOWS), ("radio.csv", RADIO)):
        clean, runs = every_site([TRAIN, table, "-o", "new", "-q"], [path], 3)
        ends_well("wiremill-train", clean, runs)
    clean, runs = every_site([MILL, "-m", "rows", "--csv", "x.csv", "--flows", "500", "--stats-json", "x.json"], [ROWS], 1)
    ends_well("wiremill", clean, runs, ("x.csv", "x.json"))
    clean, runs = every_site([MILL, "-m", "lora", "-o", "x.pcap", "--csv", "x.csv", "-n", "200", "--stats-json", "x.json"],
                             [LORA], 1)
    ends_well("wiremill", clean, runs, ("x.pcap", "x.csv", "x.json"))


def comparing_ends_with_a_sentence():
    clean, runs = every_site([COMPARE, "a.pcap", "b.pcap.gz", "--json", "x.json", "-q"], [A, B], 2)
    ends_well("wiremill-compare", clean, runs)


def flow_table():
    """A few hundred requests, lookups and their replies, in the columns of UGR'16."""
    lines = ["te,td,sa,da,sp,dp,pr,flg,fwd,stos,pkt,byt,label"]
    for i in range(300):
        web, client, port = i % 3 > 0, f"198.51.100.{1 + i % 17}", 32768 + 37 * i
        ends = [(client, port), ("192.0.2.10", 80) if web else ("192.0.2.11", 53)]
        for (a, sp), (b, dp) in (ends, ends[::-1]):
            lines.append(f"2016-04-11 {i // 60:02}:{i % 60:02}:00,0.120,{a},{b},{sp},{dp},{'TCP,.AP.SF' if web else 'UDP,.A....'},"
                         f"0,0,{4 + i % 3 if web else 1},{300 + 52 * (i % 3)},{'web' if web else 'name'}")
    return "\n".join(lines) + "\n"


with FOLDER:
    pathlib.Path(A).write_bytes(little_capture.pcap(8)[0])
    pathlib.Path(B).write_bytes(gzip.compress(little_capture.pcap(12, seed=2)[0]))
    pathlib.Path(FLOWS).write_text(flow_table(), encoding="utf-8")
    lora_table.write_table(RADIO, lora_table.receptions(1, hours=1))
    for taught, model in ((A, M), (FLOWS, ROWS), (RADIO, LORA)):
        subprocess.run([TRAIN, taught, "-o", model, "-q", "--time-limit", "2"], check=True, capture_output=True,
                       timeout=faults.LIMIT_S)
    claims.run("faults of memory", [
        milling_ends_with_a_sentence,
        milling_on_ports_ends_with_a_sentence,
        training_ends_with_a_sentence_and_the_old_model_or_a_whole_new_one,
        tables_are_learned_and_made_or_there_is_a_sentence,
        comparing_ends_with_a_sentence,
    ])
