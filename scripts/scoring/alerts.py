# SPDX-License-Identifier: BSD-3-Clause
"""alerts: what intrusion detection systems write, one kind of file each, as a stream of the same few fields."""

import collections
import csv
import datetime
import gzip
import ipaddress
import json
import math
import re

# When (seconds), between whom (None = the alert does not say), what the system calls it.
Alert = collections.namedtuple("Alert", "time src dst sport dport proto name")

FAST = re.compile(r"(?P<when>\d\d/\d\d(/(\d\d){1,2})?-\d\d:\d\d:\d\d\.\d+)\s+(\[\w+\]\s+)?\[\*\*\]\s+\[\d+:\d+:\d+\]\s+"
                  r"(?P<name>.*?)\s+\[\*\*\](.*\{(?P<proto>[^}]+)\}\s+(?P<src>\S+)\s+->\s+(?P<dst>\S+)|[^{]*$)")
# Column names of a plain table, each with what else it may be called.
COLUMNS = {
    "time": ("time", "timestamp", "ts", "start"),
    "src": ("src", "src_ip", "srcip", "sa", "source"),
    "dst": ("dst", "dst_ip", "dest_ip", "dstip", "da", "destination"),
    "sport": ("sport", "src_port", "srcport", "sp"),
    "dport": ("dport", "dst_port", "dest_port", "dstport", "dp"),
    "proto": ("proto", "protocol", "pr"),
    "name": ("name", "alert", "signature", "msg", "message"),
}


class Bad(Exception):
    """An input that cannot be used; the sentence says where and why."""


def open_text(path):
    try:
        with open(path, "rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        if packed:
            return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
        return open(path, encoding="utf-8-sig", errors="replace", newline="")
    except OSError as why:
        raise Bad(f"{path}: {why.strerror}") from why


def seconds(text):
    """A time as seconds since 1970: a number, or a date as ISO 8601 has it; UTC where it names no zone."""
    try:
        return float(text)
    except ValueError:
        pass
    text = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text.strip().replace("Z", "+00:00"))
    date, dot, rest = text.partition(".")
    fraction = re.match(r"\d*", rest).group() if dot else ""
    when = datetime.datetime.fromisoformat(date + rest[len(fraction):])
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.timezone.utc)
    return when.timestamp() + float(f"0.{fraction or 0}")


def address(text):
    """The one way of writing an address; None for what is none."""
    if text in (None, "", "-"):
        return None
    try:
        found = ipaddress.ip_address(text)
        return str(getattr(found, "ipv4_mapped", None) or found)
    except ValueError:
        return text.lower()


def port(value):
    return int(value) if value not in (None, "", "-") else None


def protocol(text):
    text = (text or "-").upper()
    if text.startswith("PROTO:"):  # Suricata's, of one that it has no name for
        text = text[6:].lstrip("0")
    if text in ("-", "IP"):
        return None
    return {"6": "TCP", "17": "UDP", "1": "ICMP", "58": "ICMP6", "IPV6-ICMP": "ICMP6", "ICMPV6": "ICMP6"}.get(text, text)


def alert(time, src, dst, sport, dport, proto, name):
    proto = protocol(proto)
    if proto not in ("TCP", "UDP"):
        sport = dport = None
    if not math.isfinite(time) or not isinstance(name or "?", str):
        raise ValueError("its time or its name is none")
    return Alert(time, address(src), address(dst), port(sport), port(dport), proto, name or "?")


def read_eve(lines):
    """Suricata's eve.json: an object a line; events that are no alerts are passed over."""
    for line in lines:
        event = json.loads(line)
        if event.get("event_type") == "alert":
            yield alert(seconds(event["timestamp"]), event.get("src_ip"), event.get("dest_ip"), event.get("src_port"),
                        event.get("dest_port"), event.get("proto"), event["alert"].get("signature"))


def notice(row):
    src, dst = row.get("src"), row.get("dst")
    if src in (None, "", "-"):
        src, dst = row.get("id.orig_h"), row.get("id.resp_h")
    dport = row.get("id.resp_p") if row.get("id.resp_p") not in (None, "", "-") else row.get("p")
    return alert(seconds(row["ts"]), src, dst, row.get("id.orig_p"), dport, row.get("proto"), row.get("note"))


