# SPDX-License-Identifier: GPL-2.0-only
"""What the provider runs: a proxy, a media relay and a STUN server."""
import os
import signal
import socket
import string
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
    """rtpengine, on a host of its own."""
    netns.start("media", *programs.of(
        # Debian 13 has a file with names, which another root does not know
        suite, "/usr/bin/rtpengine", "--config-file=none", "--table=-1", f"--interface={network.RELAY[0]}",
        f"--interface={network.RELAY[1]}", f"--listen-ng={network.RELAY[0]}:2223",
        "--listen-cli=127.0.0.1:2224", "--foreground", "--log-stderr", "--port-min=30000",
        "--port-max=30199", "--num-threads=2", "--pidfile=/tmp/rtpengine.pid"), log="/tmp/rtpengine.log")
    listens("media", "udp", 2223)


class _Configuration(string.Template):
    """One of kamailio, which has `$` for itself."""
    delimiter = "%"


def kamailio(*defines, namespace="provider", at=network.SERVER, config="kamailio", suite=None,
             exchange="", successor="", members=""):
    """A proxy, that has both addresses `at`. `exchange`: where a trunk without registration
    leads; `successor`: where the registrar moves to; `members`: of a pool, see pool()."""
    listen = "\n".join(f"listen={protocol}:{netns.host(address)}:5060"
                       for protocol in ("udp", "tcp") for address in at)
    copy = f"/tmp/kamailio-{namespace}.cfg"
    with open(f"{HERE}/{config}.cfg", encoding="ascii") as template, \
            open(copy, "w", encoding="ascii") as file:
        file.write(_Configuration(template.read()).substitute(
            listen=listen, host=at[0], core=network.SERVER[0], relay=network.RELAY[0],
            exchange=exchange, successor=successor, members=members))
    words = [word for define in defines for word in ("-A", define)]
    netns.start(namespace, *programs.of(
        suite, "/usr/sbin/kamailio", "-DD", "-E", *words, "-m", "32", "-M", "4", "-Y", "/tmp",
        "-P", f"/tmp/kamailio-{namespace}.pid", "-f", copy), log=f"/tmp/kamailio-{namespace}.log")
    listens(namespace, "tcp", 5060)


def pool():
    """The registrar behind three members: through the first phones register and call, the
    second leads calls to them, the third what is said within a dialog."""
    first, *others = (name for name in network.HOSTS if name.startswith("sbc"))
    with open("/tmp/members", "w", encoding="ascii") as file:
        for number, name in enumerate(others, 1):
            file.write(f"{number} sip:{network.HOSTS[name][0]}:5060\n")
    kamailio("MEDIA_RELAY", "POOL", members="/tmp/members")
    for name in (first, *others):
        kamailio(namespace=name, at=network.HOSTS[name], config="edge")


# A host that has gone: its registrar tells who asks by UDP where to, and hears no more.
GONE = """
table inet gone {
    chain in { type filter hook prerouting priority raw
        udp dport 5060 udp dport set 5070
        tcp dport 5060 drop
    }
    chain out { type filter hook output priority raw
        udp sport 5070 udp sport set 5060
    }
}
"""


def gone(host):
    network.load(host, GONE)


def back(host):
    network.load(host, "delete table inet gone")


class Names:
    """A name server of the provider, of which everybody asks one name."""

    def __init__(self, name, address):
        self._name, self._file = name, "/tmp/names"
        self._write(address)
        self._process = netns.start(
            "provider", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root",
            "--no-resolv", "--no-hosts", f"--addn-hosts={self._file}", "--local=/example/",
            "--pid-file=", "--log-facility=-", log="/tmp/dnsmasq.log")
        listens("provider", "udp", 53)
        with open("/etc/resolv.conf", "w", encoding="ascii") as file:
            file.writelines(f"nameserver {address}\n" for address in network.SERVER)

    def _write(self, address):
        with open(self._file, "w", encoding="ascii") as file:
            file.write(f"{address} {self._name}\n")

    def tell(self, address):
        self._write(address)
        self._process.send_signal(signal.SIGHUP)


def stun():
    """A STUN server (RFC 8489 14.2): tells each who asks where the question came from."""
    sock = netns.udp_socket("media", network.RELAY[0], 3478)

    def answer():
        while True:
            ask, (host, port) = sock.recvfrom(2048)
            if ask[:2] != b"\0\1":
                continue
            seen = bytes(a ^ b for a, b in zip(socket.inet_aton(host), ask[4:8]))
            told = b"\0\x20\0\x08\0\1" + struct.pack("!H", port ^ 0x2112) + seen
            sock.sendto(b"\1\1" + struct.pack("!H", len(told)) + ask[4:20] + told, (host, port))
    threading.Thread(target=answer, daemon=True).start()
