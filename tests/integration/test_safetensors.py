#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Our model files against a reader and a writer made from the format's definition alone.

usage: test_safetensors.py MODEL_EXAMPLE
"""

import pathlib
import struct
import subprocess
import sys
import tempfile

import claims
from safetensors_file import CODES, read, write

EXAMPLE = pathlib.Path(sys.argv[1]).resolve()


def run(*args):
    return subprocess.run([EXAMPLE, *args], capture_output=True, encoding="utf-8", check=False, timeout=60)


def an_independent_reader_finds_what_was_written():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "m.safetensors")
        assert run("write", path).returncode == 0
        metadata, tensors, offset = read(path.read_bytes())
    assert metadata == {"format": "wiremill-1", "note": "tab\t, quote \", slash /, ü, \U0001F33E"}
    assert offset % 64 == 0
    f32 = struct.unpack("<6f", struct.pack("<6f", 1.5, -2, 3e-40, 0, 5, 6))
    assert tensors == {
        "f64": ("F64", [2], (1e300, -0.5)),
        "i64": ("I64", [], (-2**63,)),
        'f32 "ü"': ("F32", [1, 3, 2], f32),
        "none": ("U32", [4, 0], ()),
        "u16": ("U16", [3], (1, 2, 65535)),
        "i8": ("I8", [5], (-128, 127, 0, 1, 2)),
    }


def what_another_writer_wrote_is_read():
    tensors = {code: (code, [2], (1, 2)) for code in CODES}
    tensors["matrix"] = ("F32", [2, 3], (0.5, 1, 2, 3, 4, -5))
    tensors["scalar ü"] = ("U8", [], (7,))
    metadata = {"format": "wiremill-1", "written by": "another ü"}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "m.safetensors")
        path.write_bytes(write(metadata, tensors))
        result = run("print", path)
    assert result.returncode == 0, result.stderr
    want = set()
    for name, (dtype, shape, values) in tensors.items():
        data = struct.pack(f"<{len(values)}{CODES[dtype]}", *values).hex()
        want.add(f"{name} {dtype} [{','.join(map(str, shape))}] {data}")
    want |= {f"{key}={value}" for key, value in metadata.items()}
    assert set(result.stdout.splitlines()) == want, result.stdout


def a_file_of_another_program_is_refused_by_its_format():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "torch.safetensors")
        path.write_bytes(write({"format": "pt"}, {"a": ("F32", [1], (1,))}))
        result = run("print", path)
    assert result.returncode == 1
    assert "torch.safetensors: not a wiremill model: its format is 'pt'; this tool reads wiremill-1" in result.stderr


claims.run("safetensors", [
    an_independent_reader_finds_what_was_written,
    what_another_writer_wrote_is_read,
    a_file_of_another_program_is_refused_by_its_format,
])
