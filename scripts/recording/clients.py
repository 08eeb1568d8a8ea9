# SPDX-License-Identifier: BSD-3-Clause
"""clients: what people and devices do all day, with real client programs and random, seeded habits.

Each activity runs in a process of its own in its host's network namespace until the deadline.
"""

import dataclasses
import email.message
import http.client
import os
import random
import smtplib
import socket
import subprocess
import time

from . import net, servers

DOMAIN = servers.DOMAIN
AGENTS = ("Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
          "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
          "MillFeed/1.4", "curl/7.88.1")


@dataclasses.dataclass
class Context:
    host: net.Host
    rng: random.Random
    deadline: float
    world: dict  # site, names, hosts (by name), folder

    def left(self):
        return self.deadline - time.monotonic()

    def think(self, mean_s):
        """Wait as people do: mostly short, now and then long."""
        time.sleep(max(0.0, min(self.rng.lognormvariate(-0.5, 1.0) * mean_s, self.left())))

    def call(self, *command, seconds=30, feed=None):
        try:
            subprocess.run(command, input=feed, stdin=None if feed else subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=max(1.0, min(seconds, self.left())), check=False)
        except subprocess.TimeoutExpired:
            pass

    def family(self):
        return self.rng.choice(("-4", "-4", "-6"))


def curl(ctx, *options, **more):
    ctx.call("curl", "-s", "-o", "/dev/null", ctx.family(), "-A", ctx.rng.choice(AGENTS), *options, **more)


def url(path, name="www"):
    return f"http://{name}.{DOMAIN}/{path}"


def outputs(count):
    return ["-o", "/dev/null"] * (count - 1)


def read_page(ctx):
    """One page with all that it refers to, the way one of several browsers would."""
    page = min(int(ctx.rng.expovariate(0.12)), servers.PAGES - 1)
    objects = ctx.world["site"][f"p{page}.html"]
    how = ctx.rng.random()
    if how < 0.35:
        curl(ctx, "--compressed", url(f"p{page}.html"))
        urls = [url(name, ctx.rng.choice(("www", "static"))) for name in objects]
        curl(ctx, "--compressed", "-Z", "--parallel-max", "4", *outputs(len(urls)), *urls)
    elif how < 0.6:
        urls = [url(name) for name in (f"p{page}.html", *objects)]
        curl(ctx, *outputs(len(urls)), *urls)
    elif how < 0.75:
        for name in (f"p{page}.html", *objects[:5]):
            curl(ctx, "-0", url(name))
    else:
        ctx.call("wget", "-q", "-p", "-nd", "--delete-after", ctx.family(), "-P", f"{ctx.world['folder']}/get",
                 "-U", ctx.rng.choice(AGENTS), url(f"p{page}.html"))


def read_on_one_connection(ctx):
    """A person who clicks on while the connection stays open, until one of the two closes it."""
    connection = http.client.HTTPConnection(f"www.{DOMAIN}", timeout=15)
    try:
        for _ in range(ctx.rng.randint(2, 9)):
            page = ctx.rng.randrange(servers.PAGES)
            connection.request("GET", f"/p{page}.html", headers={"User-Agent": ctx.rng.choice(AGENTS)})
            connection.getresponse().read()
            for name in ctx.world["site"][f"p{page}.html"][:ctx.rng.randint(0, 4)]:
                connection.request("GET", f"/{name}")
                connection.getresponse().read()
            ctx.think(1.5)
            if ctx.left() <= 0:
                break
    except (OSError, http.client.HTTPException):
        pass
    connection.close()


