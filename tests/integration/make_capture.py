# SPDX-License-Identifier: BSD-3-Clause
"""make_capture: [(time in ns, frame)] into capture files of every kind, and such packets with gaps of some kinds."""

import random
import struct


def pcap(packets, tick=1, order="<", link=1):
    magic = {1: 0xA1B23C4D, 1000: 0xA1B2C3D4}[tick]
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link)]
    for at, frame in packets:
        parts += [struct.pack(order + "IIII", at // 10**9, at % 10**9 // tick, len(frame), len(frame)), frame]
    return b"".join(parts)


def block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def pcapng(packets, order="<", resolution=9):
    parts = [block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)),
             block(order, 1, struct.pack(order + "HHIHHB3xHH", 1, 0, 0, 9, 1, resolution, 0, 0))]
    for at, frame in packets:
        ticks = at // 10**(9 - resolution)
        parts.append(block(order, 6, struct.pack(order + "IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, len(frame),
                                                 len(frame)) + frame))
    return b"".join(parts)


def relative(packets, scale=1.0):
    return [(int((at - packets[0][0]) * scale), frame) for at, frame in packets]


def numbered(i, rest=b""):
    """A frame of a kind that nobody answers."""
    return struct.pack(">6s6sHI", b"\x02\0\0\0\0\x02", b"\x02\0\0\0\0\x01", 0x88B5, i) + rest


def even(n, gap_ns=7000):
    """Packets at even distances."""
    return [(1_600_000_000_000_000_000 + i * gap_ns, numbered(i, bytes(46))) for i in range(n)]


def poisson(n, mean_ns, seed):
    """Poisson arrivals with one heavy-tailed pause now and then, of frames that a link takes."""
    rng, at, out = random.Random(seed), 1_600_000_000_000_000_000, []
    for i in range(n):
        out.append((at, numbered(i, rng.randbytes(rng.choice([44, 90, 560, 1482])))))
        at += int(rng.expovariate(1 / mean_ns)) + (int(200_000 * rng.paretovariate(1.2)) if rng.random() < 0.005 else 0)
    return out


def heavy_tailed(n, least_ns, seed):
    """Gaps by a Pareto law without a variance, cut at a second: bursts of packets, and long pauses."""
    rng, at, out = random.Random(seed), 1_600_000_000_000_000_000, []
    for i in range(n):
        out.append((at, numbered(i, rng.randbytes(rng.choice([44, 90, 560, 1482])))))
        at += min(int(least_ns * rng.paretovariate(1.1)), 10**9)
    return out
