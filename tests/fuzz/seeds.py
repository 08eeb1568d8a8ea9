#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""seeds: small inputs of every kind for the fuzz targets to begin with, made here.

usage: tests/fuzz/seeds.py FOLDER      FOLDER/TARGET/NAME for each target
"""

import base64
import json
import pathlib
import struct
import sys

V4 = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
V6 = bytes.fromhex("20010db8000000000000000000000001"), bytes.fromhex("20010db8000000000000000000000002")
MACS = bytes.fromhex("020000000002020000000001")


def ipv4(proto, payload, options=b"", offset=0):
    size = 20 + len(options)
    return struct.pack(">BBHHHBBH", 0x40 | size // 4, 0, size + len(payload), 7, offset, 64, proto, 0) + V4[0] + V4[1] + options + payload


def ipv6(following, payload):
    return struct.pack(">IHBB", 6 << 28, len(payload), following, 64) + V6[0] + V6[1] + payload


def tcp(flags, payload=b"", options=b""):
    return struct.pack(">HHIIBBHHH", 80, 40000, 1, 2, (20 + len(options)) * 4, flags, 29200, 0, 0) + options + payload


def udp(payload, port=53):
    return struct.pack(">HHHH", port, 30000, 8 + len(payload), 0) + payload


STAMPS = bytes([1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8])
SACK = bytes([1, 1, 5, 10, 0, 0, 0, 9, 0, 0, 0, 12])
SYN = bytes([2, 4, 5, 180, 4, 2, 1, 3, 3, 7])
NETWORK = {
    "syn": (0x0800, ipv4(6, tcp(2, options=SYN + b"\1\1"))),
    "data": (0x0800, ipv4(6, tcp(24, b"GET / HTTP/1.1\r\n\r\n", STAMPS))),
    "sack": (0x0800, ipv4(6, tcp(16, options=STAMPS + SACK))),
    "options": (0x0800, ipv4(17, udp(b"x" * 9), bytes([148, 4, 0, 0]))),
    "fragment": (0x0800, ipv4(17, b"middle" * 3, offset=0x2003)),
    "ping": (0x0800, ipv4(1, bytes([8, 0, 0, 0, 0, 1, 0, 2]) + b"abcdefgh")),
    "unreachable": (0x0800, ipv4(1, bytes([3, 3, 0, 0, 0, 0, 0, 0]) + ipv4(17, udp(b"")))),
    "sctp": (0x0800, ipv4(132, b"\0" * 16)),
    "dns6": (0x86DD, ipv6(17, udp(bytes([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 97, 0, 0, 1, 0, 1])))),
    "headers6": (0x86DD, ipv6(0, bytes([44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 7]) + udp(b"text"))),
    "neighbour6": (0x86DD, ipv6(58, bytes([135, 0, 0, 0, 0, 0, 0, 0]) + V6[0])),
    "arp": (0x0806, bytes.fromhex("0001080006040001") + MACS[:6] + V4[0] + bytes(6) + V4[1]),
}


def frames():
    for name, (ethertype, packet) in NETWORK.items():
        yield name, 1, MACS + struct.pack(">H", ethertype) + packet
    ethertype, packet = NETWORK["sack"]
    yield "vlans", 1, MACS + bytes.fromhex("88a8000181000002") + struct.pack(">H", ethertype) + packet
    yield "llc", 1, MACS + bytes([0, 38, 0x42, 0x42, 3]) + bytes(35)
    yield "raw", 101, packet
    yield "raw6", 229, NETWORK["dns6"][1]
    yield "null", 0, struct.pack("<I", 2) + packet
    yield "loop", 108, struct.pack(">I", 2) + packet
    yield "sll", 113, bytes([0, 0, 0, 1, 0, 6]) + MACS[:6] + bytes(2) + struct.pack(">H", ethertype) + packet
    yield "sll2", 276, struct.pack(">HHIHBB", ethertype, 0, 1, 1, 0, 6) + MACS[:6] + bytes(2) + packet
    yield "unknown", 147, b"whatever"


def pcap(order, magic, link, packets):
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for i, packet in enumerate(packets):
        out += struct.pack(order + "IIII", 1000 + i, 100 * i, len(packet), len(packet)) + packet
    return out


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def pcapng(packets):
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + option(2, b"here") + option(0, b""))
    for link, resolution in ((1, 9), (101, 6), (1, 0x94)):
        out += block(1, struct.pack("<HHI", link, 0, 96) + option(9, bytes([resolution])) + option(14, struct.pack("<q", -5)) + option(0, b""))
    for i, packet in enumerate(packets):
        head = struct.pack("<IIIII", i % 2 * 2, 0, 1000 * i, len(packet), len(packet) + i % 3)
        out += block(6, head + packet + bytes(-len(packet) % 4) + (option(2, b"\0\0\0\0") if i % 4 == 0 else b""))
    out += block(3, struct.pack("<I", len(packets[0])) + packets[0]) + block(5, struct.pack("<III", 0, 0, 9)) + block(0xBAD, b"own")
    return out


def captures():
    ethernet = [frame for _, link, frame in frames() if link == 1]
    for order, name in (("<", "little"), (">", "big")):
        for magic, unit in ((0xA1B2C3D4, "us"), (0xA1B23C4D, "ns")):
            yield f"{name}-{unit}", pcap(order, magic, 1, ethernet)
    for name, link, frame in frames():
        if link != 1:
            yield f"link-{name}", pcap("<", 0xA1B2C3D4, link, [frame] * 2)
    yield "blocks", pcapng(ethernet)


def tables():
    yield "ugr16", ("te,td,sa,da,sp,dp,pr,flg,fwd,stos,pkt,byt,label\n2016-04-11 00:00:01,0.5,42.219.1.2,10.0.0.1,4000,80,TCP,.AP.SF,0,0,5,600,background\n"
                    "2016-04-11 00:00:02,0,10.0.0.1,42.219.1.2,53,4001,UDP,.A....,0,0,1,90,dos\n")
    yield "ugr16-bare", "2016-04-11 00:00:01,0.5,42.219.1.2,10.0.0.1,4000,80,TCP,.AP.SF,0,0,5,600,background\n"
    yield "netshare", "srcip,dstip,srcport,dstport,proto,ts,td,pkt,byt,label,type\n10.0.0.1,10.0.0.2,1,2,TCP,1458000000000000,2.5,3,120,1,dos\n"
    yield "zeek", ("#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\t"
                   "conn_state\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\n1.5\tC1\t10.0.0.1\t1\tfd00::2\t2\ttcp\t-\t-\t-\t-\tS0\t1\t60\t0\t0\n#close\n")
    yield "cidds", ("Date first seen,Duration,Proto,Src IP Addr,Src Pt,Dst IP Addr,Dst Pt,Packets,Bytes,Flows,Flags,Tos,class,attackType,attackID\n"
                    "2017-03-15 00:01:16.632,0.010,TCP  ,192.168.100.5,445,EXT_1,58844.0,1, 1.2 M,1,.AP...,0,normal,---,---\n")
    yield "labels", "start,end,src,dst,sport,dport,proto,label,model,packets,bytes\n0.5,1.5,10.0.0.1,10.0.0.2,1,2,TCP,\"a,b\",m,3,200\n"


def receptions():
    phys = {"data": bytes([0x40]) + bytes.fromhex("0102032680070002") + b"payload" + b"\1\2\3\4", "join": bytes(23), "odd": b"\xe0\1",
            "commands": bytes([0x80]) + bytes.fromhex("01020326830800020202") + b"\5x\1\2\3\4"}
    head = "time,physical_payload,gateway,crc_status,frequency,spreading_factor,bandwidth,code_rate,rssi,snr"
    rows = [f"2024-03-01 00:00:0{i}.5+00:00,{base64.b64encode(phy).decode()},00800000a000123{i},{1 - i % 3},868.1,{7 + i},125,4/5,-90,{i - 2}.25"
            for i, phy in enumerate(phys.values())]
    yield "table", "\n".join([head] + rows) + "\n"
    yield "few-columns", "spreading_factor,frequency,time,physical_payload\n12,868100000,1700000000.25," + base64.b64encode(phys["data"]).decode() + "\n"
    tap = struct.pack(">BBHIBBBBBbB", 0, 0, 15, 868100000, 1, 7, 40, 41, 42, -9, 0x34)
    tap1 = struct.pack(">BBHIBBBBBbBQIBBHBBH", 1, 0, 35, 868300000, 2, 12, 40, 41, 42, 30, 0x34, 0x00800000A0001234, 5, 9, 5, 0, 3, 1, 0)
    yield "loratap", pcap("<", 0xA1B23C4D, 270, [tap + phy for phy in phys.values()])
    yield "loratap-1", pcap(">", 0xA1B2C3D4, 270, [tap1 + phy for phy in phys.values()])


def model(metadata, tensors):
    header, body = {"__metadata__": metadata}, b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def models():
    meta = {"format": "wiremill-1", "engine": "necst", "necst.units": "8", "x": "y"}
    yield "empty", model({"format": "wiremill-1"}, {})
    yield "two", model(meta, {"a": ("F32", [2, 2], struct.pack("<4f", 1, 2, 3, 4)), "b": ("U8", [3], b"abc")})
    yield "kinds", model(meta, {"d": ("F64", [1], struct.pack("<d", 1)), "i": ("I64", [1, 1, 1, 1], bytes(8)), "h": ("U16", [0], b"")})


def configs():
    yield "all", ("model = ( \"http.wm\",\n { file = \"dns.wm\"; weight = 2.5; label = \"names\"; } );\npcap = \"x\"; packets = 100;\nseed = 7L;\n"
                  "rate = \"x4\"; duration = 1.5; // s\n")
    yield "ports", "eal = \"-l 0-2 --no-pci\";\nmodel = \"a\";\nunderflow = \"recycle\"; queues = 2; rate = \"5Mpps\"; /* */ # x\n"
    yield "flags", "help = true; version = false; mtu = 0x5DC; csv = \"a\" \"b\";\n"


def controls():
    yield "all", b"\xffstatus\nrate 5Mpps\npause\r\nresume\nweight my model 2.5\nweight 0 0\nstop\n"
    yield "rates", b"\x07rate max\nrate x4\nrate 50%\nrate 1.5Gbps-l1\nrate model\nrate 1e3kpps\n"
    yield "long", b"\x40" + b"x" * 300 + b"\nstatus\n"
    yield "half", b"\x01sta"


def requests():
    get = b"GET /%s HTTP/1.1\r\nHost: localhost:9100\r\n\r\n"
    yield "page", b"\xff" + get % b""
    yield "pipelined", b"\x07" + get % b"metrics" + get % b"status.json" + get % b"nothing?a=%41&b"
    yield "old", b"\x20HEAD /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    yield "body", b"\x10POST / HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello"
    yield "chunks", b"\x05GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    yield "foreign", b"\x40GET / HTTP/1.1\r\nHost: example.org\r\nCookie: a=b; c=d\r\nUpgrade: h2c\r\n\r\n"
    yield "folded", b"\x03GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n"
    yield "large", b"\xffGET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n"


def traffic():
    """Enough of it for most metrics."""
    sent = [MACS + struct.pack(">H", NETWORK[name][0]) + NETWORK[name][1] for name in ("syn", "sack", "data", "options", "dns6", "ping")]
    yield "capture", pcap("<", 0xA1B2C3D4, 1, sent * 10)
    for name, table in tables():
        head, row = table.rstrip("\n").split("\n")[:2] if name not in ("ugr16-bare", "zeek") else ("", "")
        if row:
            yield name, head + "\n" + (row + "\n") * 30


def main():
    folder = pathlib.Path(sys.argv[1])
    packets = ((name, struct.pack("<HH", link, 3) + frame) for name, link, frame in frames())
    targets = {"capture": captures(), "packet": packets, "table": tables(), "model": models(), "config": configs(), "compare": traffic(),
               "control": controls(), "http": requests(), "lora": receptions()}
    for target, seeds in targets.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, data in seeds:
            (folder / target / name).write_bytes(data if isinstance(data, bytes) else data.encode())


main()
