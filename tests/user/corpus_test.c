// SPDX-License-Identifier: GPL-2.0-only
/* Every message of tests/corpus: its index, its prefixes, its frame. */
#include <stdlib.h>
#include <string.h>
#include "corpus.h"
#include "guard.h"
#include "index.h"
#include "sip/frame.h"
#include "tap.h"
#include "tests.h"

static struct sip_msg msg, again;

/* The index that the file tells, with nothing before or behind it readable. */
static bool index_is_expected(const struct corpus_message *message)
{
	enum sip_result result;
	const char *flaw = NULL;
	bool good, same;
	char *text;

	memset(&again, 0xaa, sizeof(again));
	sip_parse(guard_before(message->data, message->len), message->len, &again);
	memset(&msg, 0x55, sizeof(msg));
	result = sip_parse(guard_behind(message->data, message->len), message->len, &msg);
	text = index_text(result, &msg);
	good = !strcmp(text, message->expected);
	if (!good)
		tap_differ(text, message->expected);
	free(text);
	if (result != SIP_OK)
		return good;

	flaw = index_flaw(&msg);
	if (flaw)
		tap_note("%s", flaw);
	same = index_equal(&msg, &again);
	if (!same)
		tap_note("the index depends on what was in it or where the bytes stand");
	return good && !flaw && same;
}

static bool prefixes_are_safe(const struct corpus_message *message)
{
	enum sip_result result;
	const char *flaw;
	size_t len;
	u16 header_len;

	header_len = sip_parse(message->data, message->len, &msg) == SIP_OK ?
		msg.header_len : message->len;
	for (len = 0; len < message->len; len++) {
		result = sip_parse(guard_behind(message->data, len), len, &msg);
		flaw = result == SIP_OK ? index_flaw(&msg) : NULL;
		if (flaw || (result == SIP_OK && len < header_len)) {
			tap_note("the first %zu bytes: %s", len, flaw ?: "no header is there yet");
			return false;
		}
	}
	return true;
}

/*
 * In a stream each message is waited for until it is whole, and what follows
 * makes no difference.
 */
static bool cuts_are_waited_for(const struct corpus_message *message)
{
	enum sip_frame whole, part;
	u32 whole_len, part_len;
	size_t len;

	whole = sip_frame_stream(message->data, message->len, SIP_MAX_MESSAGE, &whole_len);
	for (len = 0; len < message->len; len++) {
		part = sip_frame_stream(guard_behind(message->data, len), len,
					SIP_MAX_MESSAGE, &part_len);
		if (whole == SIP_FRAME_MESSAGE && len < whole_len ?
		    part != SIP_FRAME_MORE || !part_len || len + part_len > whole_len :
		    whole == SIP_FRAME_MESSAGE ?
		    part != whole || part_len != whole_len :
		    part == SIP_FRAME_MESSAGE && part_len > len) {
			tap_note("cut at %zu of %zu: frame %d, %u bytes", len, message->len,
				 part, part_len);
			return false;
		}
	}
	return true;
}

/* Both framings and the parser agree on what is a message. */
static bool framing_agrees(const struct corpus_message *message)
{
	enum sip_result result = sip_parse(message->data, message->len, &msg);
	enum sip_frame frame = sip_frame_datagram(message->data, message->len);
	u32 frame_len, body_len;

	if ((frame == SIP_FRAME_MESSAGE) != (result != SIP_NOT_SIP))
		return false;
	if (result != SIP_OK)
		return true;
	frame = sip_frame_stream(message->data, message->len, SIP_MAX_MESSAGE, &frame_len);
	body_len = msg.has_content_length ? msg.content_length_value : 0;
	if (msg.header_len + (u64)body_len > SIP_MAX_MESSAGE)
		return frame == SIP_FRAME_TOO_LONG;
	if (msg.header_len + body_len > message->len)
		return frame == SIP_FRAME_MORE &&
		       frame_len == msg.header_len + body_len - message->len;
	return frame == SIP_FRAME_MESSAGE && frame_len == msg.header_len + body_len;
}

/* What only names somebody, and is not looked at where nobody asks for it. */
static bool only_names(const struct sip_host *host)
{
	return host->field == SIP_FIELD_FROM || host->field == SIP_FIELD_TO ||
	       (host->field >= SIP_FIELD_REFERRED_BY &&
		host->field <= SIP_FIELD_HISTORY_INFO);
}

/* Who asks for no hosts gets all the same but for those, and an maddr. */
static bool unasked_is_left_out(const struct corpus_message *message)
{
	static const u8 rule[SIP_FIELD_MAX];
	const struct sip_asked nothing = { .rule = rule, .request = 0xff, .response = 0xff };
	enum sip_result all, some;
	u32 i, j = 0;

	all = sip_parse(message->data, message->len, &msg);
	memset(&again, 0xaa, sizeof(again));
	some = sip_parse_asked(guard_behind(message->data, message->len), message->len, &again,
			       &nothing);
	if (all != SIP_OK || some != SIP_OK)
		return all == some;
	for (i = 0; i < msg.host_count; i++)
		if (j < again.host_count && again.hosts[j].field == msg.hosts[i].field &&
		    again.hosts[j].host.off == msg.hosts[i].host.off)
			j++;
		else if (!only_names(&msg.hosts[i]) && msg.hosts[i].field != SIP_FIELD_URI_MADDR)
			return false;
	return j == again.host_count && again.contact_count == msg.contact_count &&
	       again.media_count == msg.media_count &&
	       again.from_tag.off == msg.from_tag.off && again.from_tag.len == msg.from_tag.len &&
	       again.to_tag.off == msg.to_tag.off && again.to_tag.len == msg.to_tag.len &&
	       again.to_uri.off == msg.to_uri.off && again.to_uri.len == msg.to_uri.len;
}

static void visit(const struct corpus_message *message)
{
	tap(index_is_expected(message), "%s (%s)", message->title, message->name);
	tap(prefixes_are_safe(message), "every prefix of %s", message->name);
	tap(cuts_are_waited_for(message), "H-3 every cut of %s", message->name);
	tap(framing_agrees(message), "the frame of %s", message->name);
	tap(unasked_is_left_out(message), "what nobody asks for in %s", message->name);
}

void corpus_tests(const char *dir)
{
	corpus_each(dir, visit);
}
