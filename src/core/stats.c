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

void sipalg_stats_sum(struct sipalg_net *sn, struct sipalg_stats *sum)
{
	u64 *total = (u64 *)sum;
	unsigned int i;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const u64 *one = (const u64 *)per_cpu_ptr(sn->stats, cpu);

		for (i = 0; i < STATS_WORDS; i++)
			total[i] += READ_ONCE(one[i]);
	}
}

void sipalg_stats_reset(struct sipalg_net *sn)
{
	int cpu;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(sn->stats, cpu), 0, sizeof(struct sipalg_stats));
}
