/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a call ended, why a message was dropped or passed unchanged.
 *
 * Each has one name, the same in counters, events, tracepoints and the log.
 */
#ifndef SIPALG_REASON_H
#define SIPALG_REASON_H

enum sipalg_end_reason {
	SIPALG_END_BYE,
	SIPALG_END_CANCELLED,
	SIPALG_END_FAILED,
	SIPALG_END_SESSION_EXPIRED,
	SIPALG_END_MAX_DURATION,
	SIPALG_END_INVITE_TIMEOUT,
	SIPALG_END_IDLE,
	SIPALG_END_EVICTED,
	SIPALG_END_ADMIN,
	SIPALG_END_SIGNALLING_LOST,
	SIPALG_END_MAX
};

enum sipalg_message_reason {
	SIPALG_REASON_NONE,
	SIPALG_REASON_NO_CONNECTION_LINE,
	SIPALG_REASON_NO_PORT_PAIR,
	SIPALG_REASON_PARSE_ERROR,
	SIPALG_REASON_SCREENED,
	SIPALG_REASON_RATE_LIMITED,
	SIPALG_REASON_TOO_LONG,
	SIPALG_REASON_NO_MEMORY,
	SIPALG_REASON_METHOD_DENIED,
	SIPALG_REASON_TOO_MANY_CALLS,
	SIPALG_REASON_TOO_MANY_MEDIA,
	SIPALG_REASON_NOT_SIP,
	SIPALG_REASON_SPLIT_MESSAGE,
	SIPALG_REASON_GSO,
	SIPALG_REASON_NAT64_OUTSIDE,
	SIPALG_REASON_NAT64_ROUTER,
	SIPALG_REASON_NAT64_LOOP,
	SIPALG_REASON_TOO_MANY_REGISTRATIONS,
	SIPALG_REASON_MAX
};

/**
 * sipalg_end_name() - name of an end reason
 * @reason: enum sipalg_end_reason
 *
 * Return: a string constant.
 */
const char *sipalg_end_name(enum sipalg_end_reason reason);

/**
 * sipalg_reason_name() - name of a message reason
 * @reason: enum sipalg_message_reason
 *
 * Return: a string constant.
 */
const char *sipalg_reason_name(enum sipalg_message_reason reason);

#endif
