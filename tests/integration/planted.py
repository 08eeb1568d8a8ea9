# SPDX-License-Identifier: BSD-3-Clause
"""planted: captures with one thing wrong, made from a good one. IPv4 over Ethernet; other frames are left as they are."""

import collections
import gzip
import random
import struct

import little_capture


def read(path):
    """[(time in ns, frame)] of a pcap file, plain or gzip. Frames that were cut are filled with zeros, tags of VLANs go."""
    with open(path, "rb") as file:
        data = file.read()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    end = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    unit = 1 if data[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1000
    out, at = [], 24
    while at + 16 <= len(data):
        sec, frac, cap, wire = struct.unpack_from(end + "IIII", data, at)
        frame = data[at + 16:at + 16 + cap].ljust(wire, b"\0")
        while frame[12:14] == b"\x81\0":
            frame = frame[:12] + frame[16:]
        out.append((sec * 10**9 + frac * unit, with_checksums(frame) if cap < wire else frame))
        at += 16 + cap
    return out


def write(path, packets):
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1))
        for time, frame in packets:
            file.write(struct.pack("<IIII", time // 10**9, time % 10**9, len(frame), len(frame)) + frame)


def is_ipv4(frame):
    return len(frame) >= 34 and frame[12:14] == b"\x08\x00" and frame[14] >> 4 == 4


def transport_of(frame):
    return 14 + (frame[14] & 15) * 4


def has_ports(frame):
    return is_ipv4(frame) and frame[23] in (6, 17) and len(frame) >= transport_of(frame) + 8


def is_tcp(frame):
    return has_ports(frame) and frame[23] == 6 and len(frame) >= transport_of(frame) + 20


def headers_of(frame):
    """Bytes up to the payload."""
    return transport_of(frame) + ((frame[transport_of(frame) + 12] >> 4) * 4 if frame[23] == 6 else 8)


def with_length(frame, other):
    """The frame cut or padded to another's length, that of IP too, with lengths and checksums that agree."""
    at, total = transport_of(frame), max(struct.unpack_from(">H", other, 16)[0], headers_of(frame) - 14)
    frame = bytearray(frame[:14 + total].ljust(max(len(other), 14 + total), b"\0"))
    frame[16:18] = struct.pack(">H", total)
    if frame[23] == 17:
        frame[at + 4:at + 6] = struct.pack(">H", 14 + total - at)
    return with_checksums(bytes(frame))


def flow_of(frame):
    """What the packets of both directions share."""
    if frame[12:14] == b"\x86\xdd" and len(frame) >= 58 and frame[20] in (6, 17):
        return frozenset(((frame[22:38], frame[54:56]), (frame[38:54], frame[56:58]))), frame[20]
    if not is_ipv4(frame):
        return frozenset((frame[:6], frame[6:12])), frame[12:14]
    at = transport_of(frame)
    ports = (frame[at:at + 2], frame[at + 2:at + 4]) if has_ports(frame) else (b"", b"")
    return frozenset(((frame[26:30], ports[0]), (frame[30:34], ports[1]))), frame[23]


def flows(packets):
    """{flow: [index of its packets]} in order of their starts."""
    out = collections.defaultdict(list)
    for i, (_, frame) in enumerate(packets):
        out[flow_of(frame)].append(i)
    return out


def with_checksums(frame):
    """The frame with the checksums that it has to have."""
    if not is_ipv4(frame):
        return frame
    frame, at = bytearray(frame), transport_of(frame)
    end = 14 + struct.unpack_from(">H", frame, 16)[0]
    frame[24:26] = b"\0\0"
    frame[24:26] = struct.pack(">H", little_capture.checksum(bytes(frame[14:at])))
    where = {6: 16, 17: 6}.get(frame[23])
    if where is not None and len(frame) >= end and not struct.unpack_from(">H", frame, 20)[0] & 0x3FFF:
        pseudo = bytes(frame[26:34]) + struct.pack(">BBH", 0, frame[23], end - at)
        frame[at + where:at + where + 2] = b"\0\0"
        frame[at + where:at + where + 2] = struct.pack(">H", little_capture.checksum(pseudo + bytes(frame[at:end])))
    return bytes(frame)


def dealt(packets, hands, seed=5):
    """The flows shuffled and dealt out: samples of the same traffic."""
    members = list(flows(packets).values())
    random.Random(seed).shuffle(members)
    return tuple(sorted(packets[i] for flow in members[k::hands] for i in flow) for k in range(hands))


def blurred_gaps(packets, rng):
    """Each flow with its gaps off by up to 5 %: not the same, but near."""
    out = []
    for members in flows(packets).values():
        time = packets[members[0]][0]
        for last, i in zip([members[0], *members], members):
            time += int((packets[i][0] - packets[last][0]) * rng.uniform(.95, 1.05))
            out.append((time, packets[i][1]))
    return sorted(out, key=lambda packet: packet[0])


def shuffled_gaps(packets, rng):
    """Each flow's gaps in another order; its start, end and packets stay."""
    out = list(packets)
    for members in flows(packets).values():
        times = [packets[i][0] for i in members]
        gaps = [b - a for a, b in zip(times, times[1:])]
        rng.shuffle(gaps)
        time = times[0]
        for i, gap in zip(members[1:], gaps):
            time += gap
            out[i] = (time, packets[i][1])
    return sorted(out, key=lambda packet: packet[0])


def swapped_directions(packets, _):
    """Each packet goes from its destination to its source."""
    out = []
    for time, frame in packets:
        if is_ipv4(frame):
            at = transport_of(frame)
            ports = frame[at + 2:at + 4] + frame[at:at + 2] if has_ports(frame) else frame[at:at + 4]
            frame = frame[:26] + frame[30:34] + frame[26:30] + frame[34:at] + ports + frame[at + 4:]
            frame = with_checksums(frame)
        out.append((time, frame))
    return out


def broken_checksums(packets, rng):
    """One in ten TCP, UDP or ICMP checksums is wrong."""
    out = []
    for time, frame in packets:
        if (has_ports(frame) or is_ipv4(frame) and frame[23] == 1) and rng.random() < .1:
            at = transport_of(frame) + {6: 16, 17: 6, 1: 2}[frame[23]]
            frame = frame[:at] + bytes([frame[at] ^ 0x55]) + frame[at + 1:]
        out.append((time, frame))
    return out


def single_port(packets, _, port=8081):
    """Servers listen on one port; a client's port that this makes ambiguous is another."""
    out, ports = [], {}
    for time, frame in packets:
        if has_ports(frame):
            at = transport_of(frame)
            source, destination = struct.unpack_from(">HH", frame, at)
            hosts, client = (frame[26:30], frame[30:34], frame[23]), max(source, destination)
            if source < destination:
                hosts = (hosts[1], hosts[0], frame[23])
            taken = ports.setdefault(hosts, {})
            client = taken.setdefault((client, min(source, destination)), client if client not in taken.values() else 1024 + len(taken))
            source, destination = (port, client) if source < destination else (client, port)
            frame = with_checksums(frame[:at] + struct.pack(">HH", source, destination) + frame[at + 4:])
        out.append((time, frame))
    return out


def endpoints_of(frame):
    """((address, port) of the sender, of the receiver)"""
    at = transport_of(frame)
    return (frame[26:30], frame[at:at + 2]), (frame[30:34], frame[at + 2:at + 4])


def service_of(frame):
    """(protocol, the lower port)"""
    at = transport_of(frame)
    return frame[23], min(struct.unpack_from(">HH", frame, at))


def between(frame, source, destination):
    """The frame, sent by one endpoint to another."""
    at = transport_of(frame)
    return with_checksums(frame[:26] + source[0] + destination[0] + frame[34:at] + source[1] + destination[1] + frame[at + 4:])


def one_length(packets, _):
    """Flows that have the most common number of packets take the place of all others, between their hosts and ports; of
    the same server's port if there are any."""
    members = [m for m in flows(packets).values() if has_ports(packets[m[0]][1])]
    length = collections.Counter(len(m) for m in members if len(m) > 5).most_common(1)[0][0]
    fit, out = collections.defaultdict(list), []
    for m in members:
        if len(m) == length:
            fit[service_of(packets[m[0]][1])].append(m)
    any_service = [m for of in fit.values() for m in of]
    for k, flow in enumerate(members):
        same = fit.get(service_of(packets[flow[0]][1]), any_service)
        donor = same[k % len(same)]
        (start, frame), (first, opening) = packets[flow[0]], packets[donor[0]]
        here, there = endpoints_of(frame), endpoints_of(opening)[0]
        for i in donor:
            time, frame = packets[i]
            out.append((start + time - first, between(frame, *(here if endpoints_of(frame)[0] == there else here[::-1]))))
    return sorted(out, key=lambda packet: packet[0])


def shuffled_among(packets, rng, has, at, length):
    """A field of the packets that have it, dealt out anew."""
    members = [i for i, (_, frame) in enumerate(packets) if has(frame)]
    donors, out = members.copy(), list(packets)
    rng.shuffle(donors)
    for i, donor in zip(members, donors):
        (time, frame), other = packets[i], packets[donor][1]
        to = at(frame)
        out[i] = (time, with_checksums(frame[:to] + other[at(other):at(other) + length] + frame[to + length:]))
    return out


def independent_ttls(packets, rng):
    """Times to live as frequent as they were, but of any packet."""
    return shuffled_among(packets, rng, is_ipv4, lambda _: 22, 1)


def independent_windows(packets, rng):
    """TCP windows as frequent as they were, but of any packet."""
    return shuffled_among(packets, rng, is_tcp, lambda frame: transport_of(frame) + 14, 2)


def independent_columns(packets, rng):
    """Time to live, length of the payload, TCP flags and window of any packet each."""
    for plant in (independent_ttls, independent_windows, independent_flags, independent_lengths):
        packets = plant(packets, rng)
    return packets


def independent_flags(packets, rng):
    """TCP flags as frequent as they were, but of any packet."""
    return shuffled_among(packets, rng, is_tcp, lambda frame: transport_of(frame) + 13, 1)


def independent_lengths(packets, rng):
    """Frames as long as they were, but each of any packet of its protocol with the same headers."""
    out, groups = list(packets), collections.defaultdict(list)
    for i, (_, frame) in enumerate(packets):
        if has_ports(frame):
            groups[frame[23], headers_of(frame)].append(i)
    for members in groups.values():
        donors = [packets[i][1] for i in members]
        rng.shuffle(donors)
        for i, donor in zip(members, donors):
            out[i] = packets[i][0], with_length(packets[i][1], donor)
    return out


def copied(packets, _):
    return packets


def seeded(plant, packets, seed=1):
    return plant(packets, random.Random(seed))
