/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has been seen lately, and how often: the memory of rate-limit and of
 * screen-invites.
 *
 * A table of fixed size that is there only while one of them is switched on.
 * Keys are hashes with a secret; the oldest of the few places that a key can
 * have is taken over by a new one. So a flood from many addresses makes it
 * forget, which lets messages through, and never makes it grow.
 */
#ifndef SIPALG_HASHLIMIT_H
#define SIPALG_HASHLIMIT_H

#include <linux/types.h>

struct sipalg_hashlimit;
struct sipalg_net;

/**
 * sipalg_hashlimit_alloc() - an empty table
 *
 * Process context.
 *
 * Return: it, or NULL.
 */
struct sipalg_hashlimit *sipalg_hashlimit_alloc(void);

/**
 * sipalg_hashlimit_swap() - begin or stop to use a table
 * @sn: the namespace
 * @hashlimit: the new one, or NULL; the old one is freed
 *
 * Process context, sleeps; callers take care that there is one at a time.
 */
void sipalg_hashlimit_swap(struct sipalg_net *sn,
			   struct sipalg_hashlimit *hashlimit);

/**
 * sipalg_hashlimit_hit() - count one more
 * @sn: the namespace
 * @key: of what is counted
 * @window: jiffies, from the first that is counted to the last
 *
 * RCU read side, BH off.
 *
 * Return: how many there were in this window, 1 for the first; 0: no table.
 */
u32 sipalg_hashlimit_hit(struct sipalg_net *sn, u64 key, u32 window);

/**
 * sipalg_hashlimit_seen() - has it been counted within this time?
 * @sn: the namespace
 * @key: of what is asked for
 * @time: jiffies
 *
 * RCU read side, BH off.
 *
 * Return: true if so.
 */
bool sipalg_hashlimit_seen(struct sipalg_net *sn, u64 key, u32 time);

#endif
