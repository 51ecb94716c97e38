/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of a namespace. Those on the packet path are per CPU and only ever
 * summed by readers; gauges (calls, pinholes, registrations) are atomics in
 * struct sipalg_net beside the tables that they count.
 */
#ifndef SIPALG_STATS_H
#define SIPALG_STATS_H

#include <linux/percpu.h>
#include "core/reason.h"
#include "sip/msg.h"

struct sipalg_net;

enum sipalg_tcp_counter {
	SIPALG_TCP_MESSAGES,	/* whole messages found in streams */
	SIPALG_TCP_SPLIT,	/* messages that came in more than one segment */
	SIPALG_TCP_FOREIGN,	/* connections marked non-SIP for good */
	SIPALG_TCP_KEEPALIVES,
	SIPALG_TCP_MAX
};

/**
 * struct sipalg_stats - one CPU's counters
 * @requests: by enum sip_method: [0] new, [1] retransmitted
 * @responses: by class 1xx..6xx: [0] new, [1] retransmitted
 * @dropped: by enum sipalg_message_reason
 * @passed_unchanged: the same
 * @ended: calls, by enum sipalg_end_reason
 * @calls: calls begun
 * @pinholes_opened: expectations inserted
 * @pinholes_closed: expectations taken out
 * @translated: messages that left with at least one byte changed
 * @identity_changed: those of them whose Identity may not be valid any more
 * @face_lost: public addresses that the router has lost while they were in use
 * @tcp: by enum sipalg_tcp_counter
 */
struct sipalg_stats {
	u64 requests[SIP_METHOD_MAX][2];
	u64 responses[6][2];
	u64 dropped[SIPALG_REASON_MAX];
	u64 passed_unchanged[SIPALG_REASON_MAX];
	u64 ended[SIPALG_END_MAX];
	u64 calls;
	u64 pinholes_opened;
	u64 pinholes_closed;
	u64 translated;
	u64 identity_changed;
	u64 face_lost;
	u64 tcp[SIPALG_TCP_MAX];
};

#define sipalg_count(sn, field)		this_cpu_inc((sn)->stats->field)

/**
 * sipalg_count_message() - count a message by method or class
 * @sn: the namespace
 * @msg: the message
 * @retransmitted: it has been seen before
 *
 * Any context.
 */
void sipalg_count_message(struct sipalg_net *sn, const struct sip_msg *msg,
			  bool retransmitted);

/**
 * sipalg_stats_sum() - add up all CPUs
 * @sn: the namespace
 * @sum: filled
 *
 * Process context. A reader may see a packet counted in one field and not yet
 * in another.
 */
void sipalg_stats_sum(struct sipalg_net *sn, struct sipalg_stats *sum);

/**
 * sipalg_stats_reset() - set all counters to zero; gauges stay
 * @sn: the namespace
 *
 * Process context. Packets counted meanwhile on other CPUs may be lost.
 */
void sipalg_stats_reset(struct sipalg_net *sn);

#endif
