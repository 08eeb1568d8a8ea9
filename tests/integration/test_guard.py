#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""wiremill does not send where this machine's default route goes, and is root no longer than it has to be.

usage: test_guard.py WIREMILL MODEL
"""

import contextlib
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import time

import claims
import running
from running import Run, ask, eal

WIREMILL, MODEL = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
FOLDER = tempfile.TemporaryDirectory()
SPACE = f"{running.PREFIX}guard"
USER = "nobody"


def place(name):
    return str(pathlib.Path(FOLDER.name, name))


def in_space(function):
    """With a network namespace that has eth0 - eth1 and eth2 - eth3, or not at all."""
    def test():
        if os.geteuid() != 0 or shutil.which("ip") is None:
            raise claims.Skip("it needs root and ip")
        if subprocess.run(["ip", "netns", "add", SPACE], check=False, capture_output=True).returncode:
            raise claims.Skip("no network namespaces here")
        try:
            for i in (0, 2):
                ip("link", "add", f"eth{i}", "type", "veth", "peer", f"eth{i + 1}")
            for i in range(4):
                ip("link", "set", f"eth{i}", "up")
            function()
        finally:
            subprocess.run(["ip", "netns", "del", SPACE], check=False)
    test.__name__ = function.__name__
    return test


def ip(*words, may_fail=False):
    done = subprocess.run(["ip", "-n", SPACE, *words], check=False, capture_output=True, encoding="utf-8")
    assert may_fail or done.returncode == 0, (words, done.stderr)
    return done.returncode == 0


def sent(vdev, *words, more=()):
    """What became of a short run on this device: (status, standard error)."""
    with Run(WIREMILL, FOLDER.name, *eal("--vdev", vdev, *more), "-m", MODEL, "-n", "50", "-r", "10kpps", *words,
             prefix=("ip", "netns", "exec", SPACE)) as run:
        return run.end(), run.said()


def is_sent(vdev, *words):
    status, said = sent(vdev, *words)
    assert status == 0 and "50 packets sent" in said, said


def is_refused(vdev, via, *more):
    status, said = sent(vdev, more=more)
    assert status == 2, said
    last = said.splitlines()[-1]
    assert last.startswith("wiremill: port ") and f"by {via} goes this machine's default route" in last, said
    assert "--i-own-this-network" in last and "packets sent" not in said, said
    if not more:
        is_sent(vdev, "--i-own-this-network")


@in_space
def ports_that_carry_the_default_route_are_refused():
    af_packet = "net_af_packet0,iface=eth0"
    ip("addr", "add", "192.0.2.1/24", "dev", "eth0")
    is_sent(af_packet)  # a route to its own network is none to everywhere
    for route in (["default", "via", "192.0.2.2"], ["128.0.0.0/1", "via", "192.0.2.2"], ["default", "dev", "eth0", "metric", "900"],
                  ["default", "via", "192.0.2.2", "table", "77"], ["64.0.0.0/2", "via", "192.0.2.2"],
                  ["default", "nexthop", "via", "192.0.2.2", "nexthop", "via", "192.0.2.3"]):
        ip("route", "add", *route)
        is_refused(af_packet, "it")
        is_sent("net_af_packet0,iface=eth2")
        ip("route", "del", *route)
    is_refused_by_pcap()
    if ip("-6", "addr", "add", "2001:db8::1/64", "dev", "eth0", "nodad", may_fail=True):
        for route in ("2000::/3", "default"):
            ip("-6", "route", "add", route, "via", "2001:db8::2")
            is_refused(af_packet, "it")
            ip("-6", "route", "del", route)


@in_space
def a_default_route_whose_interface_is_not_told_is_refused():
    compatible = ["ip", "netns", "exec", SPACE, "sh", "-c", "echo 0 > /proc/sys/net/ipv4/nexthop_compat_mode"]
    ip("addr", "add", "192.0.2.1/24", "dev", "eth0")
    if not ip("nexthop", "add", "id", "5", "via", "192.0.2.2", "dev", "eth0", may_fail=True):
        raise claims.Skip("there are no next hops of their own here")
    ip("route", "add", "default", "nhid", "5")
    is_refused("net_af_packet0,iface=eth0", "it")
    if subprocess.run(compatible, check=False, capture_output=True).returncode == 0:
        status, said = sent("net_af_packet0,iface=eth0")
        assert status == 2 and "does not say where the default route goes" in said, said
        is_sent("net_af_packet0,iface=eth0", "--i-own-this-network")


@in_space
def what_a_bond_or_a_failsafe_port_drives_is_looked_at():
    ip("addr", "add", "192.0.2.1/24", "dev", "eth0")
    ip("route", "add", "default", "via", "192.0.2.2")
    is_refused("net_af_packet0,iface=eth0", "it", "--vdev", "net_bonding0,mode=1,slave=net_af_packet0")
    status, said = sent("net_failsafe0,dev(net_af_packet0,iface=eth0)")
    assert status == 2 and "takes devices in while it runs" in said and "packets sent" not in said, said


def is_refused_by_pcap():
    ip("route", "add", "default", "via", "192.0.2.2")
    for vdev in ("net_pcap0,iface=eth0", "net_pcap0,rx_iface=eth2,tx_iface=eth0"):
        is_refused(vdev, "it")
    is_sent("net_pcap0,iface=eth2")
    ip("route", "del", "default")


@in_space
def a_tap_that_carries_the_default_route_is_refused():
    if not ip("tuntap", "add", "dev", "tap7", "mode", "tap", "multi_queue", may_fail=True):
        raise claims.Skip("there are no taps here")
    is_sent("net_tap0,iface=tap7")
    ip("addr", "add", "192.0.2.1/24", "dev", "tap7")  # now: the device leaves an interface without its addresses behind
    ip("link", "set", "tap7", "up")
    ip("route", "add", "default", "via", "192.0.2.2", "dev", "tap7")
    is_refused("net_tap0,iface=tap7", "it")


@in_space
def members_of_a_bridge_and_what_is_below_a_vlan_are_refused():
    if not ip("link", "add", "br0", "type", "bridge", may_fail=True):
        raise claims.Skip("there are no bridges here")
    ip("link", "set", "eth0", "master", "br0")
    ip("link", "set", "br0", "up")
    ip("addr", "add", "192.0.2.1/24", "dev", "br0")
    is_sent("net_af_packet0,iface=eth0")
    ip("route", "add", "default", "via", "192.0.2.2")
    is_refused("net_af_packet0,iface=eth0", "br0")
    is_refused("net_af_packet0,iface=br0", "it")
    is_sent("net_af_packet0,iface=eth2")
    ip("link", "add", "veth0", "type", "veth", "peer", "veth1")
    for name in ("veth0", "veth1"):
        ip("link", "set", name, "up")
    is_sent("net_af_packet0,iface=veth0")
    ip("link", "set", "veth1", "master", "br0")
    is_refused("net_af_packet0,iface=veth0", "br0")
    ip("link", "del", "br0")
    if ip("link", "add", "link", "eth2", "name", "lan7", "type", "vlan", "id", "7", may_fail=True):
        ip("link", "set", "lan7", "up")
        ip("addr", "add", "198.51.100.1/24", "dev", "lan7")
        ip("route", "add", "default", "via", "198.51.100.2")
        is_refused("net_af_packet0,iface=eth2", "lan7")
        is_sent("net_af_packet0,iface=eth0")
        ip("link", "add", "link", "eth2", "name", "lan8", "type", "vlan", "id", "8")
        ip("link", "set", "lan8", "up")
        is_sent("net_af_packet0,iface=lan8")  # VLANs are apart
        ip("route", "del", "default")
        ip("addr", "add", "192.0.2.1/24", "dev", "eth2")
        ip("route", "add", "default", "via", "192.0.2.2")
        is_refused("net_af_packet0,iface=lan8", "eth2")


@in_space
def what_sits_on_an_interface_with_a_default_route_is_refused():
    ip("addr", "add", "192.0.2.1/24", "dev", "eth0")
    ip("route", "add", "default", "via", "192.0.2.2")
    if not ip("link", "add", "link", "eth0", "name", "mac0", "type", "macvlan", may_fail=True):
        raise claims.Skip("there are no macvlans here")
    ip("link", "add", "link", "eth2", "name", "mac2", "type", "macvlan")
    for name in ("mac0", "mac2"):
        ip("link", "set", name, "up")
    is_refused("net_af_packet0,iface=mac0", "eth0")
    is_sent("net_af_packet0,iface=mac2")
    ip("route", "del", "default")
    ip("addr", "add", "198.51.100.1/24", "dev", "mac2")
    ip("route", "add", "default", "via", "198.51.100.2")
    is_refused("net_af_packet0,iface=eth2", "mac2")


def ends_for(via, path, begun_s, run):
    """The run ends within seconds, with the same sentence as if the route had been there at the start."""
    assert run.end() == 1, run.said()
    last = run.said().splitlines()[-1]
    assert last.startswith("wiremill: port net_af_packet0 is on interface eth0, ") and f"by {via} goes this machine's default route" in last, last
    numbers = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    assert numbers["packets"] > 0 and numbers["wall_s"] - begun_s < 3, run.said()


@in_space
def a_default_route_that_comes_during_a_run_ends_it():
    ip("addr", "add", "192.0.2.1/24", "dev", "eth0")
    ip("addr", "add", "198.51.100.1/24", "dev", "eth2")
    has_bridges = ip("link", "add", "br0", "type", "bridge", may_fail=True)
    if has_bridges:
        ip("link", "set", "br0", "up")
        ip("addr", "add", "203.0.113.1/24", "dev", "br0")
    ways = [("it", [["route", "add", "default", "via", "192.0.2.2"]], [["route", "del", "default"]]),
            ("it", [["route", "add", "0.0.0.0/1", "via", "192.0.2.2", "table", "9"]], [["route", "del", "0.0.0.0/1", "table", "9"]])]
    if ip("-6", "addr", "add", "2001:db8::1/64", "dev", "eth0", "nodad", may_fail=True):
        ways.append(("it", [["-6", "route", "add", "default", "via", "2001:db8::2"]], [["-6", "route", "del", "default"]]))
    if has_bridges:  # the route is there, and the port is joined to it
        ways.append(("br0", [["route", "add", "default", "via", "203.0.113.2"], ["link", "set", "eth0", "master", "br0"]],
                     [["route", "del", "default"], ["link", "set", "eth0", "nomaster"]]))
    control, numbers = place("control"), place("numbers.json")
    for via, come, go in ways:
        for words in ((), ("--i-own-this-network",)):
            with Run(WIREMILL, FOLDER.name, *eal("--vdev", "net_af_packet0,iface=eth0"), "-m", MODEL, "-r", "5kpps", "--control", control,
                     "--stats-json", numbers, *words, prefix=("ip", "netns", "exec", SPACE)) as run:
                run.began(control)
                ip("route", "add", "10.9.0.0/16", "via", "192.0.2.2")  # one to somewhere is none to everywhere
                ip("route", "add", "default", "via", "198.51.100.2", "metric", "500")  # and another port's is not its own
                time.sleep(0.3)
                packets = ask(control, "status")["status"]["packets"]
                running.wait_for(lambda: ask(control, "status")["status"]["packets"] > packets)
                begun_s = ask(control, "status")["status"]["wall_s"]
                for line in come:
                    ip(*line)
                if not words:
                    ends_for(via, numbers, begun_s, run)
                else:
                    time.sleep(0.3)
                    ask(control, "stop")
                    assert run.end() == 0, run.said()
            for line in (["route", "del", "10.9.0.0/16"], ["route", "del", "default", "metric", "500"], *go):
                ip(*line)


@in_space
def functions_of_a_card_that_carries_the_default_route_are_refused():
    """sysfs as a card with virtual functions has it, in a place of its own; one of the functions is the port's."""
    bus = next(iter(pathlib.Path("/sys/bus").glob("*/devices")), None)
    if bus is None:
        raise claims.Skip("there are no buses here")

    def ends(folder):
        card = f"mount -t tmpfs none {bus} && mkdir -p {bus}/{folder}/net/eth0 && exec \"$@\""
        with Run(WIREMILL, FOLDER.name, *eal("--vdev", "net_null0"), "-m", MODEL, "-n", "50",
                 prefix=("ip", "netns", "exec", SPACE, "unshare", "-m", "sh", "-c", card, "sh")) as run:
            return run.end(), run.said()

    ip("addr", "add", "192.0.2.1/24", "dev", "eth0")
    for folder, related in (("net_null0/physfn", True), ("net_null0/physfn/virtfn3", True), ("net_null0/virtfn0", True),
                            ("net_null1/physfn", False), ("net_null0", False)):
        status, said = ends(folder)
        if "mount" in said:
            raise claims.Skip("nothing can be mounted here")
        assert status == 0, said
        ip("route", "add", "default", "via", "192.0.2.2")
        status, said = ends(folder)
        ip("route", "del", "default")
        if related:
            assert status == 2 and said.splitlines()[-1].startswith(
                "wiremill: port net_null0 is on the network card of interface eth0, and by it goes this machine's default route"), said
        else:
            assert status == 0, said


