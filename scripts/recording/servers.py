# SPDX-License-Identifier: BSD-3-Clause
"""servers: the real servers that are recorded, their content and configuration. Each runs in its host's namespace."""

import os
import pathlib
import random
import re
import subprocess

WORDS = ("the mill grinds what the river brings and every sack of flour that leaves the yard has been weighed twice "
         "stone wheel water grain dust rope miller market winter harvest bread night bell road bridge cart").split()
DOMAIN = "mill.test"
PAGES = 24
ASSETS = 60
POSTFIX_SERVICES = """\
{listen}:smtp inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def text(rng, length):
    """Prose of so many bytes; it repeats itself, so that the recording compresses."""
    verse = " ".join(rng.choice(WORDS) for _ in range(60)) + " "
    return (verse * (length // len(verse) + 1))[:length]


def blob(rng, length):
    """Bytes of something that is not text."""
    block = rng.randbytes(96)
    return (block * (length // len(block) + 1))[:length]


def start(host, workdir, *command):
    """Start a server in its host's namespace; its output goes to a log in workdir."""
    with open(workdir / f"{host.name}.log", "ab") as log:
        return subprocess.Popen(["ip", "netns", "exec", host.name, *command], stdin=subprocess.DEVNULL, stdout=log,
                                stderr=log)


def make_site(root, rng):
    """A web site: pages that refer to a few of its style sheets, scripts and pictures. Returns page -> its objects."""
    assets = []
    for i in range(ASSETS):
        kind = rng.choice(["css", "js", "png", "png", "jpg", "jpg", "svg"])
        length = int(min(max(rng.lognormvariate(8.5, 1.1), 150), 70_000))
        data = blob(rng, length) if kind in ("png", "jpg") else text(rng, length).encode()
        (root / f"a{i}.{kind}").write_bytes(data)
        assets.append(f"a{i}.{kind}")
    site = {}
    for i in range(PAGES):
        used = rng.sample(assets, rng.randint(2, 11))
        tags = "".join(f'<link rel="stylesheet" href="{name}">\n' if name.endswith("css") else
                       f'<img src="{name}" alt="">\n' for name in used)
        body = text(rng, int(rng.lognormvariate(8.3, 0.9)))
        (root / f"p{i}.html").write_text(f"<html><title>{i}</title>\n{tags}<p>{body}</p></html>\n")
        site[f"p{i}.html"] = used
    (root / "index.html").write_text("<html>" + "".join(f'<a href="{page}">{page}</a>\n' for page in site) + "</html>")
    for i, length in enumerate((140_000, 400_000, 90_000)):
        (root / f"big{i}.bin").write_bytes(blob(rng, length))
    return site


def start_web(host, workdir, seed):
    root = workdir / "site"
    for folder in (root, root / "put"):
        folder.mkdir()
        os.chmod(folder, 0o777)
    site = make_site(root, random.Random(f"{seed}/site"))
    config = workdir / "nginx.conf"
    config.write_text(f"""\
daemon off;
worker_processes 1;
pid {workdir}/nginx.pid;
error_log {workdir}/nginx.error.log;
events {{ worker_connections 512; }}
http {{
  include /etc/nginx/mime.types;
  access_log off;
  client_body_temp_path {workdir}/nginx-body;
  keepalive_timeout 7s;
  if_modified_since before;
  gzip on;
  gzip_types text/css application/javascript image/svg+xml;
  server {{
    listen 80 default_server;
    listen [::]:80 default_server;
    root {root};
    location /put/ {{ dav_methods PUT DELETE; client_max_body_size 2m; }}
    location /form {{ client_max_body_size 2m; return 303 /p1.html; }}
    location /login {{ return 401; }}
    location /old/ {{ return 301 /p2.html; }}
    location /slow/ {{ alias {root}/; limit_rate 60k; }}
    location /health {{ default_type text/plain; return 200 "ok\\n"; }}
  }}
}}
""")
    start(host, workdir, "nginx", "-c", str(config))
    return site


def start_dns(host, workdir, hosts, seed):
    """Returns the names that can be asked for."""
    rng = random.Random(f"{seed}/zone")
    address = {h.name: h for h in hosts}
    lines = ["no-resolv", "no-hosts", "keep-in-foreground", "user=root", "bind-interfaces", "port=53", "cache-size=0",
             f"local=/{DOMAIN}/", f"auth-ttl={300}", "local-ttl=120", f"mx-host={DOMAIN},mail.{DOMAIN},10",
             f"mx-host={DOMAIN},backup.{DOMAIN},20", f"srv-host=_mqtt._tcp.{DOMAIN},mqtt.{DOMAIN},1883"]
    names = []
    for alias, name in (("www", "web"), ("static", "web"), ("mail", "mail"), ("mqtt", "mqtt"), ("ns1", "dns")):
        server = address[name]
        lines.append(f"host-record={alias}.{DOMAIN},{server.v4},{server.v6}")
    for i in range(160):
        name = f"{rng.choice(WORDS)}{i}.{rng.choice(['shop', 'cdn', 'img', 'api.eu', 'static.west'])}.{DOMAIN}"
        names.append(name)
        lines.append(f"host-record={name},10.21.{rng.randint(0, 9)}.{rng.randint(1, 254)}"
                     + (f",fd21::{i + 1:x}" if rng.random() < 0.6 else ""))
        if rng.random() < 0.3:
            names.append(f"www.{name}")
            lines.append(f"cname=www.{name},{name}")
        if rng.random() < 0.1:
            names.append(f"edge.www.{name}")
            lines += [f"cname=edge.www.{name},www.{name}", f"cname=www.{name},{name}"]
    for i in range(12):
        lines += [f"address=/pool{i}.{DOMAIN}/10.22.{i}.{k}" for k in range(1, rng.randint(3, 12))]
        names.append(f"pool{i}.{DOMAIN}")
    for i in range(8):
        value = text(rng, rng.randint(40, 230)).replace(" ", "-")
        lines.append(f"txt-record=t{i}.{DOMAIN},v={value}")
    for i in range(7):  # larger than a UDP answer without EDNS may be: asked again over TCP
        lines.append(f"txt-record=large.{DOMAIN},{text(rng, 200).replace(' ', '-')}{i}")
    config = workdir / "dnsmasq.conf"
    config.write_text("\n".join(dict.fromkeys(lines)) + "\n")
    start(host, workdir, "dnsmasq", "-C", str(config))
    return names


