/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A newer module goes on where an older one left (doc/upgrade.md): signalling
 * connections keep a mark in the room that conntrack gave the helper.
 */
#ifndef SIPALG_RESUME_H
#define SIPALG_RESUME_H

/**
 * sipalg_resume_leave() - take the helper off UDP flows, and mark them
 *
 * Before it is unregistered. Packets are not followed from now on. Process
 * context, sleeps.
 */
void sipalg_resume_leave(void);

/**
 * sipalg_resume() - put the helper on all flows that are marked
 *
 * What their phones are known by is remembered again. Once, after it is
 * registered. Process context, sleeps.
 */
void sipalg_resume(void);

#endif
