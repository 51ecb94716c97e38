/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Table of recent events and their number, for rate-limit and screen-invites.
 *
 * Of fixed size; exists only while one of them is on. Keys are keyed hashes; a
 * new key replaces the oldest of the few slots it can have. A flood from many
 * addresses makes the table forget, which lets messages pass, but never makes it
 * grow.
 */
#ifndef SIPALG_HASHLIMIT_H
#define SIPALG_HASHLIMIT_H

#include <linux/types.h>

struct sipalg_hashlimit;
struct sipalg_net;

/**
 * sipalg_hashlimit_alloc() - allocate an empty table
 *
 * Process context.
 *
 * Return: it, or NULL.
 */
struct sipalg_hashlimit *sipalg_hashlimit_alloc(void);

/**
 * sipalg_hashlimit_swap() - replace the table of a namespace
 * @sn: the namespace
 * @hashlimit: the new one, or NULL; the old one is freed
 *
 * Process context, sleeps; callers serialise.
 */
void sipalg_hashlimit_swap(struct sipalg_net *sn,
			   struct sipalg_hashlimit *hashlimit);

/**
 * sipalg_hashlimit_hit() - count an event
 * @sn: the namespace
 * @key: key of the event
 * @window: jiffies, from the first that is counted to the last
 *
 * RCU read side, BH off.
 *
 * Return: number of events in this window, 1 for the first; 0: no table.
 */
u32 sipalg_hashlimit_hit(struct sipalg_net *sn, u64 key, u32 window);

/**
 * sipalg_hashlimit_seen() - test whether an event was counted within a time
 * @sn: the namespace
 * @key: key of the event
 * @time: jiffies
 *
 * RCU read side, BH off.
 *
 * Return: true if so.
 */
bool sipalg_hashlimit_seen(struct sipalg_net *sn, u64 key, u32 time);

#endif
