/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events, sent to who listens: the multicast group "events".
 *
 * Every folder may tell an event. Only netlink/ knows how: it sets the
 * operations while the family is registered. While nobody listens an event
 * costs a call and the test of a bit. No more than SIPALG_EVENTS_PER_SECOND are
 * sent in a namespace; those left out are counted, and each event has their
 * number (SIPALG_A_LOST).
 */
#ifndef SIPALG_EVENT_H
#define SIPALG_EVENT_H

#include "core/call.h"
#include "core/flow.h"
#include "core/reason.h"

struct nf_conntrack_expect;
struct sipalg_mapping;
struct sipalg_registration;

#define SIPALG_EVENTS_PER_SECOND	5000

/*
 * Changes of a call by a message are sent after the whole message was processed,
 * so that listeners see the final media, limits and parties.
 */
enum sipalg_event_mask {
	SIPALG_NOTIFY_NEW = 0x01,
	SIPALG_NOTIFY_ANSWERED = 0x02,
	SIPALG_NOTIFY_CHANGED = 0x04,	/* state, media or media activity */
};

/**
 * struct sipalg_event_ops - how events are sent
 * @call_changed: what &sipalg_call.event_mask says; see sipalg_event_flush()
 * @call_ended: see sipalg_event_end()
 * @message: see sipalg_event_message()
 * @registration: see sipalg_event_registration()
 * @pinhole: see sipalg_event_pinhole()
 */
struct sipalg_event_ops {
	void (*call_changed)(struct sipalg_call *call);
	void (*call_ended)(struct sipalg_call *call);
	void (*message)(const struct sipalg_flow *flow,
			const struct sipalg_call *call, const char *what,
			enum sipalg_message_reason reason);
	void (*registration)(const struct sipalg_mapping *mapping,
			     const struct sipalg_registration *registration,
			     const char *what);
	void (*pinhole)(struct sipalg_net *sn,
			const struct nf_conntrack_expect *exp,
			const char *what);
};

/* Set by netlink/; NULL: nobody can listen. */
extern const struct sipalg_event_ops *sipalg_event_ops;

/**
 * sipalg_event_flush() - send the pending events of a call
 * @call: locked
 *
 * Any context.
 */
static inline void
sipalg_event_flush(struct sipalg_call *call)
{
	const struct sipalg_event_ops *ops = READ_ONCE(sipalg_event_ops);

	if (ops && call->event_mask)
		ops->call_changed(call);
}

/**
 * sipalg_event_end() - send the end of a call with its reason
 * @call: locked, &sipalg_call.reason is set
 *
 * Any context.
 */
static inline void
sipalg_event_end(struct sipalg_call *call)
{
	const struct sipalg_event_ops *ops = READ_ONCE(sipalg_event_ops);

	if (ops)
		ops->call_ended(call);
}

/**
 * sipalg_event_message() - send that a message was dropped or passed unchanged
 * @flow: its flow
 * @call: its call, locked; NULL: none
 * @what: "dropped" or "unchanged"
 * @reason: why
 *
 * Any context.
 */
static inline void
sipalg_event_message(const struct sipalg_flow *flow,
		     const struct sipalg_call *call, const char *what,
		     enum sipalg_message_reason reason)
{
	const struct sipalg_event_ops *ops = READ_ONCE(sipalg_event_ops);

	if (ops)
		ops->message(flow, call, what, reason);
}

/**
 * sipalg_event_registration() - send a change of a registration
 * @mapping: its lock is held
 * @registration: one of its
 * @what: "registered" or "unregistered"
 *
 * Any context.
 */
static inline void
sipalg_event_registration(const struct sipalg_mapping *mapping,
			  const struct sipalg_registration *registration,
			  const char *what)
{
	const struct sipalg_event_ops *ops = READ_ONCE(sipalg_event_ops);

	if (ops)
		ops->registration(mapping, registration, what);
}

/**
 * sipalg_event_pinhole() - send that a pinhole was opened or closed
 * @sn: the namespace
 * @exp: the expectation
 * @what: "opened" or "closed"
 *
 * Any context.
 */
static inline void
sipalg_event_pinhole(struct sipalg_net *sn,
		     const struct nf_conntrack_expect *exp, const char *what)
{
	const struct sipalg_event_ops *ops = READ_ONCE(sipalg_event_ops);

	if (ops)
		ops->pinhole(sn, exp, what);
}

#endif
