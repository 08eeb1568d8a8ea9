# SPDX-License-Identifier: BSD-3-Clause
"""meter: what tests/faults/meter.c wrote down: every packet that a port was handed, and when."""

import collections
import pathlib
import struct

HEAD, RECORD, CLOCK_BEGIN = struct.Struct("<QQQQQQdd"), struct.Struct("<QQQHHHH"), 123456789
Record = collections.namedtuple("Record", "ns stamp_ns len nth port")  # stamp_ns: None = it was to leave at once


def read(path):
    """The records in order, with times of the system's clock in ns."""
    data = pathlib.Path(path).read_bytes()
    room, n, tsc0, ns0, tsc1, ns1, clock_hz, tsc_hz = HEAD.unpack_from(data)
    assert n <= room, f"{n} packets, and room for {room}"

    def ns(ticks):
        return ns0 + round(ticks * (ns1 - ns0) / (tsc1 - tsc0))

    found = []
    for i in range(n):
        tsc, stamp, _, port, _, length, nth = RECORD.unpack_from(data, HEAD.size + i * RECORD.size)
        found.append(Record(ns(tsc - tsc0), ns((stamp - CLOCK_BEGIN) / clock_hz * tsc_hz) if stamp else None, length, nth,
                            port))
    return found
