# SPDX-License-Identifier: BSD-3-Clause
"""attackers: what an intrusion detection system is to find, with real tools, against our own servers on our own bridge.

Each activity runs in a process of its own in its host's network namespace until the deadline, as clients do.
"""

USERS = "root admin miller test backup git www ftp oracle postgres".split()
PASSWORDS = "123456 password admin letmein mill bread river grain winter harvest qwerty 111111".split()
FLOOD_PACKETS = 700


def scan(ctx):
    """Port scans of several kinds, one host after the other, again and again."""
    targets = [host for name, host in ctx.world["hosts"].items() if name in ctx.world["servers"]]
    ways = (["-sS", "-F"], ["-sS", "-p", "1-1024"], ["-sT", "-F"], ["-sF", "-p", "1-200"], ["-sX", "-p", "1-200"],
            ["-sA", "-p", "1-100"], ["-sU", "-p", "53,67,69,111,123,137,161,500,514,1900", "--max-retries", "1"],
            ["-sV", "--version-light", "-p", "21,22,25,53,80,1883"])
    while ctx.left() > 0:
        way, host = ctx.rng.choice(ways), ctx.rng.choice(targets)
        family, address = ctx.rng.choice((([], host.v4), ([], host.v4), (["-6"], host.v6)))
        pace = ctx.rng.choice((["-T4"], ["-T3"], ["-T3", "--scan-delay", "20ms"]))
        ctx.call("nmap", "-n", "-Pn", *family, *way, *pace, "--host-timeout", "20s", address, seconds=25)
        ctx.think(0.7)


def sweep(ctx):
    """Which hosts are there, and which of them have a certain port open?"""
    while ctx.left() > 0:
        port = ctx.rng.choice(("22", "80", "1883", "25"))
        ctx.call("nmap", "-n", "-Pn", "-sS", "-p", port, "-T4", "--max-retries", "0", "10.20.0.1-200", seconds=25)
        ctx.think(8)


def flood(ctx):
    """Bursts of SYNs at the web server; the kernel, which knows nothing of them, resets what is answered."""
    while ctx.left() > 3:
        gap_us = ctx.rng.choice((500, 1000, 2000))
        size = ctx.rng.choice(([], [], ["-d", "120"]))
        count = int(FLOOD_PACKETS * ctx.rng.uniform(0.6, 1.4))
        ctx.call("hping3", "-q", "-n", "-S", "-p", "80", "-i", f"u{gap_us}", "-c", str(count), *size,
                 ctx.world["hosts"]["web"].v4, seconds=count * gap_us / 1e6 + 3)
        ctx.think(9)


def guess(ctx, service, port):
    """Passwords for users that may be there, over and over."""
    folder = ctx.world["folder"]
    for name, words in ("users", USERS), ("passwords", PASSWORDS):
        with open(f"{folder}/{service}-{name}", "w", encoding="ascii") as file:
            file.write("\n".join(ctx.rng.sample(words, len(words))) + "\n")
    while ctx.left() > 0:
        ctx.call("ncrack", "-U", f"{folder}/{service}-users", "-P", f"{folder}/{service}-passwords", "-T4",
                 f"{service}://{ctx.world['hosts']['login'].v4}:{port}", seconds=30)
        ctx.think(9)
