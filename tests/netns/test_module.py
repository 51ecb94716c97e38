#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The module and namespaces: taken away while calls are up."""
import time

import ctnetlink
import topology as net
from sip import Call, again, message, sdp
from ksft import run, same, test
from topology import OTHER, PHONE, RELAY, ROUTER, SERVER, Tcp, Udp, shell

net.build()
phone = Udp("phone", PHONE, 5060)
server = Udp("provider", SERVER, 5060)


def begin(name, port):
    call = Call(name, f"{PHONE}:5060", f"{ROUTER}:5060", SERVER)
    phone.send(call.request("INVITE", sdp(PHONE, port)), SERVER)
    assert server.recv()
    server.send(call.response("200 OK", body=sdp(RELAY, 8000)), ROUTER)
    assert phone.recv()
    return call


def media(port):
    ours, theirs = Udp("phone", PHONE, port), Udp("provider", RELAY, 8000)
    theirs.send(b"in", ROUTER, port)
    got = ours.recv(1)
    ours.close()
    theirs.close()
    return got == b"in"


@test("H-22", "detached, the helper touches nothing; calls that are up keep their media")
def detached():
    begin("detach", 4800)
    assert media(4800)
    net.router("nft flush chain inet sip pre")
    net.router("conntrack -D -p udp --orig-port-dst 5060")
    call = Call("bare", f"{PHONE}:5060", "", SERVER)
    data = call.request("INVITE", sdp(PHONE, 4810))
    phone.send(data, SERVER)
    same(server.recv(), data)
    assert media(4800)
    net.router("nft add rule inet sip pre udp dport 5060 ct helper set sip-udp")
    net.router("conntrack -D -p udp --orig-port-dst 5060")


@test("H-1", "all state is the namespace's own, and goes with it")
def namespace():
    begin("ns", 4820)
    shell("ip netns add second")
    assert not ctnetlink.expectations("second")
    shell("ip netns del second")
    assert net.pinhole(ROUTER, 4820)


@test("H-34", "unloaded amid calls and registrations, media flows on; loaded again it works")
def reload():
    begin("reload", 4830)
    assert media(4830)
    net.detach()
    ours, theirs = Udp("phone", PHONE, 4830), Udp("provider", RELAY, 8000)
    theirs.send(b"in", ROUTER, 4830)
    assert ours.recv() == b"in"
    # a half message is held on a connection when the module goes
    net.attach()
    client, accepted = Tcp.pair("phone", PHONE, 40000)
    client.send(Call("half", f"{PHONE}:40000", "", SERVER, "TCP")
                .request("INVITE", sdp(PHONE, 4840))[:200])
    net.detach()
    shell("rmmod sipalg")
    assert not net.expectations()
    theirs.send(b"in", ROUTER, 4830)
    assert ours.recv() == b"in", "an established connection is the users'"
    ours.close()
    theirs.close()
    client.close()
    accepted.close()
    shell("modprobe sipalg")
    net.attach()
    net.router("conntrack -F")
    begin("fresh", 4850)
    assert media(4850)


@test("H-34", "a registration whose public port went to another phone leaves nothing behind the module")
def ousted():
    net.router("tools/sipalg-ctl/sipalg-ctl call end --all")
    other = Udp("other", OTHER, 5060)
    request = message(f"""REGISTER sip:{SERVER} SIP/2.0
        Via: SIP/2.0/UDP {PHONE}:5060;branch=z9hG4bKoust;rport
        From: <sip:alice@{SERVER}>;tag=a
        To: <sip:alice@{SERVER}>
        Call-ID: ousted
        CSeq: 1 REGISTER
        Contact: <sip:alice@{PHONE}:5060>;expires=600""")
    net.router("conntrack -D -p udp 2>/dev/null || true")
    phone.send(request, SERVER)
    seen = server.recv().split(b"\r\n", 1)[1]
    server.send(b"SIP/2.0 200 OK\r\n" + seen, ROUTER)
    assert phone.recv() and net.expectations("signalling")
    net.router("conntrack -D -p udp")
    other.send(again(request, (PHONE, OTHER), ("ousted", "oustedby")), SERVER)
    assert server.recv() and server.sender == (ROUTER, 5060), server.sender
    assert not net.expectations("signalling")
    other.close()
    net.detach()
    shell("rmmod sipalg")
    time.sleep(700)
    shell("modprobe sipalg")
    net.attach()
    net.router("conntrack -D -p udp 2>/dev/null || true")


@test("H-22", "a rule that names the helper loads the module; without a rule nothing happens")
def loaded_by_rule():
    net.detach()
    shell("rmmod sipalg")
    call = Call("norule", f"{PHONE}:5060", "", SERVER)
    data = call.request("INVITE", sdp(PHONE, 4870))
    phone.send(data, SERVER)
    same(server.recv(), data)
    net.attach()
    assert "sipalg" in shell("lsmod")
    net.router("conntrack -F")
    begin("byrule", 4872)
    assert media(4872)


@test("H-22", "attached by iptables it does the same")
def iptables():
    net.router("nft flush chain inet sip pre")
    net.router("conntrack -F")
    net.router("iptables-legacy -t raw -A PREROUTING -p udp --dport 5060 -j CT --helper sipalg")
    begin("ipt", 4880)
    assert media(4880)
    net.router("iptables-legacy -t raw -F")
    net.detach()
    net.attach()


@test("H-32", "as helper_name=sip it serves the rules that were written for nf_conntrack_sip")
def other_name():
    net.detach()
    shell("rmmod sipalg")
    shell("modprobe sipalg helper_name=sip")
    net.attach(net.RULES.replace('"sipalg"', '"sip"'))
    net.router("conntrack -F")
    begin("named", 4890)
    assert media(4890)
    net.detach()
    shell("rmmod sipalg; modprobe sipalg")
    net.attach()


@test("H-32", "beside nf_conntrack_sip: the same name is refused and said so, a flow has one helper only")
def beside():
    net.detach()
    shell("rmmod sipalg; dmesg -c >/dev/null; modprobe nf_conntrack_sip")
    shell("! modprobe sipalg helper_name=sip 2>/dev/null")
    assert 'helper name "sip" cannot be registered' in shell("dmesg")
    shell("modprobe sipalg")
    # both are attached by rules: the first one has the flow
    net.attach(net.RULES.replace("chain pre {", '''ct helper tree-udp {
        type "sip" protocol udp
    }
    chain pre {''').replace('ct helper set "sip-udp"', 'ct helper set "sip-udp"\n        udp dport 5060 ct helper set "tree-udp"'))
    net.router("conntrack -F")
    call = begin("beside", 4892)
    assert media(4892)
    holes = ctnetlink.expectations()
    assert holes and all(hole.helper == "sipalg" for hole in holes), holes
    phone.send(call.request("BYE", cseq=2, to_tag=True), SERVER)
    assert server.recv()
    net.detach()
    net.router("conntrack -F")
    shell("rmmod nf_conntrack_sip")
    net.attach()


@test("H-34", "the router's namespace vanishes with calls up")
def vanish():
    begin("vanish", 4860)
    shell("ip netns del router")
    time.sleep(1)
    assert "router" not in shell("ip netns list")


run()
