/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Timeouts of signalling flows that must outlive conntrack's own (S3-4, H-11).
 *
 * Conntrack sets its short timeout at each packet, keepalives included. The
 * flow stores until when a registration needs it and how many calls use it,
 * and each packet that passes the helper restores the longer timeout. When
 * nothing needs the flow, conntrack's own timeout applies again.
 */
#ifndef SIPALG_CT_TIMEOUT_H
#define SIPALG_CT_TIMEOUT_H

#include <linux/types.h>

struct nf_conn;
struct sipalg_net;

/**
 * sipalg_ct_timeout_extend() - keep a flow for a registration
 * @ct: the flow's conntrack, with our helper
 * @time: jiffies from now; a shorter time than before has no effect
 *
 * RCU read side, BH off.
 */
void sipalg_ct_timeout_extend(struct nf_conn *ct, unsigned long time);

/**
 * sipalg_ct_timeout_get() - start using a flow for a call
 * @sn: the namespace
 * @user: the call's pointer to the flow it has used, or to NULL; its lock held
 * @ct: the flow's conntrack, with our helper
 *
 * The flow used before is released: a call may change its transport. RCU read
 * side, BH off.
 */
void sipalg_ct_timeout_get(struct sipalg_net *sn, struct nf_conn **user,
			   struct nf_conn *ct);

/**
 * sipalg_ct_timeout_put() - stop using the flow
 * @user: the call's pointer, NULL afterwards; its lock held
 *
 * BH off.
 */
void sipalg_ct_timeout_put(struct nf_conn **user);

/**
 * sipalg_ct_timeout_lost() - test whether a call's flow is gone
 * @ct: the flow's conntrack, or NULL
 *
 * Return: true if conntrack has removed it, or its TCP connection is closed.
 */
bool sipalg_ct_timeout_lost(const struct nf_conn *ct);

/**
 * sipalg_ct_timeout_natural() - timeout that conntrack sets at each packet
 * @ct: a flow of UDP or TCP
 *
 * Return: jiffies; a timeout policy (nfct timeout) is not considered.
 */
u32 sipalg_ct_timeout_natural(const struct nf_conn *ct);

/**
 * sipalg_ct_timeout_refresh() - restore the longer timeout at each packet
 * @sn: the namespace
 * @ct: the flow's conntrack, with our helper
 *
 * RCU read side, BH off.
 */
void sipalg_ct_timeout_refresh(struct sipalg_net *sn, struct nf_conn *ct);

#endif
