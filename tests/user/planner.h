/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The edit planner driven without a kernel: everything in a message that is at
 * one address is said to have moved to another.
 */
#ifndef TEST_PLANNER_H
#define TEST_PLANNER_H

#include "sip/msg.h"
#include "sip/nat64.h"

#define PLANNER_ROOM	(SIP_MAX_MESSAGE + 32768)

/* To another family, as a message does for a phone behind a NAT64. */
enum planner_cross { PLANNER_STAYS, PLANNER_INWARD, PLANNER_OUTWARD };

/**
 * struct planner_move - who has moved, and where to
 * @cross: enum planner_cross; inward from IPv4 to IPv6, outward back
 * @nat64: the prefix, for those that cross
 * @family: AF_INET or AF_INET6, of @from
 * @from: the address that is looked for
 * @to: the one that comes
 * @shift: added to each port that is written beside @from, modulo 2^16; a sum
 *	of 0 means that no port shall be written
 * @media: added to each port of an m= line that is not 0
 */
struct planner_move {
	u8 cross;
	struct sipalg_nat64 nat64;
	u8 family;
	union nf_inet_addr from;
	union nf_inet_addr to;
	u16 shift;
	u16 media;
};

/* The address of the other family that stands for @from, see struct planner_move. */
void planner_cross(struct planner_move *move, enum planner_cross cross);

/*
 * Plans and renders the whole new message. Returns its length; 0: the plan
 * must not be applied.
 */
u32 planner_translate(const struct sip_msg *msg, const struct planner_move *move,
		      char out[PLANNER_ROOM]);

/*
 * parse(translate(m)) == translate(parse(m)): what is wrong with @after, the
 * index of what @before became; a sentence, or NULL.
 */
const char *planner_flaw(const struct sip_msg *before, const struct planner_move *move,
			 const struct sip_msg *after);

#endif