def privileges(process):
    """Of each thread: (user ids, effective and permitted capabilities)."""
    threads = []
    for task in pathlib.Path(f"/proc/{process}/task").iterdir():
        fields = dict(line.split(":", 1) for line in (task / "status").read_text(encoding="ascii").splitlines())
        threads.append((fields["Uid"].split(), int(fields["CapEff"], 16), int(fields["CapPrm"], 16), fields["Groups"].split()))
    return threads


@in_space
def root_is_given_up_by_all_threads_before_anything_is_sent():
    folder = place("open")
    os.makedirs(folder, exist_ok=True)
    pathlib.Path(FOLDER.name).chmod(0o755)
    os.chmod(folder, 0o777)
    uid = pwd.getpwnam(USER).pw_uid
    with Run(WIREMILL, FOLDER.name, *eal("--vdev", "net_af_packet0,iface=eth0", lcores=3), "-m", MODEL, "-r", "2kpps", "--user", USER,
             "--control", folder + "/control", "--http", "0", "--stats-json", folder + "/x.json",
             prefix=("ip", "netns", "exec", SPACE)) as run:
        run.began(folder + "/control")
        children = privileges(run.process.pid)
        assert len(children) > 3
        for ids, effective, permitted, groups in children:
            assert ids == [str(uid)] * 4 and effective == permitted == 0 and "0" not in groups, (ids, effective, groups)
        assert os.stat(folder + "/control").st_uid == uid
        ip("link", "set", "eth1", "down")  # links are watched without root, too
        running.wait_for(lambda: ask(folder + "/control", "status")["status"]["ports"][0]["link"] == "down")
        ip("link", "set", "eth1", "up")
        running.wait_for(lambda: ask(folder + "/control", "status")["status"]["ports"][0]["link"] == "up")
        packets = ask(folder + "/control", "status")["status"]["packets"]
        time.sleep(1)
        assert ask(folder + "/control", "status")["status"]["packets"] > packets
        ask(folder + "/control", "stop")
        assert run.end() == 0, run.said()
    assert os.stat(folder + "/x.json").st_uid == uid and not os.path.exists(folder + "/control")
    assert json.loads(pathlib.Path(folder, "x.json").read_text(encoding="utf-8"))["packets"] > packets


