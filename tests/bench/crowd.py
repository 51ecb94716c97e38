# SPDX-License-Identifier: GPL-2.0-only
"""
Datagrams that follow each other closely, as on a router that has much to do:
one system call sends them all, and nothing else runs between them.
"""
import ctypes
import socket
import struct


class Vector(ctypes.Structure):
    """struct iovec"""
    _fields_ = [("base", ctypes.c_char_p), ("len", ctypes.c_size_t)]


class Header(ctypes.Structure):
    """struct msghdr"""
    _fields_ = [("name", ctypes.c_char_p), ("name_len", ctypes.c_uint),
                ("vectors", ctypes.POINTER(Vector)), ("vector_count", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("control_len", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class Message(ctypes.Structure):
    """struct mmsghdr"""
    _fields_ = [("header", Header), ("sent", ctypes.c_uint)]


LIBC = ctypes.CDLL(None, use_errno=True)


def send_all(udp, datagrams, address):
    """To an IPv4 address and port."""
    name = struct.pack("=H", socket.AF_INET) + struct.pack("!H", address[1]) + \
        socket.inet_aton(address[0]) + bytes(8)
    messages = (Message * len(datagrams))(*(
        Message(Header(name, len(name), ctypes.pointer(Vector(data, len(data))), 1))
        for data in datagrams))
    sent = LIBC.sendmmsg(udp.socket.fileno(), messages, len(messages), 0)
    if sent != len(messages):
        raise OSError(ctypes.get_errno(), f"sendmmsg: {sent} of {len(messages)}")
