/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a call ended, why a message was dropped or passed unchanged.
 *
 * Each has one name, the same in counters, events, tracepoints and the log.
 */
#ifndef SIPALG_REASON_H
#define SIPALG_REASON_H

#define END_REASON(id, name, meaning)		SIPALG_END_##id,
enum sipalg_end_reason {
#include "core/reasons.def"
	SIPALG_END_MAX
};

#define MESSAGE_REASON(id, name, meaning)	SIPALG_REASON_##id,
enum sipalg_message_reason {
	SIPALG_REASON_NONE,
#include "core/reasons.def"
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
