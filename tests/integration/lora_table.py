# SPDX-License-Identifier: BSD-3-Clause
"""lora_table: a little LoRaWAN network, made up, as a table of receptions and as a LoRaTap capture."""

import base64
import csv
import datetime
import random
import struct

HEADER = ["time", "device_address", "physical_payload", "gateway", "crc_status", "frequency", "spreading_factor",
          "bandwidth", "code_rate", "rssi", "snr", "size", "mtype", "fcnt", "fport"]
CHANNELS = [868100000, 868300000, 868500000, 867100000]
GATEWAYS = ["00800000a0001234", "00800000a0005678"]
START = datetime.datetime(2024, 3, 1, tzinfo=datetime.timezone.utc)


def phy(mtype, addr, fctrl, fcnt, port, payload):
    return (bytes([mtype << 5]) + struct.pack("<IBH", addr, fctrl, fcnt) + bytes([0x02]) * (fctrl & 15)
            + bytes([port]) + payload + b"\1\2\3\4")


def receptions(seed, gateways=2, hours=12):
    """Rows (seconds, payload, gateway, crc, Hz, SF, RSSI, SNR), by time: some devices with periods, some seldom heard,
    frames sent again, frames at both gateways, join requests, frames with errors."""
    rng = random.Random(seed)
    rows = []
    for device in range(30):
        period = rng.choice([60, 300, 600, 1800])
        addr, fcnt, t = 0x26010000 + device * 77, rng.randrange(65536), rng.uniform(0, period)
        chance, sf, size = rng.choice([1, 0.9, 0.3]), rng.choice([7, 7, 9, 12]), rng.choice([4, 12, 33])
        level = rng.uniform(-118, -75)
        while t < hours * 3600:
            confirmed = device % 5 == 0
            frame = phy(4 if confirmed else 2, addr, 0x80 if device % 3 else 1, fcnt % 65536, 1 + device % 4, rng.randbytes(size))
            for again in range(2 if confirmed and rng.random() < 0.3 else 1):
                frequency = rng.choice(CHANNELS)
                for g in range(gateways):
                    if rng.random() < chance * (1 if g == 0 else 0.6):
                        rows.append((t + 5 * again + g * 0.0003, frame, g, 1 if rng.random() < 0.99 else -1, frequency,
                                     sf, round(level - 6 * g + rng.gauss(0, 2)), round(4 * rng.gauss(3, 3)) / 4))
            fcnt += 1
            t += rng.gauss(period, 0.1)
        if device % 7 == 0:
            join = bytes([0]) + bytes(8) + struct.pack("<Q", device + 1) + rng.randbytes(6)
            rows.append((rng.uniform(0, hours * 3600), join, 0, 1, CHANNELS[0], 7, -90, 5.0))
    return sorted(rows)


def write_table(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as f:
        out = csv.writer(f)
        out.writerow(HEADER)
        for t, frame, g, crc, hz, sf, rssi, snr in rows:
            when = (START + datetime.timedelta(seconds=t)).isoformat(sep=" ", timespec="microseconds")
            out.writerow([when, "", base64.b64encode(frame).decode(), GATEWAYS[g], crc, hz, sf, 125, "4/5", rssi, snr, -1,
                          "", "", ""])


def loratap(frame, hz, sf, rssi, snr):
    level = max(rssi + 139, 0)
    return struct.pack(">BBHIBBBBBbB", 0, 0, 15, hz, 1, sf, level, level, level, round(snr * 4), 0x34) + frame


def write_capture(path, rows):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 270))
        for t, frame, _, _, hz, sf, rssi, snr in rows:
            us = round((START + datetime.timedelta(seconds=t)).timestamp() * 1e6)
            data = loratap(frame, hz, sf, rssi, snr)
            f.write(struct.pack("<IIII", us // 10**6, us % 10**6 * 1000, len(data), len(data)) + data)
