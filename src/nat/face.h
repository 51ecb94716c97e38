/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faces: the addresses by which the outside knows hosts of the inside.
 *
 * A face is true only while the router has its address, and while routing and
 * the administrator's rules would still choose it. So two things are done:
 *
 * All that is remembered of a public address, mappings and media, holds the
 * one struct sipalg_face of that address. When the router loses the address
 * the face is lost, once and for ever: what hangs on it is closed or ended,
 * and connections that we have kept alive end with it. Should the address come
 * back, it is another face.
 *
 * And no connection is given a public address by us. Which one it gets, if
 * any, the nat chains of the administrator say when it leaves, as they do for
 * every other; of a host that has been promised a port at just that address
 * they are told so before, in the one way that NAT itself has: a source that is
 * mapped already stays mapped to the same port where the rule allows.
 */
#ifndef SIPALG_FACE_H
#define SIPALG_FACE_H

#include <linux/refcount.h>
#include "core/flow.h"

struct sipalg_net;

#define SIPALG_LOST_AT_ONCE	16	/* faces, in one walk over all there is */
#define SIPALG_FACE_SETTLE	HZ	/* an address may flap as fast as it likes */
#define SIPALG_FACE_PAIR	(3 * HZ)	/* within it a router of a pair is demoted */

/**
 * struct sipalg_face - a public address that somebody inside is known by
 * @node: in &sipalg_net.faces until it is lost
 * @rcu: frees it after the last reader
 * @sn: the namespace
 * @refs: one for each that holds it
 * @ip: the address
 * @family: AF_INET or AF_INET6
 * @zone: conntrack zone in which packets to it arrive
 * @l3mdev: index of the VRF that it is of, 0: none
 * @suspect: it has been taken off an interface; guarded by face_lock. Of one
 *	that is only routed here nobody tells when it has gone
 * @lost: it is the router's no more
 */
struct sipalg_face {
	struct hlist_node node;
	struct rcu_head rcu;
	struct sipalg_net *sn;
	refcount_t refs;
	union nf_inet_addr ip;
	u8 family;
	u16 zone;
	int l3mdev;
	bool suspect;
	bool lost;
};

/**
 * sipalg_face_get() - the face of an address
 * @flow: gives namespace, family, zone and VRF
 * @ip: the address
 *
 * Caller holds rcu_read_lock; softirq; takes face_lock.
 *
 * Return: it, for sipalg_face_put(); NULL: no memory.
 */
struct sipalg_face *sipalg_face_get(const struct sipalg_flow *flow,
				    const union nf_inet_addr *ip);

/**
 * sipalg_face_hold() - one more who holds it
 * @face: it, or NULL
 *
 * The caller holds it already.
 *
 * Return: @face, for sipalg_face_put().
 */
static inline struct sipalg_face *sipalg_face_hold(struct sipalg_face *face)
{
	if (face)
		refcount_inc(&face->refs);
	return face;
}

/**
 * sipalg_face_put() - the reverse
 * @face: it, or NULL
 *
 * Any context; takes face_lock.
 */
void sipalg_face_put(struct sipalg_face *face);

/* Nothing may be promised at it any more. */
static inline bool sipalg_face_is_lost(const struct sipalg_face *face)
{
	return face && READ_ONCE(face->lost);
}

/**
 * sipalg_faces_take_lost() - some of those that the router has lost
 * @sn: the namespace
 * @lost: out: each is out of the table, and has a reference for
 *	sipalg_face_put()
 *
 * Process context.
 *
 * Return: how many; 0: no more.
 */
unsigned int sipalg_faces_take_lost(struct sipalg_net *sn,
				    struct sipalg_face *lost[SIPALG_LOST_AT_ONCE]);

/**
 * sipalg_faces_register() - be told which addresses go
 *
 * Process context.
 *
 * Return: 0 or a negative errno.
 */
int sipalg_faces_register(void);
void sipalg_faces_unregister(void);

#endif
