/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a call ended, why a message was dropped or passed unchanged.
 *
 * One word each, the same in counters, events, tracepoints and the log.
 */
#ifndef SIPALG_REASON_H
#define SIPALG_REASON_H

#define SIPALG_END_REASONS(X)						\
	X(BYE,			"bye")					\
	X(CANCELLED,		"cancelled")				\
	X(FAILED,		"failed")				\
	X(SESSION_EXPIRED,	"session_expired")			\
	X(MAX_DURATION,		"max_duration")				\
	X(INVITE_TIMEOUT,	"invite_timeout")			\
	X(IDLE,			"idle")					\
	X(EVICTED,		"evicted")				\
	X(ADMIN,		"admin")				\
	X(SIGNALLING_LOST,	"signalling_lost")

#define SIPALG_MESSAGE_REASONS(X)					\
	X(NO_CONNECTION_LINE,	"no_connection_line")			\
	X(NO_PORT_PAIR,		"no_port_pair")				\
	X(PARSE_ERROR,		"parse_error")				\
	X(SCREENED,		"screened")				\
	X(RATE_LIMITED,		"rate_limited")				\
	X(TOO_LONG,		"too_long")				\
	X(NO_MEMORY,		"no_memory")				\
	X(METHOD_DENIED,	"method_denied")			\
	X(TOO_MANY_CALLS,	"too_many_calls")			\
	X(TOO_MANY_MEDIA,	"too_many_media")			\
	X(NOT_SIP,		"not_sip")				\
	X(SPLIT_MESSAGE,	"split_message")			\
	X(GSO,			"gso")

enum sipalg_end_reason {
#define X(name, word) SIPALG_END_##name,
	SIPALG_END_REASONS(X)
#undef X
	SIPALG_END_MAX
};

enum sipalg_message_reason {
	SIPALG_REASON_NONE,
#define X(name, word) SIPALG_REASON_##name,
	SIPALG_MESSAGE_REASONS(X)
#undef X
	SIPALG_REASON_MAX
};

/**
 * sipalg_end_word() - the word for an end of a call
 * @reason: enum sipalg_end_reason
 *
 * Return: a string constant.
 */
const char *sipalg_end_word(enum sipalg_end_reason reason);

/**
 * sipalg_reason_word() - the word for a dropped or unchanged message
 * @reason: enum sipalg_message_reason
 *
 * Return: a string constant.
 */
const char *sipalg_reason_word(enum sipalg_message_reason reason);

#endif
