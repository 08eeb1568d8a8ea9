# SPDX-License-Identifier: BSD-3-Clause
"""little_capture: a small pcap of plausible TCP, UDP and ICMP flows, for tests that need something to learn from."""

import random
import struct


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, destination, proto, payload):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, proto, 0, bytes(source),
                       bytes(destination))
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return bytes.fromhex("020000000001020000000002") + b"\x08\x00" + head + payload


def transport(source, destination, proto, at, segment):
    pseudo = bytes(source) + bytes(destination) + struct.pack(">BBH", 0, proto, len(segment))
    return ipv4(source, destination, proto, segment[:at] + struct.pack(">H", checksum(pseudo + segment))
                + segment[at + 2:])


def tcp(source, destination, sport, dport, seq, ack, flags, payload=b""):
    segment = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 29200, 0, 0) + payload
    return transport(source, destination, 6, 16, segment)


def udp(source, destination, sport, dport, payload):
    return transport(source, destination, 17, 6, struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload)


def echo(source, destination, kind, ident, number):
    message = struct.pack(">BBHHH", kind, 0, 0, ident, number) + bytes(range(48))
    return ipv4(source, destination, 1, message[:2] + struct.pack(">H", checksum(message)) + message[4:])


def web_flow(rng, client, server, port):
    """[(gap in seconds, frame)]"""
    ask, answer = b"G" * rng.randrange(60, 300), [b"A" * 1460] * rng.randrange(0, 6) + [b"A" * rng.randrange(1, 1460)]
    a, b = rng.randrange(2**31), rng.randrange(2**31)
    yield 0, tcp(client, server, port, 80, a, 0, 0x02)
    yield 0.01, tcp(server, client, 80, port, b, a + 1, 0x12)
    yield 0.01, tcp(client, server, port, 80, a + 1, b + 1, 0x10)
    yield 0.001, tcp(client, server, port, 80, a + 1, b + 1, 0x18, ask)
    a, b = a + 1 + len(ask), b + 1
    for part in answer:
        yield rng.expovariate(100), tcp(server, client, 80, port, b, a, 0x18, part)
        b += len(part)
        yield 0.0005, tcp(client, server, port, 80, a, b, 0x10)
    yield 0.002, tcp(client, server, port, 80, a, b, 0x11)
    yield 0.01, tcp(server, client, 80, port, b, a + 1, 0x11)
    yield 0.01, tcp(client, server, port, 80, a + 1, b + 1, 0x10)


def frames(n_flows, seed):
    """[(time in ns, frame)] in order of time."""
    rng, start, out = random.Random(seed), 1.7e9, []
    for i in range(n_flows):
        start += rng.expovariate(20)
        client, server = (10, 0, 0, 2 + i % 7), (10, 0, 1, 1 + i % 3)
        if i % 4 == 1:
            flow = [(0, udp(client, server, 30000 + i, 53, b"q" * rng.randrange(20, 50))),
                    (0.004, udp(server, client, 53, 30000 + i, b"a" * rng.randrange(50, 200)))]
        elif i % 16 == 2:
            flow = [(0.5 * (j > 0), echo(client, server, 8, i, j)) for j in range(4)]
        else:
            flow = web_flow(rng, client, server, 40000 + i)
        time = start
        for gap, frame in flow:
            time += gap
            out.append((int(time * 1e9), frame))
    return sorted(out)


def pcap(n_flows=200, seed=1):
    """(the bytes of a nanosecond pcap file, number of packets)"""
    parts, packets = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)], frames(n_flows, seed)
    for time, frame in packets:
        parts += [struct.pack("<IIII", time // 10**9, time % 10**9, len(frame), len(frame)), frame]
    return b"".join(parts), len(packets)
