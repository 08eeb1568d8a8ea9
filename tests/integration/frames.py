# SPDX-License-Identifier: BSD-3-Clause
"""frames: read the frames of a pcap file (any byte order, us or ns) and check them, with no other code of the project."""

import pathlib
import struct


def records(path):
    """[(time in ns, length on the wire, frame)] of the whole records in the file."""
    data = pathlib.Path(path).read_bytes()
    if len(data) < 24:
        return []
    order = "<" if data[0] in (0x4d, 0xd4) else ">"
    tick = 1 if struct.unpack_from(order + "I", data)[0] == 0xa1b23c4d else 1000
    found, at = [], 24
    while at + 16 <= len(data):
        second, part, length, wire = struct.unpack_from(order + "IIII", data, at)
        if at + 16 + length > len(data):
            break
        found.append((second * 10**9 + part * tick, wire, data[at + 16:at + 16 + length]))
        at += 16 + length
    return found


def timed(path):
    """[(time in ns, frame)]"""
    return [(time, frame) for time, _, frame in records(path)]


def read(path):
    """The frames of the whole records in the file."""
    return [frame for _, _, frame in records(path)]


def link(path):
    """The link type of a pcap file."""
    data = pathlib.Path(path).read_bytes()
    return struct.unpack_from(("<" if data[0] in (0x4d, 0xd4) else ">") + "I", data, 20)[0] & 0xffff


def network(frame):
    """(ethertype, offset of the network header), VLAN tags passed over."""
    at = 12
    while frame[at:at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    return struct.unpack_from(">H", frame, at)[0], at + 2


def flow(frame):
    """What tells an IPv4 frame's flow, the same for both directions; of others their addresses."""
    ethertype, at = network(frame)
    if ethertype != 0x0800:
        return frozenset((frame[:6], frame[6:12], b"%d" % ethertype))
    ends = [frame[at + 12:at + 16], frame[at + 16:at + 20]]
    l4 = at + (frame[at] & 15) * 4
    if frame[at + 9] in (6, 17):
        ends = [ends[0] + frame[l4:l4 + 2], ends[1] + frame[l4 + 2:l4 + 4]]
    return (frame[at + 9], *sorted(ends))


def ones_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def checksums_are_right(frame):
    """Of IPv4 and of TCP, UDP and ICMP in it; True for what has none."""
    ethertype, at = network(frame)
    if ethertype != 0x0800:
        return True
    head_len, total = (frame[at] & 15) * 4, struct.unpack_from(">H", frame, at + 2)[0]
    if ones_sum(frame[at:at + head_len]) != 0xffff:
        return False
    segment, proto = frame[at + head_len:at + total], frame[at + 9]
    pseudo = frame[at + 12:at + 20] + struct.pack(">HH", proto, len(segment)) if proto in (6, 17) else b""
    if proto not in (1, 6, 17) or (proto == 17 and segment[6:8] == b"\0\0"):
        return True
    return ones_sum(pseudo + segment) == 0xffff
