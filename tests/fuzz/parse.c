// SPDX-License-Identifier: GPL-2.0-only
/*
 * sip_parse(): whatever the bytes are, an index that says SIP_OK can be true,
 * and depends on nothing but the bytes.
 */
#include <string.h>
#include "fuzz.h"
#include "index.h"
#include "sip/frame.h"

static struct sip_msg msg, again;

/* Both framings must agree with the parser on what is a message. */
static void check_frame(const char *data, u32 len, enum sip_result result)
{
	u32 frame_len, body_len = msg.has_content_length ? msg.content_length_value : 0;
	enum sip_frame frame = sip_frame_datagram(data, len);

	FUZZ_ASSERT((frame == SIP_FRAME_MESSAGE) == (result != SIP_NOT_SIP),
		    "a message for the parser and not for the framing, or the reverse");
	if (result != SIP_OK || *data == '\r' || *data == '\n')
		return;
	frame = sip_frame_stream(data, len, SIP_MAX_MESSAGE, &frame_len);
	if (msg.header_len + (u64)body_len > SIP_MAX_MESSAGE)
		FUZZ_ASSERT(frame == SIP_FRAME_TOO_LONG, "not too long");
	else if (msg.header_len + body_len > len)
		FUZZ_ASSERT(frame == SIP_FRAME_MORE &&
			    frame_len == msg.header_len + body_len - len, "other bytes miss");
	else
		FUZZ_ASSERT(frame == SIP_FRAME_MESSAGE &&
			    frame_len == msg.header_len + body_len, "another frame");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	enum sip_result result, result_again;
	const char *flaw;
	char *copy;

	if (len > SIP_MAX_MESSAGE)
		return 0;
	memset(&msg, 0x55, sizeof(msg));
	result = sip_parse((const char *)data, len, &msg);
	check_frame((const char *)data, len, result);

	copy = malloc(len);
	if (len)
		memcpy(copy, data, len);
	memset(&again, 0xaa, sizeof(again));
	result_again = sip_parse(copy, len, &again);
	FUZZ_ASSERT(result == result_again, "a copy is understood differently");
	if (result == SIP_OK) {
		flaw = index_flaw(&msg);
		FUZZ_ASSERT(!flaw, flaw);
		FUZZ_ASSERT(index_equal(&msg, &again), "a copy has another index");
	}
	free(copy);
	return 0;
}