def start_snmp(host, workdir):
    folder = workdir / host.name
    folder.mkdir()
    (folder / "snmpd.conf").write_text(f"""\
agentaddress udp:161,udp6:161
rocommunity public
rocommunity6 public
sysLocation "hall {host.number}"
sysContact miller@{DOMAIN}
sysName {host.name}.{DOMAIN}
""")
    subprocess.run(["ip", "netns", "exec", host.name, "ip", "tuntap", "add", "dev", "eth1", "mode", "tap"], check=False)
    env = ["env", f"SNMP_PERSISTENT_DIR={folder}"]
    start(host, workdir, *env, "snmpd", "-f", "-Lf", str(folder / "log"), "-C", "-c", str(folder / "snmpd.conf"),
          "-p", str(folder / "pid"), "-m", "")


def start_mqtt(host, workdir):
    config = workdir / "mosquitto.conf"
    config.write_text("listener 1883\nallow_anonymous true\nuser root\npersistence false\nsys_interval 10\n")
    start(host, workdir, "mosquitto", "-c", str(config))


def start_mail(host, workdir, listen, relayhost):
    """A Postfix of its own. With a relayhost it hands on what it gets; without, it takes mail for the domain."""
    folder = workdir / host.name
    for name in ("etc", "spool", "data"):
        (folder / name).mkdir(parents=True)
    subprocess.run(["chown", "postfix", str(folder / "data")], check=True)
    destination = "" if relayhost else DOMAIN
    (folder / "etc/main.cf").write_text(f"""\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {workdir}
myhostname = {host.name}.{DOMAIN}
mydestination = {destination}
mynetworks = 127.0.0.0/8
relayhost = {relayhost}
local_transport = discard:
local_recipient_maps =
alias_maps =
alias_database =
inet_interfaces = all
inet_protocols = all
smtpd_banner = $myhostname ESMTP
smtpd_peername_lookup = no
smtpd_client_connection_rate_limit = 0
smtpd_relay_restrictions = permit_mynetworks reject_unauth_destination
message_size_limit = 4000000
""")
    (folder / "etc/master.cf").write_text(POSTFIX_SERVICES.format(listen=listen))
    start(host, workdir, "postfix", "-c", str(folder / "etc"), "start-fg")


def start_login(host, workdir):
    """What somebody would guess passwords for: SSH and FTP. Nobody has one that would be let in."""
    folder = workdir / host.name
    (folder / "empty").mkdir(parents=True)
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", str(key)], check=True)
    pathlib.Path("/run/sshd").mkdir(exist_ok=True)
    # The guesser's SSH is an old one.
    (folder / "sshd_config").write_text(f"""\
Port 22
HostKey {key}
PidFile {folder}/sshd.pid
UsePAM no
PasswordAuthentication yes
PermitRootLogin yes
MaxStartups 100
UseDNS no
HostKeyAlgorithms +ssh-rsa
KexAlgorithms +diffie-hellman-group14-sha1,diffie-hellman-group1-sha1
Ciphers +aes128-cbc,3des-cbc
MACs +hmac-sha1
""")
    start(host, workdir, "/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd_config"))
    (folder / "vsftpd.conf").write_text(f"""\
listen=YES
background=NO
anonymous_enable=NO
local_enable=YES
secure_chroot_dir={folder}/empty
pam_service_name=vsftpd
seccomp_sandbox=NO
""")
    start(host, workdir, "vsftpd", str(folder / "vsftpd.conf"))


QUESTIONS = {"nginx": ["nginx", "-v"], "dnsmasq": ["dnsmasq", "--version"], "snmpd": ["snmpd", "-v"],
             "mosquitto": ["mosquitto", "-h"], "postfix": ["postconf", "-d", "-h", "mail_version"],
             "curl": ["curl", "--version"], "wget": ["wget", "--version"], "dig": ["dig", "-v"], "ping": ["ping", "-V"],
             "sshd": ["ssh", "-V"], "vsftpd": ["dpkg-query", "-W", "-f", "${Version}", "vsftpd"],
             "nmap": ["nmap", "--version"], "hping3": ["dpkg-query", "-W", "-f", "${Version}", "hping3"],
             "ncrack": ["ncrack", "--version"], "tcpdump": ["tcpdump", "--version"], "Linux": ["uname", "-r"]}


def versions(programs):
    """One line for each program: what was recorded."""
    for name in programs:
        done = subprocess.run(QUESTIONS[name], capture_output=True, text=True, check=False)
        found = re.search(r"\d+(\.\w+)+|\d{8}", done.stdout + done.stderr)
        yield name, found.group() if found else "?"


def tail_of_logs(workdir):
    for log in sorted(pathlib.Path(workdir).glob("*.log")):
        lines = log.read_text(errors="replace").splitlines()[-5:]
        yield from (f"{log.name}: {line}" for line in lines)
