// SPDX-License-Identifier: GPL-2.0-only
/* Counters of a namespace: counting by method, summing, resetting. */
#include <linux/string.h>
#include "core/net.h"
#include "core/stats.h"

void sipalg_count_message(struct sipalg_net *sn, const struct sip_msg *msg,
			  bool retransmitted)
{
	if (msg->request)
		sipalg_count(sn, requests[msg->method][retransmitted]);
	else
		sipalg_count(sn, responses[msg->status / 100 - 1][retransmitted]);
}

/* struct sipalg_stats is an array of u64 from end to end. */
#define STATS_WORDS	(sizeof(struct sipalg_stats) / sizeof(u64))

struct sipalg_cpu_stats __percpu *sipalg_stats_alloc(void)
{
	struct sipalg_cpu_stats __percpu *stats =
		alloc_percpu(struct sipalg_cpu_stats);
	int cpu;

	if (!stats)
		return NULL;
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(stats, cpu)->sync);
	return stats;
}

/* A value as it was at one time, though its CPU may be writing it. */
static u64 whole(const struct sipalg_cpu_stats *stats, unsigned int i)
{
	const u64 *words = (const u64 *)&stats->counters;
	unsigned int start;
	u64 value;

	do {
		start = u64_stats_fetch_begin(&stats->sync);
		value = READ_ONCE(words[i]);
	} while (u64_stats_fetch_retry(&stats->sync, start));
	return value;
}

void sipalg_stats_sum(struct sipalg_net *sn, struct sipalg_stats *sum)
{
	u64 *total = (u64 *)sum;
	unsigned int i;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const struct sipalg_cpu_stats *one = per_cpu_ptr(sn->stats, cpu);

		for (i = 0; i < STATS_WORDS; i++)
			total[i] += whole(one, i);
	}
}

void sipalg_stats_reset(struct sipalg_net *sn)
{
	int cpu;

	for_each_possible_cpu(cpu)
		memset(&per_cpu_ptr(sn->stats, cpu)->counters, 0,
		       sizeof(struct sipalg_stats));
}
