// SPDX-License-Identifier: GPL-2.0-only
#include <linux/percpu.h>
#include <linux/slab.h>
#include "core/compat.h"
#include "packet/scratch.h"

struct scratch {
	struct sipalg_scratch *set;
	sipalg_compat_bh_lock lock;
};

static DEFINE_PER_CPU(struct scratch, scratch) = {
	.lock = SIPALG_COMPAT_BH_LOCK_INIT(lock),
};

void sipalg_scratch_get(void)
{
	sipalg_compat_bh_lock_get(&scratch.lock);
}

void sipalg_scratch_put(void)
{
	sipalg_compat_bh_lock_put(&scratch.lock);
}

struct sipalg_scratch *sipalg_scratch(void)
{
	sipalg_compat_bh_lock_assert(this_cpu_ptr(&scratch.lock));
	return this_cpu_read(scratch.set);
}

void sipalg_scratch_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		kvfree(per_cpu(scratch.set, cpu));
}

int sipalg_scratch_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct sipalg_scratch *set = kvmalloc(sizeof(*set),
						      GFP_KERNEL | __GFP_NOWARN);

		if (!set) {
			sipalg_scratch_exit();
			return -ENOMEM;
		}
		set->plan.intents = &set->intents;
		set->plan.description = &set->description;
		per_cpu(scratch.set, cpu) = set;
	}
	return 0;
}
