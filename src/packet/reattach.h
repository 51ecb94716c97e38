/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A newer module goes on where an older one left (doc/upgrade.md): signalling
 * connections keep a mark in the room that conntrack gave the helper.
 */
#ifndef SIPALG_REATTACH_H
#define SIPALG_REATTACH_H

/**
 * sipalg_reattach_mark() - take the helper off UDP flows, and mark them
 *
 * Before it is unregistered. Packets are not followed from now on. Process
 * context, sleeps.
 */
void sipalg_reattach_mark(void);

/**
 * sipalg_reattach() - put the helper on all flows that are marked
 *
 * What their phones are known by is remembered again. Once, after it is
 * registered. Process context, sleeps.
 */
void sipalg_reattach(void);

#endif