def do_something_rare(ctx):
    rng = ctx.rng
    asset = rng.choice(ctx.world["site"]["p1.html"])
    form = servers.text(rng, int(min(rng.lognormvariate(6.5, 1.6), 60_000)))
    rng.choice([
        lambda: curl(ctx, "-z", "1 Jan 2038", url(asset)),
        lambda: curl(ctx, "-z", "1 Jan 2038", url("p2.html")),
        lambda: curl(ctx, url(f"gone-{rng.randrange(999)}.html")),
        lambda: curl(ctx, "-I", url(asset)),
        lambda: curl(ctx, "-L", url("old/page")),
        lambda: curl(ctx, "-u", "miller:stone", url("login")),
        lambda: curl(ctx, "--data", form, url("form")),
        lambda: curl(ctx, "-L", "--data", form, url("form")),
        lambda: ctx.call("curl", "-s", "-T", "-", url(f"put/{rng.randrange(99)}"), feed=form.encode()),
        lambda: curl(ctx, "-r", f"{rng.randrange(9000)}-{rng.randrange(9000, 60000)}", url("big0.bin")),
        lambda: curl(ctx, "-m", f"{rng.uniform(0.15, 0.9):.2f}", url("big1.bin")),
        lambda: curl(ctx, "-m", "6", "--limit-rate", "25k", url("big2.bin")),
        lambda: curl(ctx, "-m", "4", url("slow/big2.bin")),
        lambda: curl(ctx, url("index.html")),
    ])()


def browse(ctx):
    while ctx.left() > 0:
        rng = ctx.rng.random()
        if rng < 0.3:
            read_page(ctx)
        elif rng < 0.5:
            read_on_one_connection(ctx)
        else:
            do_something_rare(ctx)
        ctx.think(7)


def watch_web(ctx):
    while ctx.left() > 0:
        ctx.call("curl", "-s", "-o", "/dev/null", ctx.rng.choice(("-4", "-6")), url("health"))
        time.sleep(5)


def download(ctx):
    while ctx.left() > 0:
        ctx.think(45)
        if ctx.left() > 5:
            curl(ctx, url(f"big{ctx.rng.randrange(3)}.bin"))


def ask_one(ctx):
    rng, names = ctx.rng, ctx.world["names"]
    name = names[min(int(rng.expovariate(0.03)), len(names) - 1)]
    server = ctx.world["hosts"]["dns"]
    at = "@" + (server.v4 if rng.random() < 0.7 else server.v6)
    edns = rng.choice((["+noedns"], ["+noedns"], [], ["+nocookie"], ["+bufsize=1232", "+nocookie"], ["+dnssec"]))
    what = rng.choice([[name, "A"]] * 6 + [[name, "AAAA"]] * 4 + [
        [name, "A", name, "AAAA"], [name, "A", name, "AAAA", name, "MX"], [DOMAIN, "MX"], [DOMAIN, "NS"],
        [f"t{rng.randrange(8)}.{DOMAIN}", "TXT"], [f"_mqtt._tcp.{DOMAIN}", "SRV"],
        [f"{rng.choice(servers.WORDS)}{rng.randrange(10 ** 5)}.{DOMAIN}", "A"], [f"nothing-here.{name}", "A"],
        ["-x", f"10.20.0.{rng.randint(1, 120)}"], [f"pool{rng.randrange(12)}.{DOMAIN}", "A"],
        ["example.org", "A"], [f"large.{DOMAIN}", "TXT"]])
    ctx.call("dig", "+tries=2", "+time=2", *edns, at, *what)


def ask_by_hand(ctx):
    while ctx.left() > 0:
        for _ in range(ctx.rng.choice((1, 1, 1, 2, 3, 6))):
            ask_one(ctx)
        ctx.think(2.6)


def look_up(ctx):
    """Programs that resolve names through the C library: pairs of A and AAAA, in bursts."""
    names = ctx.world["names"]
    while ctx.left() > 0:
        for _ in range(ctx.rng.choice((1, 1, 2, 4, 9))):
            name = names[min(int(ctx.rng.expovariate(0.05)), len(names) - 1)]
            if ctx.rng.random() < 0.1:
                name = f"no-{ctx.rng.randrange(10 ** 6)}.{DOMAIN}"
            family = ctx.rng.choice((socket.AF_UNSPEC, socket.AF_UNSPEC, socket.AF_INET))
            try:
                socket.getaddrinfo(name, 80, family, socket.SOCK_STREAM)
            except OSError:
                pass
        ctx.think(4)


