#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Disks that are full or broken: each call on a file fails once, at its turn.

usage: test_faults_files.py WIREMILL_TRAIN WIREMILL WIREMILL_COMPARE SHIM
"""

import errno
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

import claims
import faults
import little_capture
import safetensors_file

TRAIN, MILL, COMPARE, SHIM = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:5])
FOLDER = tempfile.TemporaryDirectory()
A, B, M = (str(pathlib.Path(FOLDER.name, name)) for name in ("a.pcap", "b.pcap", "m"))
WRITING, READING = "open:write:fsync:close:rename", "get:read:seek:map"
TRAINING = [TRAIN, "a.pcap", "-o", "m", "-t", "1", "-q"]
MILLING = [MILL, "-m", "m", "-o", "x.pcap", "-n", "4000", "-w", "2", "--csv", "x.csv", "--labels", "x.labels",
           "--stats-json", "x.json"]
REPLAYING = [MILL, "--replay", "a.pcap", *MILLING[3:]]
COMPARING = [COMPARE, "a.pcap", "b.pcap", "--json", "x.json", "-q"]
MOST = 28  # of a run's calls: the first and the last ones, if there are more


def every_fault(command, inputs, calls):
    """[(call, file, Run)], the run in which that call failed: reading, with all behind it; writing, alone with EIO, and
    with all behind it for want of space, the first one half done."""
    clean = faults.Run(command, inputs, SHIM, calls=calls)
    assert clean.status == 0, clean.what()
    jobs = []
    for at, line in enumerate(clean.log, 1):
        call, name = line.split(" ", 1)
        ways = [{"errno": errno.EIO}, {"errno": errno.ENOSPC, "more": 1, "short": 1}]
        for way in ways if calls == WRITING else [{"errno": errno.EIO, "more": 1}]:
            jobs.append((call, faults.of_temporary(name), {"at": at, **way}))
    jobs = faults.some(jobs, 2 * MOST)
    runs = faults.in_parallel(lambda job: faults.Run(command, inputs, SHIM, calls=calls, **job[2]), jobs)
    return clean, [(call, name, run) for (call, name, _), run in zip(jobs, runs)]


def names_it(run, program, name):
    said = run.sentence(program)
    assert name in said and ("No space left on device" in said or "Input/output error" in said), run.what()


def a_model_is_the_old_one_or_the_new_one_and_a_checkpoint_may_fail():
    older = pathlib.Path(M).read_bytes()
    clean, broken = every_fault(TRAINING, [A, M], WRITING)
    assert {name for _, name, _ in broken} == {"m", "m.ckpt"} and clean.files.keys() == {"a.pcap", "m"}
    for call, name, run in broken:
        run.leaves_nothing_half_done()
        new = run.files["m"] != older
        if new:
            metadata, tensors, _ = safetensors_file.read(run.files["m"])
            assert metadata["format"] == "wiremill-1" and len(tensors) > 10, run.what()
        if run.status == 0:  # the next checkpoint could be written; or it was the file that is to show whether one can be
            assert new and (name == "m.ckpt" or call == "close"), f"{call} {name}: {run.what()}"
            continue
        assert name in ("m", "m.ckpt")
        said = run.sentence("wiremill-train")
        assert "m: " in said or "m.ckpt: " in said, run.what()
        if "the model itself is complete" in said:
            assert new and "m.ckpt: " in said, run.what()
    alone = [run for _, name, run in broken if name == "m.ckpt" and run.said and run.said[-1].endswith("complete")]
    assert alone, [run.what() for _, _, run in broken]


def is_pcap(data):
    """Whether a pcap holds whole records alone."""
    at = 24
    while 0 < at < len(data):
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
    return at == len(data)


def whole_lines(data, columns):
    lines = data.decode().split("\n")
    assert lines[-1] == "", lines[-1]
    assert all(line.count(",") == columns - 1 for line in lines[:-1]), lines


def other_outputs_are_complete(name, run, clean):
    """The run began, and was ended by what happened to one of its files."""
    if name != "x.pcap":
        assert is_pcap(run.files["x.pcap"]), f"{name}: {run.what()}"
    if name != "x.csv":
        whole_lines(run.files["x.csv"], 13)
    if name != "x.labels":
        whole_lines(run.files["x.labels"], 11)
    if name != "x.json" and "x.json" in run.files:
        assert json.loads(run.files["x.json"]).keys() == json.loads(clean.files["x.json"]).keys()


def what_cannot_be_written_ends_milling_and_the_other_files_are_complete():
    for command, inputs in ((MILLING, [M]), (REPLAYING, [A])):
        clean, broken = every_fault(command, inputs, WRITING)
        assert {name for _, name, _ in broken} == {"x.pcap", "x.csv", "x.labels", "x.labels.open", "x.json"}
        for call, name, run in broken:
            run.leaves_nothing_half_done()
            names_it(run, "wiremill", name if run.said[-1].startswith(f"wiremill: {name}") else "x.")
            assert "x.labels.open" not in run.files, run.what()
            if call == "open" or name == "x.labels.open":  # whether that can be written is seen before anything else is
                assert len(run.said) == 1, run.what()
                continue
            assert " packets, " in run.said[0], run.what()
            assert ("x.json" in run.files) <= (json.loads(run.files.get("x.json", "{}")) != {}), run.what()
            if "Input/output" in run.said[-1]:  # this call alone has failed
                other_outputs_are_complete(name, run, clean)


def a_pcap_on_a_full_disk_has_whole_packets():
    command = [MILL, "-m", "m", "-o", "x.pcap", "-n", "20000"]
    clean = faults.Run(command, [M], SHIM, calls="write")
    assert len(clean.log) > 3, clean.log
    for at in range(1, len(clean.log) + 1):
        run = faults.Run(command, [M], SHIM, calls="write", at=at, errno=errno.ENOSPC, more=1, short=1)
        names_it(run, "wiremill", "x.pcap")
        got = run.files["x.pcap"]
        assert clean.files["x.pcap"].startswith(got) and (is_pcap(got) or not got), f"{at}: {len(got)} bytes"
        assert at == 1 or len(got) > 24


def a_report_is_whole_or_not_there_and_the_other_one_is_made():
    command = [*COMPARING, "--html", "x.html"] if shutil.which("gnuplot") else COMPARING
    clean, broken = every_fault(command, [A, B], WRITING)
    reports = {"x.json", "x.html"} & set(command)
    for call, name, run in broken:
        run.leaves_nothing_half_done()
        names_it(run, "wiremill-compare", "x.")
        for report in reports & run.files.keys():
            assert run.files[report] == clean.files[report], f"{call} {name}: {report} differs"
        if "Input/output" in run.said[-1]:  # this file's call alone has failed
            assert reports - {name} <= run.files.keys(), f"{call} {name}: {run.what()}"


def inputs_that_cannot_be_read_are_named():
    for program, command, inputs in (("wiremill-train", TRAINING, [A]), ("wiremill", MILLING, [M]),
                                     ("wiremill", REPLAYING, [A]), ("wiremill-compare", COMPARING, [A, B])):
        _, broken = every_fault(command, inputs, READING)
        assert broken
        for call, name, run in broken:
            run.leaves_nothing_half_done()
            if run.status == 0:  # all was read but for the end: the report says so
                assert program == "wiremill-compare" and b"Input/output error" in run.files["x.json"], f"{call}: {run.what()}"
            else:
                names_it(run, program, ".pcap" if len(inputs) > 1 else name)  # two are read side by side


def on_a_small_disk(command, kib, inputs):
    """(status, what was said, files) of a run in a file system of that size, which is not seen from elsewhere."""
    with tempfile.TemporaryDirectory() as out:
        script = ('mount -t tmpfs -o size="$1k" tmpfs /mnt || exit 77; cp -r "$2"/. /mnt/; cd /mnt; out=$3; shift 3; "$@"; '
                  's=$?; cp -r /mnt/. "$out"; exit $s')
        inputs_folder = pathlib.Path(out, "in")
        inputs_folder.mkdir()
        for path in inputs:
            shutil.copy(path, inputs_folder)
        result = pathlib.Path(out, "result")
        result.mkdir()
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", str(kib), str(inputs_folder), str(result), *command],
                              capture_output=True, encoding="utf-8", check=False, timeout=faults.LIMIT_S)
        if done.returncode == 77:
            raise claims.Skip(f"no file system of our own here: {done.stderr}")
        return done.returncode, done.stderr.splitlines(), {path.name: path.read_bytes() for path in result.iterdir()}


def a_small_disk_is_filled_with_whole_files():
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        raise claims.Skip("a file system of our own needs root")
    older = pathlib.Path(M).read_bytes()
    for share, is_old in ((1.5, True), (2.5, False)):  # room for the old model and half a new one; for no checkpoint
        status, said, files = on_a_small_disk(TRAINING, int(share * len(older)) // 1024, [A, M])
        assert status == 1 and len(said) == 1 and "No space left on device" in said[0], (status, said)
        assert files.keys() == {"a.pcap", "m"} and (files["m"] == older) == is_old, (said, files.keys())
        safetensors_file.read(files["m"])
    for room in (4, 300, 1000):
        status, said, files = on_a_small_disk([MILL, "-m", M, *MILLING[3:7], "-n", "20000", *MILLING[7:]], room, [])
        assert status == 1 and "No space left on device" in said[-1], said
        assert not files["x.pcap"] or is_pcap(files["x.pcap"]), room
        assert not [name for name in files if ".tmp-" in name], files.keys()


def a_folder_that_may_not_be_written_is_named():
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        raise claims.Skip("root may write anywhere, and there is no setpriv")
    drop = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        for path in (A, B, M):
            shutil.copy(path, folder)
            os.chmod(pathlib.Path(folder, os.path.basename(path)), 0o444)
        if subprocess.run([*drop, TRAIN, "--version"], check=False, capture_output=True).returncode != 0:
            raise claims.Skip("others may not run the programs here")
        for program, command, names in (("wiremill-train", [*TRAINING[:3], "new", "-q"], ["new"]),
                                        ("wiremill", MILLING, ["x.pcap", "x.csv", "x.json"]),
                                        ("wiremill-compare", COMPARING, ["x.json"])):
            done = subprocess.run([*drop, *command], cwd=folder, capture_output=True, encoding="utf-8", check=False,
                                  timeout=faults.LIMIT_S)
            said = done.stderr.splitlines()
            assert done.returncode == 2 and len(said) == 1 and said[0].startswith(f"{program}: "), said
            assert "Permission denied" in said[0] and any(name in said[0] for name in names), said
        assert sorted(os.listdir(folder)) == ["a.pcap", "b.pcap", "m"]


with FOLDER:
    pathlib.Path(A).write_bytes(little_capture.pcap(8)[0])
    pathlib.Path(B).write_bytes(little_capture.pcap(60, seed=2)[0])
    subprocess.run([TRAIN, A, "-o", M, "-q", "--time-limit", "2"], check=True, capture_output=True, timeout=faults.LIMIT_S)
    os.chmod(FOLDER.name, 0o755)
    claims.run("faults of files", [
        a_model_is_the_old_one_or_the_new_one_and_a_checkpoint_may_fail,
        what_cannot_be_written_ends_milling_and_the_other_files_are_complete,
        a_pcap_on_a_full_disk_has_whole_packets,
        a_report_is_whole_or_not_there_and_the_other_one_is_made,
        inputs_that_cannot_be_read_are_named,
        a_small_disk_is_filled_with_whole_files,
        a_folder_that_may_not_be_written_is_named,
    ])
