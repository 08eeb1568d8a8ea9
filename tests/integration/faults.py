# SPDX-License-Identifier: BSD-3-Clause
"""faults: run programs with one of the libraries of tests/faults before them."""

import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import claims

LIMIT_S = 60 * claims.PATIENCE  # for a machine that does other things too


class Run:
    """What became of a program that ran in a folder of its own, which is gone by now."""

    def __init__(self, command, inputs, shim, **settings):
        with tempfile.TemporaryDirectory() as folder:
            for path in inputs:
                shutil.copy(path, folder)
            log = pathlib.Path(folder, "faults.log")
            told = {f"FAULTS_{key.upper()}": str(value) for key, value in settings.items()}
            env = {**os.environ, "LD_PRELOAD": shim, "FAULTS_UNDER": folder, "SOURCE_DATE_EPOCH": "1700000000", **told}
            if not {"at", "site"} & settings.keys():
                env["FAULTS_LOG"] = str(log)
            done = subprocess.run(command, cwd=folder, env=env, capture_output=True, encoding="utf-8", errors="replace",
                                  check=False, timeout=LIMIT_S)
            self.status, self.said = done.returncode, done.stderr.splitlines()
            self.log = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
            self.files = {path.name: path.read_bytes() for path in pathlib.Path(folder).iterdir() if path != log}

    def what(self):
        return f"status {self.status}, files {sorted(self.files)}, said: {self.said[-3:]}"

    def sentence(self, program, statuses=(1,)):
        """The one sentence that a run which failed ends with."""
        assert self.status in statuses, self.what()
        ours = [line for line in self.said if line.startswith(f"{program}: ")]
        assert ours and ours[-1] == self.said[-1], self.what()
        # Of the flows in flight, a slow run also writes a file every second, and goes on without it.
        assert all(".open: " in line for line in ours[:-1]), self.what()
        return ours[-1]

    def leaves_nothing_half_done(self):
        assert not [name for name in self.files if ".tmp-" in name], self.what()


def of_temporary(name):
    """The file that a temporary one is to become."""
    return re.sub(r"\.tmp-\d+-\d+$", "", name)


def in_parallel(function, jobs):
    """Results of function(job) for all jobs, as many at once as there are cores."""
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(function, jobs))


def some(items, most):
    """All of them, or the first and the last ones."""
    return items if len(items) <= most else items[:most // 2] + items[-(most // 2):]
