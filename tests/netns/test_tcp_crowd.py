#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Many connections at once, on all processors there are.

Where the kernel's softirqs preempt each other (PREEMPT_RT), they do so here: what comes by the one
link is taken in by a kernel thread, what comes by the other by its sender, who preempts that.
"""
import os
import sys
import traceback

import topology as net
from endpoints import Line, both_ways
from ksft import run, test
from topology import OTHER, PHONE, shell

net.build()


def beside(works):
    """Each in a process of its own; all must come to a good end."""
    children = []
    for work in works:
        child = os.fork()
        if not child:
            try:
                work()
                os._exit(0)
            except BaseException:   # pylint: disable=broad-except
                traceback.print_exc()
                sys.stderr.flush()
                os._exit(1)
        children.append(child)
    failed = [child for child in children if os.waitpid(child, 0)[1]]
    assert not failed, f"{len(failed)} of {len(children)}"


def talker(count, processor, priority=0, **line):
    """Some lines; an urgent talker sleeps between its messages, and wakes amid somebody else's."""
    lines = [Line(**line) for _ in range(3)]

    def work():
        os.sched_setaffinity(0, {processor % os.cpu_count()})
        if priority:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
        for one in lines:
            both_ways(one, count, 300, 0.0003 if priority else None)
    return work


@test("fault T6", "both directions of many connections on all processors: each byte arrives as it should")
def processors():
    beside([talker(400, i // 2, host=(PHONE, OTHER)[i % 2], space=("phone", "other")[i % 2]) for i in range(4)])


@test("fault K1", "senders that preempt the processing of others' messages: each byte arrives as it should")
def preempted():
    for device in ("lan", "wan"):
        shell(f"ip netns exec router ethtool -K {device} gro on")
    beside([talker(1000, 0, host=OTHER, space="other"), talker(1000, 0, host=OTHER, space="other"),
            talker(400, 0, 10), talker(400, 0, 20)])


run()
