/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State machine of a call: a table of (state, event) -> (state, actions).
 *
 * Pure: no locks, no packets. event.c carries out the actions.
 */
#ifndef SIPALG_CALL_STATE_H
#define SIPALG_CALL_STATE_H

#include "core/call.h"

enum sipalg_call_event {
	SIPALG_EVENT_INVITE,		/* with a CSeq not seen before */
	SIPALG_EVENT_PROVISIONAL,	/* 101..199 to INVITE */
	SIPALG_EVENT_SUCCESS,		/* 2xx to INVITE */
	SIPALG_EVENT_FAILURE,		/* 3xx..6xx to the newest INVITE */
	SIPALG_EVENT_ACK,
	SIPALG_EVENT_CANCEL,		/* of the newest INVITE */
	SIPALG_EVENT_BYE,		/* for the last dialog that is known to live */
	SIPALG_EVENT_BYE_ACCEPTED,	/* 2xx, 3xx, 4xx but 401 and 407, 6xx */
	SIPALG_EVENT_BYE_REFUSED,	/* 401, 407, 5xx */
	SIPALG_EVENT_UNANSWERED,	/* nothing but 100 for 64*T1 (S3-44) */
	SIPALG_EVENT_C_TIMEOUT,		/* no final answer in time (S2-9) */
	SIPALG_EVENT_SESSION_EXPIRED,	/* no refresh in time (S4-10) */
	SIPALG_EVENT_MAX_DURATION,	/* hard limit (S2-6) */
	SIPALG_EVENT_IDLE,		/* no signalling for too long (S0-17) */
	SIPALG_EVENT_UNKNOWN,		/* 481, and no sign of life since */
	SIPALG_EVENT_TEARDOWN,		/* teardown-delay is over */
	SIPALG_EVENT_FORGET,		/* nobody retransmits any more */
	SIPALG_CALL_EVENTS
};

/* Actions of an event, in this order. */
#define SIPALG_DO_COMMIT	0x01	/* the offered media is in force */
#define SIPALG_DO_ROLLBACK	0x02	/* the media in force stays */
#define SIPALG_DO_INVITE	0x04	/* wait 64*T1 for any answer */
#define SIPALG_DO_RING		0x08	/* wait c-timeout for a final answer */
#define SIPALG_DO_REOPEN	0x10	/* an answer after all: open what was shut */
#define SIPALG_DO_ANSWERED		0x20	/* answered: duration, session and idle limits */
#define SIPALG_DO_TEARDOWN	0x40	/* close media in teardown-delay, forget in 64*T1 */
#define SIPALG_DO_CANCEL_TEARDOWN		0x80	/* call the teardown off */
#define SIPALG_DO_CLOSE_PINHOLES		0x100	/* close pinholes, keep their ports */
#define SIPALG_DO_CLOSE		0x200	/* close media now */
#define SIPALG_DO_END		0x400	/* forget the call now */
#define SIPALG_DO_ACKED		0x800	/* a failed call: out of sight in T4 */
#define SIPALG_DO_ABANDON	0x1000	/* close pinholes in teardown-delay, forget in c-timeout */
#define SIPALG_DO_FORGET	0x2000	/* out of sight now if acknowledged, else forget now */

/**
 * struct sipalg_transition - one cell of the table
 * @next: state after the event
 * @written: somebody has thought of it; no cell is without
 * @actions: SIPALG_DO_* bits
 */
struct sipalg_transition {
	u8 next;
	bool written;
	u16 actions;
};

/**
 * sipalg_call_transition() - find the transition of an event
 * @state: enum sipalg_call_state
 * @event: enum sipalg_call_event
 *
 * Return: the cell.
 */
struct sipalg_transition
sipalg_call_transition(enum sipalg_call_state state,
		       enum sipalg_call_event event);

/**
 * sipalg_call_state_name() - name of a state
 * @state: enum sipalg_call_state
 *
 * Return: a string constant: early, confirmed or ending.
 */
const char *sipalg_call_state_name(enum sipalg_call_state state);

#endif
