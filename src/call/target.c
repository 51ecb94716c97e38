// SPDX-License-Identifier: GPL-2.0-only
/* A short array of targets, allocated for the second one. */
#include <linux/siphash.h>
#include <linux/slab.h>
#include "call/call.h"
#include "call/target.h"
#include "core/net.h"

#define MAX_TARGETS	SIPALG_MAX_DIALOGS

/**
 * struct target - one of them
 * @branch: hash of the INVITE's branch
 * @ip: where it went
 * @over: it has refused, or was cancelled
 */
struct target {
	u32 branch;
	union nf_inet_addr ip;
	bool over;
};

struct sipalg_targets {
	unsigned int count;
	struct target target[MAX_TARGETS];
};

static u32 branch_of(const struct sipalg_call *call, const struct sip_msg *msg)
{
	return hsiphash(sip_span_ptr(msg, msg->branch), msg->branch.len,
			&call->sn->short_key);
}

static struct target *find(const struct sipalg_call *call,
			   const struct sip_msg *msg)
{
	struct sipalg_targets *targets = call->targets;
	u32 branch;
	unsigned int i;

	if (!targets)
		return NULL;
	branch = branch_of(call, msg);
	for (i = 0; i < targets->count; i++)
		if (targets->target[i].branch == branch)
			return &targets->target[i];
	return NULL;
}

static void append(struct sipalg_targets *targets, u32 branch,
		   const union nf_inet_addr *ip)
{
	targets->target[targets->count++] = (struct target){
		.branch = branch,
		.ip = *ip,
	};
}

/* The second target: from now on the first one is in the array, too. */
static struct sipalg_targets *targets_make(struct sipalg_call *call)
{
	struct sipalg_targets *targets = kzalloc(sizeof(*targets), GFP_ATOMIC);

	if (!targets)
		return NULL;
	append(targets, call->branch, &call->asked[SIPALG_CALLER]);
	/* its state is that of the call so far */
	targets->target[0].over = call->state == SIPALG_CALL_FAILED ||
				  call->state == SIPALG_CALL_CANCELLING;
	atomic_long_add(sizeof(*targets), &call->sn->memory);
	call->targets = targets;
	return targets;
}

void sipalg_target_first(struct sipalg_call *call, const struct sip_msg *msg)
{
	sipalg_targets_free(call);
	call->branch = branch_of(call, msg);
}

bool sipalg_target_is_another(const struct sipalg_call *call,
			      const struct sip_msg *msg)
{
	return branch_of(call, msg) != call->branch && !find(call, msg) &&
	       (!call->targets || call->targets->count < MAX_TARGETS);
}

void sipalg_target_add(struct sipalg_call *call, const struct sipalg_flow *flow,
		       const struct sip_msg *msg)
{
	struct sipalg_targets *targets = call->targets ?: targets_make(call);

	if (targets)
		append(targets, branch_of(call, msg), &flow->dst_private.ip);
}

bool sipalg_target_end(struct sipalg_call *call, const struct sip_msg *msg)
{
	const struct sipalg_targets *targets = call->targets;
	struct target *target = find(call, msg);
	unsigned int i;

	if (target)
		target->over = true;
	for (i = 0; targets && i < targets->count; i++)
		if (!targets->target[i].over)
			return true;
	return false;
}

void sipalg_target_accept(struct sipalg_call *call, const struct sip_msg *msg)
{
	struct target *target = find(call, msg);

	if (target)
		target->over = false;
}

bool sipalg_target_is_over(const struct sipalg_call *call,
			   const struct sip_msg *msg)
{
	const struct target *target = find(call, msg);

	return target && target->over;
}

bool sipalg_target_has(const struct sipalg_call *call,
		       const union nf_inet_addr *ip)
{
	const struct sipalg_targets *targets = call->targets;
	unsigned int i;

	for (i = 0; targets && i < targets->count; i++)
		if (sipalg_ip_equal(&targets->target[i].ip, ip))
			return true;
	return false;
}

void sipalg_targets_free(struct sipalg_call *call)
{
	if (call->targets)
		atomic_long_sub(sizeof(*call->targets), &call->sn->memory);
	kfree(call->targets);
	call->targets = NULL;
}
