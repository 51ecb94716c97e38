/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happens, told to who listens: the multicast group "events".
 *
 * While nobody listens an event costs one test of a bit. No more than
 * SIPALG_EVENTS_PER_SECOND are told in a namespace; what is left out is
 * counted, and each event says how many were (SIPALG_A_LOST).
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
 * What happens to a call within a message is told when all of the message has
 * been taken in: listeners see its media, limits and parties as they are then.
 */
enum sipalg_event_mask {
	SIPALG_NOTIFY_NEW = 0x01,
	SIPALG_NOTIFY_ANSWERED = 0x02,
	SIPALG_NOTIFY_CHANGED = 0x04,	/* its state, its media or how they flow */
};

/**
 * sipalg_event_flush() - tell what has happened to a call since the last time
 * @call: locked
 *
 * Any context.
 */
void sipalg_event_flush(struct sipalg_call *call);

/**
 * sipalg_event_end() - tell that a call has ended, and why
 * @call: locked, &sipalg_call.reason is set
 *
 * Any context.
 */
void sipalg_event_end(struct sipalg_call *call);

/**
 * sipalg_event_message() - a message was not treated as messages are
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
 * sipalg_event_registration() - a phone can be called now, or no longer
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
 * sipalg_event_pinhole() - something may come in now, or no longer
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
