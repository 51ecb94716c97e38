// SPDX-License-Identifier: GPL-2.0-only
/*
 * sip_frame_stream(): a frame is found at the same place however the stream
 * was cut, and what is not whole yet is waited for.
 */
#include <string.h>
#include "fuzz.h"
#include "sip/frame.h"

#define MAX	4096

/* The same bytes where nothing behind them can be read. */
static enum sip_frame frame_of(const uint8_t *data, size_t len, u32 *frame_len)
{
	char *copy = malloc(len);
	enum sip_frame frame;

	if (len)
		memcpy(copy, data, len);
	frame = sip_frame_stream(copy, len, MAX, frame_len);
	free(copy);
	return frame;
}

static void check_cut(const uint8_t *data, size_t cut, enum sip_frame whole, u32 whole_len)
{
	u32 part_len;
	enum sip_frame part = frame_of(data, cut, &part_len);

	if (cut >= whole_len) {
		/* Only behind a NUL: it may be the first byte of STUN. */
		if (whole == SIP_FRAME_KEEPALIVE && !*data)
			return;
		FUZZ_ASSERT(part == whole, "bytes behind a frame make a difference");
		FUZZ_ASSERT(whole == SIP_FRAME_KEEPALIVE || part_len == whole_len,
			    "a frame's length depends on what is behind it");
	} else if (part == SIP_FRAME_KEEPALIVE) {
		FUZZ_ASSERT(whole == SIP_FRAME_KEEPALIVE && part_len && part_len <= cut,
			    "a part of a message is a keepalive");
	} else {
		FUZZ_ASSERT(part == SIP_FRAME_MORE, "a part of a message is not waited for");
		FUZZ_ASSERT(part_len && cut + part_len <= whole_len, "more is missing than there is");
	}
}

/* What has been looked through up to @cut is not looked at again: no difference. */
static void check_resumed(const uint8_t *data, size_t len, size_t cut, enum sip_frame whole,
			  u32 whole_len)
{
	struct sip_frame_scan scan = { 0 };
	char *copy = malloc(len);
	u32 frame_len;

	memcpy(copy, data, len);
	sip_frame_headers(copy, cut, &scan);
	FUZZ_ASSERT(sip_frame_resume(copy, len, MAX, &scan, &frame_len) == whole &&
		    frame_len == whole_len, "what was looked through before makes a difference");
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t cut = 0, at = 0;
	enum sip_frame frame;
	u32 frame_len;

	if (len < 2)
		return 0;
	/* The first two bytes say where to cut. */
	cut = data[0] << 8 | data[1];
	data += 2;
	len -= 2;

	for (; at < len; at += frame_len) {
		frame = frame_of(data + at, len - at, &frame_len);
		check_resumed(data + at, len - at, cut % (len - at + 1), frame, frame_len);
		if (frame == SIP_FRAME_MORE)
			FUZZ_ASSERT(frame_len && len - at < MAX, "waits for ever");
		if (frame != SIP_FRAME_MESSAGE && frame != SIP_FRAME_KEEPALIVE)
			break;
		FUZZ_ASSERT(frame_len && frame_len <= len - at, "a frame beyond the bytes");
		check_cut(data + at, cut % (len - at + 1), frame, frame_len);
	}
	return 0;
}