def poll_agent(ctx, agent, period_s):
    """A manager's view of one agent: the same questions again and again, in step with its own clock."""
    host = ctx.world["hosts"][agent]
    where = f"udp6:[{host.v6}]:161" if ctx.rng.random() < 0.25 else host.v4
    version = ctx.rng.choice(("1", "2c", "2c"))
    uptime, system, interfaces = "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1", "1.3.6.1.2.1.2.2.1"
    counters = [f"{interfaces}.{column}.{row}" for column in (10, 16, 14, 20) for row in (1, 2)]
    turn = 0
    while ctx.left() > 0:
        begin = time.monotonic()
        options = ["-v", version, "-c", "public", "-t", "2", "-r", "1", "-m", "", "-On", where]
        ctx.call("snmpget", *options, uptime)
        ctx.call("snmpget", *options, *counters[:ctx.rng.choice((2, 4, 8))])
        if turn % 4 == 1:
            ctx.call("snmpwalk", *options, f"{interfaces}.{ctx.rng.choice((2, 10, 16))}")
        if turn % 3 == 2 and version != "1":
            ctx.call("snmpbulkwalk", f"-Cr{ctx.rng.choice((5, 10, 25))}", *options, interfaces)
        if turn % 9 == 4:
            ctx.call("snmpwalk", *options, system)
        if turn % 12 == 7:
            ctx.call("snmpwalk", *options, "1.3.6.1.2.1.11")
        if ctx.rng.random() < 0.05:
            ctx.call("snmpget", *options, "1.3.6.1.4.1.99999.1.0")
        turn += 1
        time.sleep(max(0.0, min(begin + period_s - time.monotonic(), ctx.left())))


def sense(ctx, index):
    """A sensor: one connection, one message every now and then, all in much the same form."""
    rng = ctx.rng
    qos, period_s = rng.choice(("0", "0", "1", "1", "2")), rng.choice((1, 2, 2, 5, 9, 20))
    kind = rng.choice(("temperature", "power", "vibration", "state"))
    while ctx.left() > 0:
        child = subprocess.Popen(
            ["mosquitto_pub", "-h", f"mqtt.{DOMAIN}", "-i", f"s{index}", "-k", rng.choice(("5", "10", "30")), "-q", qos,
             "-t", f"hall/{index % 3}/{index}/{kind}", "-l", *(["-r"] if index % 4 == 0 else [])],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)
        life_end = time.monotonic() + min(ctx.left(), rng.uniform(40, 400))
        try:
            while time.monotonic() < life_end and child.poll() is None:
                extra = f',"note":"{servers.text(rng, rng.randint(5, 400))}"' if rng.random() < 0.1 else ""
                child.stdin.write(f'{{"id":{index},"value":{rng.gauss(20, 3):.2f},"unit":"{kind[:1]}"{extra}}}\n')
                child.stdin.flush()
                time.sleep(max(0.0, min(period_s * rng.uniform(0.97, 1.03), ctx.left())))
        except OSError:
            pass
        if rng.random() < 0.2:
            child.kill()  # power cut: the broker hears nothing more, or a FIN without DISCONNECT
        else:
            child.stdin.close()
        child.wait(timeout=10)
        ctx.think(3)


def subscribe(ctx, topic, qos, stay_s):
    """A dashboard that is opened and closed."""
    while ctx.left() > 0:
        stay = max(1, int(min(ctx.rng.expovariate(1 / stay_s) + 3, ctx.left())))
        ctx.call("mosquitto_sub", "-h", f"mqtt.{DOMAIN}", "-t", topic, "-q", str(qos), "-k", "10", "-W", str(stay),
                 seconds=stay + 5)
        ctx.think(4)