def a_user_that_cannot_be_is_refused_before_anything_is_sent():
    if os.geteuid() != 0:
        raise claims.Skip("it needs root")
    pathlib.Path(FOLDER.name).chmod(0o755)
    with contextlib.suppress(FileExistsError):
        os.mkdir(place("closed"), 0o755)
    null = eal("--vdev", "net_null0")
    for words, word in ((["--user", "no-such-user"], "there is no user"), (["--user", ""], "empty"),
                        (["--user", USER, "--stats-json", place("closed/x.json")], "Permission denied")):
        with Run(WIREMILL, FOLDER.name, *null, "-m", MODEL, "-n", "50", *words) as run:
            status = run.end()
            assert status == 2 and word in run.said().splitlines()[-1] and "packets sent" not in run.said(), run.said()
    assert os.listdir(place("closed")) == []


claims.run("guard", [
    ports_that_carry_the_default_route_are_refused,
    a_tap_that_carries_the_default_route_is_refused,
    a_default_route_whose_interface_is_not_told_is_refused,
    what_a_bond_or_a_failsafe_port_drives_is_looked_at,
    what_sits_on_an_interface_with_a_default_route_is_refused,
    members_of_a_bridge_and_what_is_below_a_vlan_are_refused,
    a_default_route_that_comes_during_a_run_ends_it,
    functions_of_a_card_that_carries_the_default_route_are_refused,
    root_is_given_up_by_all_threads_before_anything_is_sent,
    a_user_that_cannot_be_is_refused_before_anything_is_sent,
])
