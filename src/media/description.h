/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session description, as an intent: which streams of a call it asks for.
 *
 * Decide reads the sections and plans the edits, with places for ports that are
 * only to be had. Apply then takes ports for streams that the call has not yet, or
 * none; and the call, when it takes the message in, has them on offer.
 */
#ifndef SIPALG_DESCRIPTION_H
#define SIPALG_DESCRIPTION_H

#include <linux/list.h>
#include "core/flow.h"
#include "core/reason.h"
#include "media/section.h"
#include "sip/edit.h"
#include "sip/msg.h"

struct sipalg_call;
struct sipalg_media;

/**
 * struct sipalg_media_intent - a section that wants pinholes
 * @section: the section; or its RTCP, or the path to a neighbour: of @sdp and @host
 * @edited: the message gives its public ports away
 * @ports: those: from here on in &sipalg_plan.ports
 * @media: acquired: that of its first pair of ports
 * @sdp: what @section points to where the message has not written it so
 * @host: the same
 */
struct sipalg_media_intent {
	struct sipalg_section section;
	bool edited;
	u16 ports;
	struct sipalg_media *media;
	struct sdp_media sdp;
	struct sip_host host;
};

/**
 * struct sipalg_description - all of a message
 * @count: entries of @stream in use
 * @hold: the sender puts the call on hold (S3-34)
 * @has_new: acquired: one of the streams is new to the call
 * @made: acquired: struct sipalg_media that the call has not had yet
 * @pairs: of ports that are named, saturated
 * @refused: a bit for each m= line with port 0
 * @stream: in the order of the message
 */
struct sipalg_description {
	u16 count;
	bool hold;
	bool has_new;
	u32 pairs;
	u64 refused;
	struct list_head made;
	struct sipalg_media_intent stream[SIPALG_MAX_STREAMS];
};

/**
 * sipalg_description_decide() - plan for a description that is new to the call
 * @flow: the message's flow
 * @msg: the message, with a session description
 * @plan: gets the edits and &sipalg_plan.description; or &sipalg_plan.describes
 *	becomes false, with verdict and reason if the message must not go on so
 *
 * Caller holds rcu_read_lock.
 */
void sipalg_description_decide(const struct sipalg_flow *flow,
			       const struct sip_msg *msg,
			       struct sipalg_plan *plan);

/**
 * sipalg_description_repeat() - translate a description that changes nothing
 * @call: its call, locked; NULL: none
 * @flow: the message's flow
 * @msg: the message, with a session description
 * @plan: gets the edits; or a reason, then the message must pass unchanged
 *
 * For messages that are late, or have no effect on the call: known streams get
 * their public ports; if a stream has none, the message is not changed.
 * What is neither offer nor answer (OPTIONS, a refusal) is translated as far as
 * it names the sender, whatever ports it has, and opens nothing.
 */
void sipalg_description_repeat(const struct sipalg_call *call,
			       const struct sipalg_flow *flow,
			       const struct sip_msg *msg,
			       struct sipalg_plan *plan);

/**
 * sipalg_description_acquire() - get the streams and their public ports
 * @call: the call, locked
 * @flow: the message's flow
 * @plan: decided; &sipalg_plan.ports are set
 *
 * The same address and port get the same public ones as before (H-27, S3-41). What
 * there was is not changed. Where there are too many streams of forks, those of the
 * oldest make room. Softirq.
 *
 * Return: enum sipalg_message_reason: NO_MEMORY, NO_PORT_PAIR, TOO_MANY_MEDIA: call
 * sipalg_description_release().
 */
enum sipalg_message_reason
sipalg_description_acquire(struct sipalg_call *call,
			   const struct sipalg_flow *flow,
			   struct sipalg_plan *plan);

/**
 * sipalg_description_release() - the message does not leave as planned
 * @call: the call, locked
 * @plan: its plan, of which all or something was acquired, but not committed
 */
void sipalg_description_release(struct sipalg_call *call, struct sipalg_plan *plan);

/**
 * sipalg_description_commit() - the streams are on offer
 * @call: the call, locked
 * @flow: the message's flow
 * @plan: acquired
 */
void sipalg_description_commit(struct sipalg_call *call,
			       const struct sipalg_flow *flow,
			       struct sipalg_plan *plan);

#endif
