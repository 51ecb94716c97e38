/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signalling flows that must outlive conntrack's own timeouts (S3-4, H-11).
 *
 * Conntrack sets its short timeout at each packet, keepalives included. The
 * flow remembers until when a registration needs it and how many calls use
 * it, and each packet that passes the helper restores the longer time. When
 * nobody needs it any more, conntrack's own time is back.
 */
#ifndef SIPALG_CT_TIMEOUT_H
#define SIPALG_CT_TIMEOUT_H

#include <linux/types.h>

struct nf_conn;
struct sipalg_net;

/**
 * sipalg_ct_timeout_extend() - a registration needs a flow for some time
 * @ct: the flow's conntrack, with our helper
 * @time: jiffies from now; a shorter one than before changes nothing
 *
 * RCU read side, BH off.
 */
void sipalg_ct_timeout_extend(struct nf_conn *ct, unsigned long time);

/**
 * sipalg_ct_timeout_get() - a call uses a flow
 * @sn: the namespace
 * @user: the call's pointer to the flow it has used, or to NULL; its lock held
 * @ct: the flow's conntrack, with our helper
 *
 * The flow used before is given up: a call may change its transport. RCU read
 * side, BH off.
 */
void sipalg_ct_timeout_get(struct sipalg_net *sn, struct nf_conn **user,
			   struct nf_conn *ct);

/**
 * sipalg_ct_timeout_put() - and no longer
 * @user: the call's pointer, NULL afterwards; its lock held
 *
 * BH off.
 */
void sipalg_ct_timeout_put(struct nf_conn **user);

/**
 * sipalg_ct_timeout_lost() - has a call's flow gone?
 * @ct: what it used, or NULL
 *
 * Return: conntrack has forgotten it, or its TCP connection is closed.
 */
bool sipalg_ct_timeout_lost(const struct nf_conn *ct);

/**
 * sipalg_ct_timeout_natural() - what conntrack adds to now at each packet
 * @ct: a flow of UDP or TCP
 *
 * Return: jiffies, unless a timeout policy of the administrator's says else.
 */
u32 sipalg_ct_timeout_natural(const struct nf_conn *ct);

/**
 * sipalg_ct_timeout_refresh() - at each packet of a flow
 * @sn: the namespace
 * @ct: the flow's conntrack, with our helper
 *
 * RCU read side, BH off.
 */
void sipalg_ct_timeout_refresh(struct sipalg_net *sn, struct nf_conn *ct);

#endif
