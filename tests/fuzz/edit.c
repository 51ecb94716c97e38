// SPDX-License-Identifier: GPL-2.0-only
/*
 * The edit planner: whatever can be parsed can be translated, and what comes
 * out is parsed as what was meant; or the plan says that it must not be used.
 */
#include <string.h>
#include <linux/socket.h>
#include "fuzz.h"
#include "index.h"
#include "planner.h"

static struct sip_msg msg, after;
static char moved[PLANNER_ROOM];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Inward what is IPv4; outward what is IPv6, of whatever prefix begins like it. */
static void cross(struct planner_move *move, const uint8_t *data)
{
	static const uint8_t lengths[] = { 32, 40, 48, 56, 64, 96 };
	struct sipalg_nat64 *nat64 = &move->nat64;
	uint8_t *bytes = (uint8_t *)&nat64->prefix;

	nat64->prefix_len = lengths[data[4] % 6];
	if (move->family == AF_INET6)
		memcpy(bytes, &move->from, nat64->prefix_len / 8);
	else
		memcpy(bytes, data + 1, 3);
	bytes[8] = 0;
	planner_cross(move, move->family == AF_INET6 ? PLANNER_OUTWARD : PLANNER_INWARD);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct planner_move move = { .family = AF_INET };
	const struct sip_host *host;
	const char *flaw;
	u32 moved_len;

	/* The first six bytes say who moves, and where to. */
	if (len < 6 || len > SIP_MAX_MESSAGE)
		return 0;
	if (sip_parse((const char *)data + 6, len - 6, &msg) != SIP_OK || !msg.host_count)
		return 0;
	host = &msg.hosts[data[0] % msg.host_count];
	if (host->form != SIP_HOST_IP4 && host->form != SIP_HOST_IP6)
		return 0;
	if (host->form == SIP_HOST_IP6)
		move.family = AF_INET6;
	move.from = host->addr;
	memcpy(&move.to, data + 1, 4);
	move.shift = data[4] * 257;
	move.media = data[5] * 257;
	/* an odd last byte: across families, with a prefix of the length that it says */
	if (data[5] & 1)
		cross(&move, data);

	moved_len = planner_translate(&msg, &move, moved);
	if (!moved_len || moved_len > SIP_MAX_MESSAGE)
		return 0;
	FUZZ_ASSERT(sip_parse(moved, moved_len, &after) == SIP_OK,
		    "what has been translated cannot be parsed");
	flaw = planner_flaw(&msg, &move, &after) ?: index_flaw(&after);
	FUZZ_ASSERT(!flaw, flaw);
	return 0;
}
