// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sender retransmits what is not answered within half a second, and as a rule
 * has sent nothing else meanwhile. Calls recognise retransmissions themselves,
 * see call/judge.c.
 */
#include <linux/in.h>
#include <linux/siphash.h>
#include "core/ct_data.h"
#include "core/net.h"
#include "packet/retransmit.h"

static u32 hash(const struct sipalg_net *sn, const struct sip_msg *msg)
{
	u32 branch = hsiphash(sip_span_ptr(msg, msg->branch), msg->branch.len,
			      &sn->table_key);

	return hsiphash_3u32(branch, msg->cseq, msg->method << 16 | msg->status,
			     &sn->table_key);
}

bool sipalg_is_retransmission(const struct sipalg_flow *flow,
			      const struct sip_msg *msg)
{
	int dir = flow->original ? IP_CT_DIR_ORIGINAL : IP_CT_DIR_REPLY;
	struct sipalg_ct_data *data = sipalg_ct_data(flow->ct);
	struct sipalg_stream *stream;
	u32 last;

	if (!data || flow->l4proto != IPPROTO_UDP)
		return false;
	stream = &data->stream[dir];
	last = hash(flow->sn, msg);
	if (READ_ONCE(stream->last) == last)
		return true;
	WRITE_ONCE(stream->last, last);
	return false;
}
