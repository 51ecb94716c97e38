# SPDX-License-Identifier: GPL-2.0
"""Programs, sockets and kernel tables of the guest's network namespaces."""

import contextlib
import ctypes
import os
import socket
import subprocess
import time

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def inside(name):
    """What is opened in this block, belongs to the namespace `name`."""
    with open("/proc/thread-self/ns/net", "rb") as home, open(f"/run/netns/{name}", "rb") as there:
        _setns(there.fileno())
        try:
            yield
        finally:
            _setns(home.fileno())


def start(name, *command, log, cwd=None):
    """Starts a program in the namespace, in a folder; its words go to the file `log`."""
    with inside(name), open(log, "wb") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                cwd=cwd)


def run(name, *command):
    """Runs a program there to its end and gives back what it printed."""
    with inside(name):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} in {name}: {done.stderr.strip()}")
    return done.stdout


def host(address):
    """An address as URIs have it."""
    return f"[{address}]" if ":" in address else address


def udp_socket(name, address, port):
    with inside(name):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((address, port))
    return sock


def table(name, file):
    """Lines of a file of /proc/net as that namespace has it."""
    with inside(name), open(f"/proc/thread-self/net/{file}") as lines:
        return lines.read().splitlines()


def wait_until(condition, seconds, what, every=0.05):
    """Polls until the condition holds; gives back how long that took."""
    begin = time.monotonic()
    while not condition():
        if time.monotonic() - begin > seconds:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(every)
    return time.monotonic() - begin


def wait_for_text(file, text, seconds):
    def there():
        try:
            with open(file, errors="replace") as lines:
                return text in lines.read()
        except FileNotFoundError:
            return False
    return wait_until(there, seconds, f"'{text}' in {os.path.basename(file)}")
