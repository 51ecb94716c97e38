/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State of a signalling conntrack, in the 32 bytes of its helper extension.
 */
#ifndef SIPALG_CT_DATA_H
#define SIPALG_CT_DATA_H

#include <linux/types.h>
#include <net/netfilter/nf_conntrack_helper.h>

struct sipalg_tcp;

enum sipalg_stream_state {
	SIPALG_STREAM_UNKNOWN,	/* no SYN seen: no boundary is proven */
	SIPALG_STREAM_SYNCED,	/* @next is a message boundary */
	SIPALG_STREAM_FOREIGN,	/* not SIP, for good (H-25) */
	SIPALG_STREAM_RESTORED,	/* as another router has told; no segment has proven it */
	SIPALG_STREAM_ASTRAY,	/* the same, but its sender is further: where is being asked */
	SIPALG_STREAM_RESET,	/* the same, and nobody knows where: its ends begin anew */
};

/**
 * struct sipalg_stream - one direction
 * @next: TCP: sequence number at which the next message begins, host byte
 *	order, as the sender counts
 * @last: UDP: hash of the newest message, to recognise its retransmission
 *	(retransmit.h)
 * @state: TCP: enum sipalg_stream_state
 * @repeats: TCP: how often the beginning of a message at @next has come again, or
 *	has been forgotten, and has not gone on
 * @heard: UDP: the second in which its sender was noted (heard.h), 0: never
 * @subscriber: port, network byte order, of the Contact in the sender's
 *	SUBSCRIBE; 0: none was sent
 */
struct sipalg_stream {
	union {
		u32 next;
		u32 last;
	};
	u8 state;
	union {
		u8 repeats;
		u8 heard;
	};
	__be16 subscriber;
};

/**
 * struct sipalg_ct_data - the 32 bytes
 * @keep_until: jiffies32 until which a registration needs the flow, 0: none
 * @calls: number of calls that use the flow
 * @stream: by enum ip_conntrack_dir; of TCP guarded by sipalg_tcp_lock()
 * @tcp: what is kept of the connection, or NULL; guarded by the same
 */
struct sipalg_ct_data {
	u32 keep_until;
	atomic_t calls;
	struct sipalg_stream stream[2];
	struct sipalg_tcp *tcp;
};

/* What is behind @next is not known yet, nor by how much it is shifted. */
static inline bool sipalg_stream_is_restored(const struct sipalg_stream *stream)
{
	return stream->state >= SIPALG_STREAM_RESTORED;
}

static inline void sipalg_stream_repeats(struct sipalg_stream *stream)
{
	if (stream->repeats < U8_MAX)
		stream->repeats++;
}

static inline struct sipalg_ct_data *sipalg_ct_data(struct nf_conn *ct)
{
	struct nf_conn_help *help = nfct_help(ct);

	NF_CT_HELPER_BUILD_BUG_ON(sizeof(struct sipalg_ct_data));
	return help ? (struct sipalg_ct_data *)help->data : NULL;
}

#endif
