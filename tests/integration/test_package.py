#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The Debian package can be built, installed, used and removed; its programs are hardened.

usage: test_package.py SCRIPTS_PACKAGE

It is installed into a copy of this machine that lasts as long as a mount namespace does; nothing of it is left.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import claims

PACKAGE = pathlib.Path(sys.argv[1]).resolve()
FOLDER = tempfile.TemporaryDirectory()
LIMIT_S = 600
PROGRAMS = ["usr/bin/wiremill", "usr/bin/wiremillctl", "usr/bin/wiremill-train", "usr/bin/wiremill-compare"]

# A writable layer over the machine's own root; what stands in "$1" runs inside.
INSIDE = """
set -e
mount -t tmpfs none "$2"
mkdir "$2/up" "$2/work" "$2/root" "$2/deb"
cp "$3" "$2/deb/package.deb"
mount -t overlay overlay -o "lowerdir=/,upperdir=$2/up,workdir=$2/work" "$2/root"
mount --bind "$2/deb" "$2/root/mnt"
mount -t proc none "$2/root/proc"
mount --bind /dev "$2/root/dev"
cd "$2/root"
exec chroot . /bin/sh -ec "$1"
"""


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=LIMIT_S, **more)
    assert done.returncode == 0, (command, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def need(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            raise claims.Skip(f"there is no {tool}")


def package(built=[]):  # built once
    need("dpkg-deb", "dpkg-shlibdeps", "meson")
    if not built:
        said = run(PACKAGE, FOLDER.name, stdin=subprocess.DEVNULL)
        built.append(pathlib.Path(said.splitlines()[-1]))
    return built[0]


def it_is_installed_used_and_removed():
    if os.geteuid() != 0:
        raise claims.Skip("it needs root")
    need("unshare", "chroot", "dpkg")
    deb, upper = package(), tempfile.mkdtemp(dir=FOLDER.name)
    if subprocess.run(["unshare", "--mount", "sh", "-ec", INSIDE, "sh", "true", upper, str(deb)], check=False,
                      capture_output=True).returncode:
        raise claims.Skip("this kernel cannot lay one folder over another here")
    said = run("unshare", "--mount", "sh", "-ec", INSIDE, "sh", """
        dpkg -i /mnt/package.deb >/dev/null
        wiremill --version
        wiremill -m /usr/share/wiremill/models/http.safetensors -o /tmp/milled.pcap -n 5000 -s 3 2>/dev/null
        wiremillctl --version >/dev/null
        stat -c "state %U %a" /var/lib/wiremill
        wiremill -m /usr/share/wiremill/models/http.safetensors -o /dev/null -n 100 --user wiremill 2>/dev/null
        wiremill-train --inspect /usr/share/wiremill/models/http.safetensors >/dev/null
        stat -c "pcap %s" /tmp/milled.pcap
        dpkg -L wiremill | while read -r name; do [ -d "$name" ] || echo "file $name"; done
        dpkg --verify wiremill
        dpkg --purge wiremill >/dev/null
        for name in /usr/bin/wiremill /usr/bin/wiremillctl /var/lib/wiremill /usr/share/wiremill /usr/share/doc/wiremill /etc/wiremill \\
            /usr/lib/systemd/system/wiremill@.service; do [ ! -e "$name" ] || echo "left $name"; done
        """, upper, deb)
    lines = said.splitlines()
    assert re.fullmatch(r"wiremill \d+\.\d+\.\d+", lines[0]), lines[0]
    assert lines[1] == "state wiremill 750", lines[1]
    assert int(lines[2].split()[1]) > 24 + 5000 * (16 + 54), lines[2]
    files = {line.split()[1] for line in lines if line.startswith("file ")}
    for name in ("/usr/bin/wiremill", "/usr/bin/wiremillctl", "/usr/bin/wiremill-train", "/usr/share/man/man1/wiremillctl.1.gz", "/usr/share/man/man1/wiremill.1.gz",
                 "/usr/lib/systemd/system/wiremill@.service", "/usr/share/doc/wiremill/copyright"):
        assert name in files, (name, files)
    assert not [line for line in lines if line.startswith("left ")], said


# The same with a systemd of its own, as process 1 of namespaces that nothing gets out of: it begins with what stands in
# "$1" beside the service, and there is nothing else. What systemd says goes to a file, as the kernel's log.
BOOTED = """
set -e
mount -t tmpfs none "$2"
mkdir "$2/up" "$2/work" "$2/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$2/up,workdir=$2/work" "$2/root"
cd "$2/root"
mount --bind "$3" mnt
mount -t tmpfs tmpfs dev
for name in null zero full random urandom kmsg console; do touch "dev/$name"; done
for name in null zero full random urandom; do mount --bind "/dev/$name" "dev/$name"; done
for name in kmsg console; do mount --bind "$3/said" "dev/$name"; done
ln -s /proc/self/fd dev/fd
mkdir dev/shm
mount -t proc proc proc
mount -t tmpfs tmpfs run
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
mkdir sys/fs/cgroup/unified sys/fs/cgroup/systemd
mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
mount -t cgroup -o none,name=systemd,xattr cgroup sys/fs/cgroup/systemd
chroot . dpkg -i /mnt/package.deb >/dev/null
cp mnt/bench.conf etc/wiremill/bench.conf
printf '[Unit]\nDefaultDependencies=no\nWants=wiremill@bench.service operator.service\n' >etc/systemd/system/test.target
printf '[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/bin/sh -c "exec sh /mnt/operator >/mnt/seen 2>&1"\n' \\
    >etc/systemd/system/operator.service
mkdir etc/systemd/system/wiremill@.service.d
printf '[Unit]\nDefaultDependencies=no\n' >etc/systemd/system/wiremill@.service.d/alone.conf
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --system --unit=test.target --log-target=kmsg
"""
# In control groups of its own, which are the root of what it sees of them.
APART = """
name=$1
shift
for tree in systemd unified; do
    mkdir "/sys/fs/cgroup/$tree/$name"
    echo $$ >"/sys/fs/cgroup/$tree/$name/cgroup.procs"
done
exec "$@"
"""
OPERATOR = """
socket=/run/wiremill/bench/control
for i in $(seq 300); do [ -S $socket ] && wiremillctl -s $socket status >/dev/null 2>&1 && break; sleep 0.1; done
systemctl is-active wiremill@bench
stat -c "%U %a" $socket
ps -o user= -C wiremill
wiremillctl -s $socket rate 3kpps >/dev/null && sleep 2
wiremillctl -s $socket status >/dev/null && echo answers
systemctl stop wiremill@bench
systemctl show -p Result -p ExecMainStatus wiremill@bench
stat -c "%U %a" /var/lib/wiremill/labels.csv
wc -l </var/lib/wiremill/labels.csv
ls /run/wiremill/bench /var/lib/wiremill/*.open 2>/dev/null
echo over
"""


def the_service_runs_under_systemd_and_stops_with_files_complete():
    if os.geteuid() != 0:
        raise claims.Skip("it needs root")
    need("unshare", "chroot", "dpkg", "systemctl")
    deb, given, upper = package(), pathlib.Path(tempfile.mkdtemp(dir=FOLDER.name)), tempfile.mkdtemp(dir=FOLDER.name)
    shutil.copy(deb, given / "package.deb")
    (given / "said").touch()
    (given / "operator").write_text(OPERATOR, encoding="utf-8")
    (given / "bench.conf").write_text(
        'eal = "--no-huge -m 256 --no-pci --no-telemetry -l 0 --vdev net_null0";\n'
        'model = "/usr/share/wiremill/models/dns.safetensors";\nrate = "1kpps";\nlabels = "labels.csv";\n', encoding="utf-8")
    group = f"wiremill-test-{os.getpid()}"
    with subprocess.Popen(["sh", "-ec", APART, "sh", group, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--cgroup",
                           "--uts", "--ipc", "--net", "sh", "-ec", BOOTED, "sh", "", upper, str(given)], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as booted:
        seen = []
        try:
            for _ in range(900):
                time.sleep(0.1)
                seen = (given / "seen").read_text(encoding="utf-8").splitlines() if (given / "seen").exists() else []
                if booted.poll() is not None or seen[-1:] == ["over"]:
                    break
        finally:
            booted.kill()
        wrong = booted.stderr.read()
    time.sleep(0.5)  # until the kernel has ended all that was in there
    for tree in ("systemd", "unified"):
        subprocess.run(["find", f"/sys/fs/cgroup/{tree}/{group}", "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"], check=False,
                       capture_output=True)
    said = (given / "said").read_text(encoding="utf-8", errors="replace")
    if not seen and "Reached target" not in said:
        raise claims.Skip(f"no systemd can be process 1 of namespaces here: {wrong[-200:]}{said[-200:]}")
    assert seen[:3] == ["active", "wiremill 600", "wiremill"], (seen, said)
    assert seen[3:7] == ["answers", "Result=success", "ExecMainStatus=0", "wiremill 640"], (seen, said)
    assert int(seen[7]) > 100 and seen[8:] == ["over"], seen  # nothing is left of the run beside its files


def the_service_is_one_that_systemd_understands():
    need("systemd-analyze")
    root = pathlib.Path(FOLDER.name, "unpacked")
    run("dpkg-deb", "-x", package(), root)
    unit = root / "usr/lib/systemd/system/wiremill@x.service"  # the template's name with another instance
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], check=False, capture_output=True, text=True,
                          timeout=60)
    said = [line for line in done.stderr.splitlines() if "/usr/bin/wiremill is not executable" not in line]
    assert not said, said
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=50",
                           unit.with_name("wiremill@.service")], check=False, capture_output=True, text=True, timeout=60)
    if "offline" not in done.stderr:  # an older systemd does not know that
        assert done.returncode == 0, done.stdout[-200:]


def programs_are_hardened():
    need("readelf", "dpkg-deb")
    root = pathlib.Path(FOLDER.name, "looked-at")
    run("dpkg-deb", "-x", package(), root)
    for name in PROGRAMS:
        program = root / name
        head, dynamic, symbols = (run("readelf", "-W", option, program) for option in ("-hl", "-d", "--dyn-syms"))
        assert re.search(r"Type:\s+DYN", head), f"{name} is not position-independent"
        assert "GNU_RELRO" in head, f"{name} has no RELRO"
        assert re.search(r"FLAGS.*(BIND_NOW|NOW)", dynamic), f"{name} binds late"
        assert re.search(r"GNU_STACK.*RW ", head), f"{name} has an executable stack"
        assert "__stack_chk_fail" in symbols, f"{name} has no stack protector"
        assert re.search(r"__\w+_chk@", symbols), f"{name} is not fortified"


claims.run("package", [
    it_is_installed_used_and_removed,
    the_service_is_one_that_systemd_understands,
    the_service_runs_under_systemd_and_stops_with_files_complete,
    programs_are_hardened,
])
