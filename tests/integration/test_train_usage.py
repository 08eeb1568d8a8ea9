#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""wiremill-train refuses what it cannot do: status 2 and one sentence that names the thing; nothing is left behind.

usage: test_train_usage.py WIREMILL_TRAIN
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import claims
import little_capture

TRAIN = str(pathlib.Path(sys.argv[1]).resolve())
CAPTURE, _ = little_capture.pcap(20)

# The command line in a folder that holds the files of prepare() -> what the sentence must name.
MATRIX = {
    "": ["INPUT"],
    "ok.pcap": ["-o MODEL"],
    "-o m": ["INPUT"],
    "ok.pcap -o m --bogus": ["--bogus"],
    "ok.pcap -o m -x": ["-x"],
    "ok.pcap -o": ["--output", "MODEL"],
    "ok.pcap -o m --quiet=yes": ["--quiet"],
    "absent.pcap -o m": ["absent.pcap", "No such file"],
    "ok.pcap absent.pcap -o m": ["absent.pcap", "No such file"],
    "folder -o m": ["folder", "directory"],
    "fifo -o m": ["fifo", "regular file"],
    "empty.pcap -o m": ["empty.pcap", "empty"],
    "text.pcap -o m": ["text.pcap"],
    "short.pcap -o m": ["short.pcap"],
    "header.pcap -o m": ["header.pcap"],
    "ok.pcap text.pcap -o m": ["text.pcap"],
    "flows.csv -o m": ["flows.csv: line 1", "the duration"],
    "ok.pcap -o m -s x": ["--seed", "'x'", "whole number"],
    "ok.pcap -o m -s -1": ["--seed", "'-1'"],
    "ok.pcap -o m -s 1.5": ["--seed", "'1.5'"],
    "ok.pcap -o m -s 18446744073709551616": ["--seed", "18446744073709551615"],
    "ok.pcap -o m -t 0": ["--threads", "'0'"],
    "ok.pcap -o m -t 1000000": ["--threads", "'1000000'"],
    "ok.pcap -o m -t two": ["--threads", "'two'"],
    "ok.pcap -o m --time-limit 0": ["--time-limit", "'0'", "seconds"],
    "ok.pcap -o m --time-limit -5": ["--time-limit", "'-5'"],
    "ok.pcap -o m --time-limit nan": ["--time-limit", "'nan'"],
    "ok.pcap -o m --time-limit 5s": ["--time-limit", "'5s'"],
    "ok.pcap -o m -e gan": ["--engine", "'gan'", "necst"],
    "ok.pcap -o m -f tcp_port_http": ["tcp_port_http"],
    "ok.pcap -o m --label a,b": ["--label", "'a,b'"],
    "ok.pcap -o m --label=": ["--label"],
    "ok.pcap -o absent/m": ["absent/m", "No such file"],
    "ok.pcap -o folder": ["folder", "directory"],
    "ok.pcap -o ok.pcap": ["ok.pcap", "input"],
    "ok.pcap -o link.pcap": ["ok.pcap", "input"],
    "ok.pcap -o /dev/null": ["/dev/null", "regular file"],
    "--inspect absent": ["absent", "No such file"],
    "--inspect ok.pcap": ["ok.pcap", "not a model file"],
    "--inspect text.pcap": ["text.pcap", "not a model file"],
    "--inspect empty.pcap": ["empty.pcap", "empty"],
    "--inspect folder": ["folder", "regular file"],
    "--inspect old ok.pcap": ["--inspect"],
}


def prepare(folder):
    files = {"ok.pcap": CAPTURE, "empty.pcap": b"", "text.pcap": b"time,length\n" * 10, "short.pcap": CAPTURE[:3],
             "header.pcap": CAPTURE[:24], "flows.csv": b"ts,te,sa\n1,2,3\n", "old": b"an older model"}
    for name, data in files.items():
        pathlib.Path(folder, name).write_bytes(data)
    os.mkdir(pathlib.Path(folder, "folder"))
    os.mkfifo(pathlib.Path(folder, "fifo"))
    os.symlink("ok.pcap", pathlib.Path(folder, "link.pcap"))


def refusal(folder, words, env=None):
    """The one sentence on standard error."""
    run = subprocess.run([TRAIN, *words], cwd=folder, capture_output=True, encoding="utf-8", check=False, timeout=60,
                         env={**os.environ, **(env or {})})
    lines = run.stderr.splitlines()
    assert run.returncode == 2, f"{words}: status {run.returncode}, {lines}"
    assert len(lines) == 1 and lines[0].startswith("wiremill-train: "), f"{words}: {lines}"
    return lines[0]


def contents(folder):
    return {path.name: path.read_bytes() if path.is_file() else None for path in pathlib.Path(folder).iterdir()}


def every_refusal_names_the_thing_and_leaves_nothing_behind():
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        before = contents(folder)
        for line, names in MATRIX.items():
            sentence = refusal(folder, line.split())
            for name in names:
                assert name in sentence, f"'{line}': '{sentence}' does not name {name}"
            assert contents(folder) == before, f"'{line}' changed the folder"


def an_older_model_outlives_a_refusal():
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        refusal(folder, ["text.pcap", "-o", "old"])
        assert pathlib.Path(folder, "old").read_bytes() == b"an older model"


def a_bad_date_is_refused_by_its_variable():
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        for date in ("", "yesterday", "-1", "99999999999999999999", "9999999999999999"):
            assert "SOURCE_DATE_EPOCH" in refusal(folder, ["ok.pcap", "-o", "m"], {"SOURCE_DATE_EPOCH": date}), date


def a_folder_that_may_not_be_written_is_named():
    if os.geteuid() == 0:
        raise claims.Skip("root may write anywhere")
    with tempfile.TemporaryDirectory() as folder:
        prepare(folder)
        os.chmod(pathlib.Path(folder, "folder"), 0o555)
        sentence = refusal(folder, ["ok.pcap", "-o", "folder/m"])
        assert "folder/m" in sentence and "Permission denied" in sentence, sentence


def help_and_version_are_answers():
    for option in ("--help", "-h", "--version", "-V"):
        run = subprocess.run([TRAIN, option], capture_output=True, encoding="utf-8", check=True, timeout=60)
        assert "wiremill-train" in run.stdout and run.stderr == ""


claims.run("wiremill-train, usage", [
    every_refusal_names_the_thing_and_leaves_nothing_behind,
    an_older_model_outlives_a_refusal,
    a_bad_date_is_refused_by_its_variable,
    a_folder_that_may_not_be_written_is_named,
    help_and_version_are_answers,
])
