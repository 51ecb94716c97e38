/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one packet at a time needs and the stack has no room for. Each CPU has a
 * set, taken for as long as a packet is worked on.
 *
 * BH off is not enough to have it alone: on PREEMPT_RT softirqs of one CPU
 * preempt each other.
 */
#ifndef SIPALG_SCRATCH_H
#define SIPALG_SCRATCH_H

#include "media/description.h"
#include "nat/intent.h"
#include "sip/edit.h"
#include "sip/msg.h"

/**
 * struct sipalg_scratch - the set
 * @msg: index of a message
 * @plan: what is to become of it
 * @intents: of @plan
 * @description: of @plan
 * @room: new bytes of a message, from its first edit to its last
 * @out: payload of a segment that is put together from several places
 */
struct sipalg_scratch {
	struct sip_msg msg;
	struct sipalg_plan plan;
	struct sipalg_intents intents;
	struct sipalg_description description;
	char room[SIP_MAX_MESSAGE];
	char out[SIP_MAX_MESSAGE];
};

/* BH off. Not taken twice, and before all other locks of the module. */
void sipalg_scratch_get(void);
void sipalg_scratch_put(void);

/* The set that this CPU has taken. */
struct sipalg_scratch *sipalg_scratch(void);

int sipalg_scratch_init(void);
void sipalg_scratch_exit(void);

#endif
