/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signalling flows that must outlive conntrack's own timeouts (S3-4, H-11).
 *
 * Conntrack sets its short timeout at each packet, keepalives included. The
 * flow remembers until when it is needed, and each packet that passes the
 * helper restores that.
 */
#ifndef SIPALG_KEEP_H
#define SIPALG_KEEP_H

#include <linux/types.h>

struct nf_conn;

/**
 * sipalg_keep_until() - a flow is needed for some time
 * @ct: the flow's conntrack, with our helper
 * @time: jiffies from now; a shorter one than before changes nothing
 *
 * RCU read side, BH off.
 */
void sipalg_keep_until(struct nf_conn *ct, unsigned long time);

/**
 * sipalg_keep_refresh() - at each packet of a flow
 * @ct: the flow's conntrack, with our helper
 *
 * RCU read side, BH off.
 */
void sipalg_keep_refresh(struct nf_conn *ct);

#endif
