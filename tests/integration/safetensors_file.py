# SPDX-License-Identifier: BSD-3-Clause
"""safetensors_file: a reader and a writer made from the format's definition alone, to hold ours against.

The format: 8 bytes of header length, little-endian; a JSON object that begins with '{' and may end in spaces; the data.
"""

import json
import struct

CODES = {"F64": "d", "F32": "f", "I64": "q", "U64": "Q", "I32": "i", "U32": "I", "I16": "h", "U16": "H", "I8": "b",
         "U8": "B"}


def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"a key comes twice: {keys}"
    return dict(pairs)


def read(data):
    """A file's bytes -> (metadata, {name: (dtype, shape, values)}, data offset in the file)."""
    (length,) = struct.unpack_from("<Q", data)
    text = data[8:8 + length]
    assert text[:1] == b"{" and text.rstrip(b" ")[-1:] == b"}"
    header = json.loads(text.decode("utf-8"), object_pairs_hook=no_duplicates)
    metadata = header.pop("__metadata__", {})
    assert all(isinstance(value, str) for value in metadata.values())
    body, tensors, covered = data[8 + length:], {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        assert set(entry) == {"dtype", "shape", "data_offsets"}
        begin, end = entry["data_offsets"]
        count = 1
        for size in entry["shape"]:
            count *= size
        assert begin == covered, f"{name} begins at {begin}, expected {covered}"
        assert end - begin == count * struct.calcsize(CODES[entry["dtype"]])
        assert (8 + length + begin) % struct.calcsize(CODES[entry["dtype"]]) == 0, f"{name} is not aligned"
        values = struct.unpack(f"<{count}{CODES[entry['dtype']]}", body[begin:end])
        tensors[name] = (entry["dtype"], entry["shape"], values)
        covered = end
    assert covered == len(body)
    return metadata, tensors, 8 + length


def write(metadata, tensors):
    """The way the reference implementation lays a file out: widest types first, then by name; padded to 8 bytes."""
    header, body = {"__metadata__": metadata}, b""
    for name, (dtype, shape, values) in sorted(tensors.items(),
                                               key=lambda item: (-struct.calcsize(CODES[item[1][0]]), item[0])):
        data = struct.pack(f"<{len(values)}{CODES[dtype]}", *values)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body