def read_zeek(lines):
    """Zeek's notice.log: tab-separated with its fields named in the head, or an object a line."""
    fields = []
    for line in lines:
        if line.startswith("{"):
            yield notice(json.loads(line))
        elif line.startswith("#fields"):
            fields = line.rstrip("\r\n").split("\t")[1:]
        elif not line.startswith("#"):
            yield notice(dict(zip(fields, line.rstrip("\r\n").split("\t"), strict=True)))


def fast_time(text, about):
    """A time of Suricata (month/day/year), Snort 2 (the same, the year in two digits), Snort 3 (year/month/day) or either without
    a year: of what can be meant, the time that is nearest to `about`."""
    date, clock = text.split("-")
    part = [int(number) for number in date.split("/")]
    hour, minute, second = clock.split(":")
    year = datetime.datetime.fromtimestamp(about, datetime.timezone.utc).year
    if len(part) == 2:
        meant = [(year + i, *part) for i in (-1, 0, 1)]
    elif len(date) == len("12/31/2026"):
        meant = [(part[2], *part[:2])]
    else:
        meant = [(century + y, month, day) for century in (1900, 2000) for y, month, day in ((part[2], *part[:2]), part)]
    times = []
    for day in meant:
        try:
            times.append(datetime.datetime(*day, int(hour), int(minute), tzinfo=datetime.timezone.utc).timestamp())
        except ValueError:  # no such day
            continue
    if not times:
        raise ValueError(f"{date} is no day")
    return min(times, key=lambda time: abs(time - about)) + float(second)


def split_port(text):
    """An endpoint as Snort writes it: a.b.c.d:port, 2001:db8::1:port, or an address alone."""
    head, colon, tail = text.rpartition(":")
    if colon and tail.isdigit() and ("." in head or head.count(":") == 7 or "::" in head):
        return head, tail
    return text, None


def read_fast(lines, about):
    """Snort's fast alerts (Suricata's fast.log too); those about packets that are not IP name no addresses."""
    for line in lines:
        found = FAST.match(line.strip())
        if not found:
            raise ValueError("it is no fast alert")
        proto = protocol(found["proto"])
        (src, sport), (dst, dport) = (split_port(found[end]) if proto in ("TCP", "UDP") else (found[end], None)
                                      for end in ("src", "dst"))
        yield alert(fast_time(found["when"], about), src, dst, sport, dport, proto, found["name"])


def read_table(lines):
    """A plain table: a head that names a time and at least one address, then an alert a line."""
    rows = csv.reader(lines)
    head = [name.strip().lower() for name in next(rows, ())]
    if not head:
        return
    place = {field: next((head.index(name) for name in names if name in head), None) for field, names in COLUMNS.items()}
    if place["time"] is None or (place["src"] is None and place["dst"] is None):
        raise ValueError("its first line must name the columns: time and src or dst, and of sport, dport, proto, name "
                         "what there is")
    for row in rows:
        if row:
            field = {name: row[at] for name, at in place.items() if at is not None}
            yield alert(seconds(field.pop("time")), *(field.get(name) for name in Alert._fields[1:]))


def kind_of(path):
    """Which of the kinds a file is, by its first line."""
    with open_text(path) as lines:
        try:
            first = next((line for line in lines if line.strip()), "")
        except (EOFError, OSError) as why:
            raise Bad(f"{path}: {why}") from why
    if first.startswith("{"):
        return "zeek" if '"note"' in first else "eve"
    if first.startswith("#"):
        return "zeek"
    return "fast" if "[**]" in first else "csv"


KINDS = ("eve", "zeek", "fast", "csv")


def read(path, kind, about, tell):
    """The alerts of a file; `about` is a time near theirs. A last line that is cut short, as a writer that was killed leaves it, is
    told and left out. @raise Bad, with the line that cannot be read."""
    count, last = 0, ""
    kind = kind or kind_of(path)

    def counted(lines):
        nonlocal count, last
        for line in lines:
            count, last = count + 1, line
            if line.strip():
                yield line

    with open_text(path) as file:
        lines = counted(file)
        readers = {"eve": read_eve, "zeek": read_zeek, "csv": read_table, "fast": lambda rest: read_fast(rest, about)}
        try:
            yield from readers[kind](lines)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, csv.Error, EOFError, OSError) as why:
            if count > 1 and not last.endswith("\n"):
                tell(f"{path}:{count}: the last line is cut short, and left out")
                return
            said = f"it has no {why}" if isinstance(why, KeyError) else str(why)
            raise Bad(f"{path}:{count}: this line cannot be read as {kind}: {said}") from why
