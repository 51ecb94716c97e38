// SPDX-License-Identifier: GPL-2.0-only
/* A short list of kept requests, and of addresses that were accepted. */
#include <linux/slab.h>
#include "call/call.h"
#include "call/claim.h"
#include "call/judge.h"
#include "core/net.h"
#include "core/peers.h"

#define LONGEST_CLAIM	8192	/* bytes of a request that is kept */

/**
 * struct claim - one request
 * @list: in &sipalg_claims.list, the oldest first
 * @src: where it came from, as that host knows itself
 * @method: enum sip_method
 * @cseq: its CSeq
 * @branch: hash of its branch
 * @len: bytes of it
 * @data: they
 */
struct claim {
	struct list_head list;
	union nf_inet_addr src;
	u8 method;
	u32 cseq;
	u64 branch;
	u32 len;
	char data[];
};

/* Made when a call first needs it: most never do. */
struct sipalg_claims {
	struct list_head list;
	unsigned int count;
	u8 next[2];	/* place of the next address that is proven, by side */
	union nf_inet_addr proven[2][SIPALG_MAX_PROVEN];
};

static struct sipalg_claims *claims_of(struct sipalg_call *call)
{
	struct sipalg_claims *claims = call->claims;

	if (claims)
		return claims;
	claims = kzalloc(sizeof(*claims), GFP_ATOMIC);
	if (!claims)
		return NULL;
	INIT_LIST_HEAD(&claims->list);
	atomic_long_add(sizeof(*claims), &call->sn->memory);
	call->claims = claims;
	return claims;
}

static void claim_free(struct sipalg_call *call, struct claim *claim)
{
	list_del(&claim->list);
	call->claims->count--;
	atomic_long_sub(struct_size(claim, data, claim->len), &call->sn->memory);
	kfree(claim);
}

/* The one that the same host has asked before goes, or else the oldest. */
static void make_room(struct sipalg_call *call, const struct sipalg_flow *flow,
		      u8 method)
{
	struct sipalg_claims *claims = call->claims;
	struct claim *claim;

	list_for_each_entry(claim, &claims->list, list)
		if (claim->method == method &&
		    sipalg_ip_equal(&claim->src, &flow->src.ip)) {
			claim_free(call, claim);
			return;
		}
	if (claims->count == SIPALG_MAX_CLAIMS)
		claim_free(call, list_first_entry(&claims->list, struct claim,
						  list));
}

static bool takes_effect(u8 method)
{
	return method == SIP_METHOD_INVITE || method == SIP_METHOD_UPDATE ||
	       method == SIP_METHOD_PRACK || method == SIP_METHOD_BYE;
}

void sipalg_claim_note(struct sipalg_call *call, const struct sipalg_flow *flow,
		       const struct sip_msg *msg)
{
	struct sipalg_claims *claims;
	struct claim *claim;

	if (!takes_effect(msg->method) || msg->len > LONGEST_CLAIM)
		return;
	claims = claims_of(call);
	if (!claims)
		return;
	make_room(call, flow, msg->method);
	claim = kmalloc(struct_size(claim, data, msg->len), GFP_ATOMIC);
	if (!claim)
		return;
	claim->src = flow->src.ip;
	claim->method = msg->method;
	claim->cseq = msg->cseq;
	claim->branch = sipalg_call_hash(call, msg, msg->branch);
	claim->len = msg->len;
	memcpy(claim->data, msg->data, msg->len);
	list_add_tail(&claim->list, &claims->list);
	claims->count++;
	atomic_long_add(struct_size(claim, data, msg->len), &call->sn->memory);
}

/*
 * Some phones answer to where the call came from, whoever of a pool has asked. Of a
 * stranger that proves nothing: it may have copied the request that is answered there.
 */
static bool may_be_told(const struct claim *claim, const struct sipalg_flow *flow)
{
	return sipalg_ip_equal(&claim->src, &flow->dst_private.ip) ||
	       sipalg_is_peer(flow->sn, flow->family, &claim->src);
}

static struct claim *find(const struct sipalg_call *call,
			  const struct sipalg_flow *flow,
			  const struct sip_msg *msg)
{
	struct claim *claim;
	u64 branch;

	if (!call->claims || list_empty(&call->claims->list))
		return NULL;
	branch = sipalg_call_hash(call, msg, msg->branch);
	list_for_each_entry(claim, &call->claims->list, list)
		if (claim->method == msg->method && claim->cseq == msg->cseq &&
		    claim->branch == branch && may_be_told(claim, flow))
			return claim;
	return NULL;
}

bool sipalg_claim_is_answered(const struct sipalg_call *call,
			      const struct sipalg_flow *flow,
			      const struct sip_msg *msg)
{
	return msg->status >= 200 && find(call, flow, msg);
}

/* RFC 3261 15.1.2: a BYE ends the session for who knows of no such dialog as well. */
static bool is_granted(const struct claim *claim, const struct sipalg_flow *flow,
		       const struct sip_msg *msg)
{
	return msg->status < 300 ||
	       (msg->status == 481 && msg->method == SIP_METHOD_BYE &&
		sipalg_is_peer(flow->sn, flow->family, &claim->src));
}

static struct sipalg_replay *replay_of(const struct claim *claim)
{
	struct sipalg_replay *replay;

	replay = kmalloc(struct_size(replay, data, claim->len), GFP_ATOMIC);
	if (!replay)
		return NULL;
	memcpy(replay->data, claim->data, claim->len);
	replay->src = claim->src;
	sipalg_plan_init(&replay->plan);
	replay->plan.intents = NULL;	/* nothing is translated */
	if (sip_parse(replay->data, claim->len, &replay->msg) == SIP_OK)
		return replay;
	kfree(replay);
	return NULL;
}

struct sipalg_replay *sipalg_claim_take(struct sipalg_call *call,
					const struct sipalg_flow *flow,
					const struct sip_msg *msg)
{
	struct claim *claim = find(call, flow, msg);
	struct sipalg_replay *replay = NULL;

	if (!claim || msg->status < 200)
		return NULL;
	if (is_granted(claim, flow, msg))
		replay = replay_of(claim);
	claim_free(call, claim);
	return replay;
}

void sipalg_claim_replay_free(struct sipalg_replay *replay)
{
	kfree(replay);
}

bool sipalg_claim_is_proven(const struct sipalg_call *call, unsigned int side,
			    const union nf_inet_addr *ip)
{
	const struct sipalg_claims *claims = call->claims;
	unsigned int i;

	for (i = 0; claims && i < SIPALG_MAX_PROVEN; i++)
		if (sipalg_ip_equal(&claims->proven[side][i], ip))
			return true;
	return false;
}

void sipalg_claim_prove(struct sipalg_call *call, unsigned int side,
			const union nf_inet_addr *ip)
{
	struct sipalg_claims *claims = call->claims;
	u8 *next;

	if (!claims || sipalg_claim_is_proven(call, side, ip))
		return;
	next = &claims->next[side];
	claims->proven[side][*next] = *ip;
	*next = (*next + 1) % SIPALG_MAX_PROVEN;
}

void sipalg_claims_free(struct sipalg_call *call)
{
	struct claim *claim, *next;

	if (!call->claims)
		return;
	list_for_each_entry_safe(claim, next, &call->claims->list, list)
		claim_free(call, claim);
	atomic_long_sub(sizeof(*call->claims), &call->sn->memory);
	kfree(call->claims);
	call->claims = NULL;
}
