#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Models that were tampered with, and captures of every kind: a run, or one sentence and status 2. Never anything else.

usage: test_hostile.py WIREMILL_TRAIN WIREMILL
WIREMILL_DATA names a folder of captures that are not part of the sources.
"""

import os
import pathlib
import random
import subprocess
import sys
import tempfile

import claims
import little_capture
import safetensors_file

TRAIN, MILL = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:3])
DATA = os.environ.get("WIREMILL_DATA") or os.environ.get("WIREMILL_DATA_BESIDE")
LIMIT_S = 60 * claims.PATIENCE  # for a machine that does other things too
N_MODELS = 150
FOLDER = tempfile.TemporaryDirectory()
LARGEST = {"U8": 2**8 - 1, "U16": 2**16 - 1, "U32": 2**32 - 1, "U64": 2**64 - 1}


def place(name):
    return str(pathlib.Path(FOLDER.name, name))


def one_sentence(done, program, what):
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith(f"{program}: "), f"{what}: {lines}"


def milled(what):
    """Mill the model; whether it was one."""
    done = subprocess.run([MILL, "-m", place("changed.wm"), "-o", "/dev/null", "-n", "2000", "-w", "2"], check=False,
                          capture_output=True, encoding="utf-8", errors="replace", timeout=LIMIT_S)
    assert done.returncode in (0, 2), f"{what}: status {done.returncode}, {done.stderr}"
    if done.returncode == 2:
        one_sentence(done, "wiremill", what)
    return done.returncode == 0


def change_values(rng, dtype, shape, values):
    values = list(values)
    for _ in range(rng.choice((1, 1, 5, 500))):
        if dtype == "F32":
            value = rng.choice((0.0, 1e30, -3e38, 1e-40, rng.gauss(0, 100)))
        else:
            value = rng.choice((0, 1, LARGEST[dtype], LARGEST[dtype] // 2, rng.randrange(LARGEST[dtype] + 1)))
        if values:
            values[rng.randrange(len(values))] = value
    return dtype, shape, values


def change_rows(rng, dtype, shape, values):
    row = len(values) // max(shape[0], 1)
    n = rng.choice((0, 1, max(shape[0] - 1, 0), shape[0] + 1, 3 * shape[0]))
    return dtype, [n, *shape[1:]], (list(values) * (n // max(shape[0], 1) + 1))[:n * row]


def change_one(rng, metadata, tensors):
    """Change a tensor, leave one out, or change a number of the metadata. @return what was done."""
    name = rng.choice(sorted(tensors))
    how = rng.randrange(8)
    if how < 4:
        tensors[name] = change_values(rng, *tensors[name])
    elif how < 6 and tensors[name][1]:
        tensors[name] = change_rows(rng, *tensors[name])
    elif how == 6:
        del tensors[name]
    else:
        name = rng.choice(sorted(key for key in metadata if key.startswith("necst.")))
        metadata[name] = rng.choice(("0", "1", "-1", "65536", "4294967295", "9223372036854775807", "", "x"))
    return f"{name} ({how})"


def models_that_were_tampered_with_are_refused_or_milled():
    metadata, tensors, _ = safetensors_file.read(pathlib.Path(place("m.wm")).read_bytes())
    rng, n_milled = random.Random(1), 0
    for _ in range(N_MODELS):
        changed, meta = dict(tensors), dict(metadata)
        what = ", ".join(change_one(rng, meta, changed) for _ in range(rng.choice((1, 1, 2))))
        pathlib.Path(place("changed.wm")).write_bytes(safetensors_file.write(meta, changed))
        n_milled += milled(what)
    assert N_MODELS // 20 < n_milled < N_MODELS * 3 // 4, n_milled  # they test more than the reader's first check


def models_with_other_bytes_are_refused_or_milled():
    whole, rng = pathlib.Path(place("m.wm")).read_bytes(), random.Random(2)
    for i in range(N_MODELS // 3):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 10, 100))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        pathlib.Path(place("changed.wm")).write_bytes(data[:rng.randrange(len(data))] if i % 3 == 0 else data)
        milled(f"bytes, round {i}")


def train(path):
    done = subprocess.run([TRAIN, path, "-o", "changed.wm", "--time-limit", "0.5", "-q"], cwd=FOLDER.name,
                          capture_output=True, encoding="utf-8", errors="replace", check=False, timeout=LIMIT_S)
    assert done.returncode in (0, 2), f"{path}: status {done.returncode}, {done.stderr}"
    if done.returncode == 2:
        one_sentence(done, "wiremill-train", path)
    return done.returncode == 0


def captures_of_every_kind_are_learned_or_refused_and_what_was_learned_can_be_milled():
    folder = pathlib.Path(DATA or "none", "formats")
    files = sorted(path for kind in ("valid", "malformed") for path in folder.joinpath(kind).glob("*"))
    if not files:
        raise claims.Skip("there is no folder of such captures: WIREMILL_DATA names none")
    for path in files:
        if train(str(path)):
            done = subprocess.run([MILL, "-m", place("changed.wm"), "-o", place("x.pcap"), "-n", "100"], check=False,
                                  capture_output=True, encoding="utf-8", timeout=LIMIT_S)
            # Status 1: a capture of decades, whose like ends with the time that a pcap can say.
            assert done.returncode == 0 or "2106" in done.stderr, f"{path}: {done.stderr}"
            assert pathlib.Path(place("x.pcap")).stat().st_size > 24, path


with FOLDER:
    pathlib.Path(place("a.pcap")).write_bytes(little_capture.pcap(100)[0])
    subprocess.run([TRAIN, "a.pcap", "-o", "m.wm", "--time-limit", "5", "-q"], cwd=FOLDER.name, check=True,
                   capture_output=True, timeout=LIMIT_S)
    claims.run("hostile input", [
        models_that_were_tampered_with_are_refused_or_milled,
        models_with_other_bytes_are_refused_or_milled,
        captures_of_every_kind_are_learned_or_refused_and_what_was_learned_can_be_milled,
    ])
