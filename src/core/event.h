/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events for the multicast group "events".
 *
 * Without listeners an event costs one test of a bit. At most
 * SIPALG_EVENTS_PER_SECOND are sent in a namespace; lost events are counted, and
 * each event carries their number (SIPALG_A_LOST).
 */
#ifndef SIPALG_EVENT_H
#define SIPALG_EVENT_H

#include "core/flow.h"
#include "core/reason.h"

struct nf_conntrack_expect;
struct sipalg_mapping;
struct sipalg_call;
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
 * sipalg_event_flush() - send the pending events of a call
 * @call: locked
 *
 * Any context.
 */
void sipalg_event_flush(struct sipalg_call *call);

/**
 * sipalg_event_end() - send the end of a call with its reason
 * @call: locked, &sipalg_call.reason is set
 *
 * Any context.
 */
void sipalg_event_end(struct sipalg_call *call);

/**
 * sipalg_event_message() - send that a message was dropped or passed unchanged
 * @flow: its flow
 * @call: its call, locked; NULL: none
 * @what: "dropped" or "unchanged"
 * @reason: why
 *
 * Any context.
 */
void sipalg_event_message(const struct sipalg_flow *flow,
			  const struct sipalg_call *call, const char *what,
			  enum sipalg_message_reason reason);

/**
 * sipalg_event_registration() - send a change of a registration
 * @mapping: its lock is held
 * @registration: one of its
 * @what: "registered" or "unregistered"
 *
 * Any context.
 */
void sipalg_event_registration(const struct sipalg_mapping *mapping,
			       const struct sipalg_registration *registration,
			       const char *what);

/**
 * sipalg_event_pinhole() - send that a pinhole was opened or closed
 * @sn: the namespace
 * @exp: the expectation
 * @what: "opened" or "closed"
 *
 * Any context.
 */
void sipalg_event_pinhole(struct sipalg_net *sn,
			  const struct nf_conntrack_expect *exp,
			  const char *what);

#endif
