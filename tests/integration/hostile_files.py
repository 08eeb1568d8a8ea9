# SPDX-License-Identifier: BSD-3-Clause
"""hostile_files: files that are refused, each for one reason, and those that they are made of."""

import gzip
import json
import os
import pathlib
import struct

import little_capture
import lora_table
import safetensors_file

FLOWS = "ts,te,sa,da,sp,dp,pr,pkt,byt\n"
UGR = "te,td,sa,da,sp,dp,pr,flg,fwd,stos,pkt,byt,label\n"
UGR_ROW = "2016-04-11 00:00:{:02d},0.5,42.219.1.2,10.0.0.1,4000,80,TCP,.AP.SF,0,0,5,600,background\n"
ZEEK = ("#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\t"
        "conn_state\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\n")
ZEEK_ROW = "1.5\tC1\t10.0.0.1\t1\tfd00::2\t2\ttcp\t-\t-\t-\t-\tS0\t1\t60\t0\t0\n"
LORA = "time,physical_payload,frequency,spreading_factor\n"


def pcap(packets, link=1, magic=0xA1B2C3D4, version=(2, 4), link_bits=0):
    out = struct.pack("<IHHiIII", magic, *version, 0, 0, 65535, link | link_bits)
    for seconds, data, length in packets:
        out += struct.pack("<IIII", seconds, 0, len(data), length) + data
    return out


def centuries(packet):
    """As a pcapng with 64-bit times in seconds."""
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 1, 0, 0) + struct.pack("<HHB3x", 9, 1, 0))
    for seconds in (0, 5 * 10**9) * 9:
        out += block(6, struct.pack("<IIIII", 0, seconds >> 32, seconds & 0xFFFFFFFF, len(packet), len(packet)) + packet)
    return out


def model(metadata, tensors=()):
    return safetensors_file.write({"format": "wiremill-1", **metadata}, dict(tensors))


def header(text, body=b""):
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def captures():
    whole = little_capture.pcap(60)[0]
    arp = b"\xff" * 6 + b"\2" * 6 + b"\x08\x06" + b"\0\1\x08\0\6\4\0\1" + b"\2" * 20
    lora = bytes(lora_table.loratap(b"\x40" + bytes(20), 868100000, 7, -90, 5))
    return {
        "c.pcap": whole, "little.pcap": pcap([(i, arp, 42) for i in range(3)]),
        "empty": b"", "empty.gz": gzip.compress(b""), "short": whole[:3], "text": b"a text of no kind\n" * 9, "zstd": b"\x28\xb5\x2f\xfd" + bytes(60),
        "erf.erf": bytes(60), "header": whole[:11], "version": pcap([], version=(3, 0)), "linkbits": pcap([], link_bits=0x03FF0000),
        "nothing.pcap": pcap([]), "headonly": whole[:24 + 16 + 5], "unknown.pcap": pcap([(1, bytes(60), 60)] * 9, link=147), "cut.pcap": whole[:-5],
        "ages.pcap": pcap([(0, arp, 42), (2**32 - 9, arp, 42)] * 9), "arp.pcap": pcap([(i, arp, 42) for i in range(60)]),
        "loratap-senseless.pcap": pcap([(1, bytes(40), 40)] * 3, link=270), "loratap-cut.pcap": pcap([(1, bytes(40), 40), (2, lora, len(lora))], link=270)[:-3],
        "snapped.pcap": pcap([(i, arp, 1500) for i in range(9)]), "centuries.pcapng": centuries(arp), "two": whole[:2],
    }


def tables():
    return {
        "flows.csv": UGR + "".join(UGR_ROW.format(i) for i in range(9)), "manyflows.csv": UGR + "".join(UGR_ROW.format(i % 60) for i in range(200)),
        "nobodysflows.csv": UGR + UGR_ROW.format(1).replace("TCP", "FOO"),
        "names.csv": UGR + "".join(UGR_ROW.format(1).replace("42.219.1.2", f"a{i}").replace("10.0.0.1", f"b{i}") for i in range(66000)),
        "udpflows.csv": UGR + UGR_ROW.format(1).replace("TCP", "UDP"), "columns.csv": FLOWS.replace("te,", ""), "quote.csv": 'te,"td\n', "zeek.log": "#separator \\x09\nhere\n", "zeekquote.log": "#separator \\x09\n#fields\tts\t\0\n",
        "wrong.csv": UGR + "noon" + UGR_ROW.format(1)[19:], "none.csv": UGR, "zeekflows.log": ZEEK + ZEEK_ROW * 9, "zeektwo.log": ZEEK + ZEEK.replace("\tuid", "").partition("\n")[2] + ZEEK_ROW,
        "cut.csv.gz": gzip.compress((UGR + os.urandom(9000).hex()).encode())[:-3000], "noport.csv": UGR + UGR_ROW.format(1).replace("4000", "99999"),
        "loracolumns.csv": LORA.replace("frequency", "colour") + "1,QAEC,868.1,7\n", "lorawrong.csv": LORA + "1,QAEC,868.1,70\n",
    }


def models():
    number = ("F32", [1], [1.0])
    whole = model({"engine": "necst"}, {"a": number})
    return {
        "brace.wm": struct.pack("<Q", 8) + b"[1,2,3] ", "headercut.wm": struct.pack("<Q", 800) + b"{}", "json.wm": header(b"{,}"), "bodycut.wm": whole[:-2],
        "metadata.wm": header(b'{"__metadata__": {"format": 5}}'), "metadatalist.wm": header(b'{"__metadata__": []}'), "tail.wm": whole + b"abcd",
        "hole.wm": header(json.dumps({"__metadata__": {"format": "wiremill-1"}, "a": {"dtype": "U8", "shape": [1], "data_offsets": [4, 5]}}).encode(), bytes(5)),
        "noformat.wm": header(b'{"__metadata__": {"x": "y"}}'), "otherformat.wm": header(b'{"__metadata__": {"format": "pt"}}'),
        "future.wm": header(b'{"__metadata__": {"format": "wiremill-9"}}'), "nan.wm": model({}, {"a": ("F32", [1], [float("nan")])}),
        "noengine.wm": model({}), "otherengine.wm": model({"engine": "gan"}), "resumed.ckpt": model({"engine": "necst-checkpoint"}, {"counters": ("U64", [7], [0] * 7), "loss": ("F64", [3], [0.0] * 3)}),
    }


def make(folder):
    folder = pathlib.Path(folder)
    for name, data in {**captures(), **tables(), **models()}.items():
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    lora_table.write_table(folder / "lora.csv", lora_table.receptions(1, hours=2))
    os.mkdir(folder / "folder")
    for name, script in {"fails": "echo it broke >&2; exit 1", "draws-nothing": "exit 0"}.items():
        os.mkdir(folder / name)
        program = folder / name / "gnuplot"
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(0o755)
