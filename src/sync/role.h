/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A router of a pair: active or standby, and what changes with that.
 *
 * The active one tells of each object that changes (core/dirty.h). The standby makes the
 * same objects of what it is told, with their pinholes, so that it has only to begin: when
 * it is promoted it takes over the connections that are there, and lets time pass. What
 * it has been told never overrules its own rules and addresses: a port that is in use
 * here is not taken, and no packet has an address that the nat chains do not give it.
 */
#ifndef SIPALG_SYNC_ROLE_H
#define SIPALG_SYNC_ROLE_H

#include "sync/record.h"

#define SIPALG_SYNC_NUMBER_BITS	40

/**
 * sipalg_sync_version() - which of two records of an object is the newer
 * @epoch: of the promotion of the router that has made it
 * @number: of the record
 *
 * Return: the higher, the newer; 0: it was not made of a record.
 */
static inline u64 sipalg_sync_version(u32 epoch, u64 number)
{
	return (u64)epoch << SIPALG_SYNC_NUMBER_BITS | number;
}

/**
 * sipalg_sync_set_role() - promote or demote
 * @sn: the namespace
 * @standby: true: demote
 * @epoch: of this promotion, or of the newest that is known
 *
 * One command at a time. Process context, may sleep.
 */
void sipalg_sync_set_role(struct sipalg_net *sn, bool standby, u32 epoch);

/**
 * sipalg_sync_mark_all() - all objects are told once more
 * @sn: the namespace
 *
 * Process context, may sleep.
 */
void sipalg_sync_mark_all(struct sipalg_net *sn);

/**
 * sipalg_sync_restore() - restore one object
 * @restore: it
 *
 * One at a time, on a standby. Process context, may sleep.
 *
 * Return: 0 or a negative errno: -EPROTO: of another version; -ENOENT: what it belongs to
 * is not there yet; -EINVAL: garbage; -ENOMEM.
 */
int sipalg_sync_restore(const struct sipalg_restore *restore);

/**
 * sipalg_keys_record_put() - put the keys by which both routers compare
 * @skb: where
 * @sn: the namespace
 *
 * Return: 0 or -EMSGSIZE.
 */
int sipalg_keys_record_put(struct sk_buff *skb, const struct sipalg_net *sn);

#endif
