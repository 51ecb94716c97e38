# SPDX-License-Identifier: GPL-2.0-only
"""What the provider runs: a proxy, a media relay and a STUN server."""
import os
import socket
import struct
import threading

import netns
import network
import programs

HERE = os.path.dirname(os.path.abspath(__file__))


def listens(namespace, protocol, port):
    netns.wait_until(lambda: any(f":{port:04X} " in line for line in netns.table(namespace, protocol)),
                     20, f"{protocol} port {port} in {namespace}")


def relay(suite=None):
    """rtpengine, at an address of its own."""
    netns.start("provider", *programs.of(
        suite, "/usr/bin/rtpengine", "--table=-1", f"--interface={network.RELAY[0]}",
        f"--interface={network.RELAY[1]}", "--listen-ng=127.0.0.1:2223", "--foreground",
        "--log-stderr", "--port-min=30000", "--port-max=30199", "--num-threads=2",
        "--pidfile=/tmp/rtpengine.pid"), log="/tmp/rtpengine.log")
    listens("provider", "udp", 2223)


def kamailio(*defines, suite=None, exchange=""):
    """The proxy; `exchange` is where a trunk without registration leads."""
    with open("/tmp/kamailio.cfg", "w", encoding="ascii") as copy, \
            open(f"{HERE}/kamailio.cfg", encoding="ascii") as file:
        copy.write(file.read().replace("EXCHANGE", exchange))
    words = [word for define in defines for word in ("-A", define)]
    netns.start("provider", *programs.of(
        suite, "/usr/sbin/kamailio", "-DD", "-E", *words, "-m", "32", "-M", "4", "-Y", "/tmp",
        "-P", "/tmp/kamailio.pid", "-f", "/tmp/kamailio.cfg"), log="/tmp/kamailio.log")
    listens("provider", "tcp", 5060)


def stun():
    """A STUN server (RFC 8489 14.2): tells each who asks where the question came from."""
    sock = netns.udp_socket("provider", network.RELAY[0], 3478)

    def answer():
        while True:
            ask, (host, port) = sock.recvfrom(2048)
            if ask[:2] != b"\0\1":
                continue
            seen = bytes(a ^ b for a, b in zip(socket.inet_aton(host), ask[4:8]))
            told = b"\0\x20\0\x08\0\1" + struct.pack("!H", port ^ 0x2112) + seen
            sock.sendto(b"\1\1" + struct.pack("!H", len(told)) + ask[4:20] + told, (host, port))
    threading.Thread(target=answer, daemon=True).start()