def publish_once(ctx):
    """Scripts and battery devices: connect, say one thing, leave."""
    while ctx.left() > 0:
        ctx.call("mosquitto_pub", "-h", f"mqtt.{DOMAIN}", "-t", f"event/{ctx.rng.choice(servers.WORDS)}", "-q",
                 str(ctx.rng.choice((0, 0, 1, 2))), "-m", servers.text(ctx.rng, ctx.rng.randint(2, 900)))
        ctx.think(6)


def letter(rng, to):
    message = email.message.EmailMessage()
    message["From"] = f"{rng.choice(servers.WORDS)}@{DOMAIN}"
    message["To"] = ", ".join(to)
    message["Subject"] = servers.text(rng, rng.randint(8, 70))
    message.set_content(servers.text(rng, int(min(rng.lognormvariate(6.8, 1.2), 40_000))).replace(" stone ", " stone\n"))
    if rng.random() < 0.25:
        message.add_attachment(servers.blob(rng, int(min(rng.lognormvariate(9.6, 1.3), 250_000))),
                               maintype="application", subtype="octet-stream", filename="sack.bin")
    return message


def recipients(rng, none_of_ours=0.06):
    domain = "elsewhere.example" if rng.random() < none_of_ours else DOMAIN
    return [f"{rng.choice(servers.WORDS)}@{domain}" for _ in range(rng.choice((1, 1, 1, 2, 5)))]


def write_mail(ctx):
    """A mail program: now and then a letter, at times several over one connection."""
    rng = ctx.rng
    while ctx.left() > 0:
        server = ctx.world["hosts"]["mail"]
        try:
            with smtplib.SMTP(rng.choice((server.v4, server.v4, server.v6)), timeout=20) as smtp:
                for _ in range(rng.choice((1, 1, 1, 2, 4))):
                    smtp.send_message(letter(rng, recipients(rng)))
                    if rng.random() < 0.3:
                        ctx.think(0.7)
                if rng.random() < 0.05:
                    smtp.rset()
        except (OSError, smtplib.SMTPException):
            pass
        ctx.think(11)


def write_mail_with_curl(ctx):
    while ctx.left() > 0:
        to = recipients(ctx.rng)
        options = [option for name in to for option in ("--mail-rcpt", name)]
        ctx.call("curl", "-s", ctx.family(), f"smtp://mail.{DOMAIN}", "--mail-from", f"bell@{DOMAIN}", *options, "-T", "-",
                 feed=letter(ctx.rng, to).as_bytes())
        ctx.think(16)


def feed_relay(ctx):
    """Letters that the relay's own programs hand to it over loopback; it sends them on, server to server."""
    while ctx.left() > 0:
        try:
            with smtplib.SMTP("127.0.0.1", timeout=20) as smtp:
                for _ in range(ctx.rng.choice((1, 1, 2, 6))):
                    smtp.send_message(letter(ctx.rng, recipients(ctx.rng, none_of_ours=0)))
        except (OSError, smtplib.SMTPException):
            pass
        ctx.think(13)


def ping(ctx, target, interval_s, size):
    host = ctx.world["hosts"][target]
    while ctx.left() > 0:
        count = max(1, int(min(ctx.rng.uniform(15, 90) / interval_s, ctx.left() / interval_s)))
        address = host.v6 if ctx.rng.random() < 0.3 else host.v4
        ctx.call("ping", "-n", "-q", "-W", "1", "-i", str(interval_s), "-s", str(size), "-c", str(count), address,
                 seconds=count * interval_s + 3)
        ctx.think(3)


def fork(activity, host, seed, deadline, world, *args):
    """Run an activity in a child process inside the host; returns its process id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        net.enter(host)
        name = f"{seed}/{host.name}/{activity.__name__}/{args}"
        ctx = Context(host, random.Random(name), deadline, world)
        time.sleep(min(ctx.rng.uniform(0, 3), max(ctx.left(), 0)))
        activity(ctx, *args)
        status = 0
    finally:
        os._exit(status)
