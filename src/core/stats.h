/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of a namespace. Those on the packet path are per CPU and only ever
 * summed by readers; gauges (calls, pinholes, registrations) are atomics in
 * struct sipalg_net beside the tables that they count.
 */
#ifndef SIPALG_STATS_H
#define SIPALG_STATS_H

#include <linux/percpu.h>
#include <linux/u64_stats_sync.h>
#include "core/reason.h"
#include "sip/msg.h"

struct sipalg_net;

/**
 * struct sipalg_stats - one CPU's counters, u64 from end to end
 * @requests: by enum sip_method: [0] new, [1] retransmitted
 * @responses: by class 1xx..6xx: [0] new, [1] retransmitted
 * @dropped: by enum sipalg_message_reason
 * @passed_unchanged: the same
 * @ended: calls, by enum sipalg_end_reason
 *
 * And a member for each COUNTER() of counters.def.
 */
struct sipalg_stats {
	u64 requests[SIP_METHOD_MAX][2];
	u64 responses[6][2];
	u64 dropped[SIPALG_REASON_MAX];
	u64 passed_unchanged[SIPALG_REASON_MAX];
	u64 ended[SIPALG_END_MAX];
#define COUNTER(member, group, name, metric, help)	u64 member;
#include "core/counters.def"
};

/**
 * struct sipalg_cpu_stats - the counters of one CPU, and what keeps readers off halves
 * @counters: they
 * @sync: empty where a u64 is one word
 */
struct sipalg_cpu_stats {
	struct sipalg_stats counters;
	struct u64_stats_sync sync;
};

/* Any context. Where a u64 is two words, nobody on this CPU may come between. */
#if BITS_PER_LONG == 64
#define sipalg_count_by(sn, field, n)					\
	this_cpu_add((sn)->stats->counters.field, n)
#else
#define sipalg_count_by(sn, field, n)					\
	do {								\
		struct sipalg_cpu_stats *_stats;			\
		unsigned long _flags;					\
		u64 *_word;						\
									\
		local_irq_save(_flags);					\
		_stats = this_cpu_ptr((sn)->stats);			\
		_word = &_stats->counters.field;			\
		u64_stats_update_begin(&_stats->sync);			\
		*_word += (n);						\
		u64_stats_update_end(&_stats->sync);			\
		local_irq_restore(_flags);				\
	} while (0)
#endif
#define sipalg_count(sn, field)		sipalg_count_by(sn, field, 1)

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

/* Counters of all CPUs, zero, for free_percpu(); NULL: no memory. Process context. */
struct sipalg_cpu_stats __percpu *sipalg_stats_alloc(void);

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
