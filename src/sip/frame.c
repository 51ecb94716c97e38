// SPDX-License-Identifier: GPL-2.0-only
/*
 * Framing. In a stream a wrong guess cannot be taken back: everything behind
 * it would be read at the wrong place. So what is not proven to be SIP is
 * foreign, and what may still become SIP waits.
 */
#include <linux/minmax.h>
#include "sip/frame.h"
#include "sip/line.h"
#include "sip/names.h"

#define STUN_HEADER	20
#define STUN_HIGHEST	0x11	/* of its first two bytes; above line ends and NUL */
#define LONGEST_METHOD	128	/* in a stream, in bytes */

/*
 * Does a STUN Mapping message (RFC 8489 5) begin at @p, the first @missing
 * bytes of which are gone? With @len bytes at hand: its length if it is one,
 * 0 if not, U32_MAX if more bytes must tell.
 */
static u32 stun_length(const u8 *p, u32 len, u32 missing)
{
	static const u8 cookie[] = { 0x21, 0x12, 0xa4, 0x42 };
	u8 head[8] = { 0 };
	u32 have = min(len + missing, (u32)sizeof(head));

	memcpy(head + missing, p, have - missing);
	if (have < 2)
		return head[0] <= 1 ? U32_MAX : 0;
	if (head[0] > 1 || (head[1] != 0x01 && head[1] != 0x11))
		return 0;
	if (have > 3 && head[3] % 4)
		return 0;
	if (have > 4 && memcmp(head + 4, cookie, have - 4))
		return 0;
	if (have < sizeof(head))
		return U32_MAX;
	return STUN_HEADER + (head[2] << 8 | head[3]) - missing;
}

/* Line ends and NULs: the keepalives of RFC 5626 3.5.1, and of habit. */
static const char *blank_skip(const char *p, const char *end)
{
	while (p < end && (*p == '\r' || *p == '\n' || !*p))
		p++;
	return p;
}

enum sip_frame sip_frame_datagram(const char *data, u32 len)
{
	const char *end = data + len;
	const char *p = data;

	if (blank_skip(data, end) == end || stun_length((const u8 *)data, len, 0) == len)
		return SIP_FRAME_KEEPALIVE;
	while (*p == '\r' || *p == '\n')
		p++;
	if (text_in(*p, TEXT_TOKEN) && sip_line_claims_sip(p, text_find(p, end, '\n')))
		return SIP_FRAME_MESSAGE;
	return SIP_FRAME_FOREIGN;
}

/*
 * Line ends and NULs at the start of [p, end). A STUN message begins with a
 * NUL, so the last of several NULs is left for the next look.
 */
static u32 blank_length(const char *p, const char *end)
{
	const char *behind = p;

	while (behind < end && (*behind == '\r' || *behind == '\n'))
		behind++;
	if (behind > p)
		return behind - p;
	while (behind < end && !*behind)
		behind++;
	if (behind - p > 1 && behind < end)
		behind--;
	return behind - p;
}

/*
 * A keepalive at the start of [p, end): its length, 0 if there is none,
 * U32_MAX if more bytes must tell.
 */
static u32 keepalive_length(const char *p, const char *end)
{
	u32 blank, stun;

	if ((u8)*p > STUN_HIGHEST)
		return 0;
	blank = blank_length(p, end);
	if (blank > 1 || p + blank == end || (blank && *p))
		return blank;
	stun = stun_length((const u8 *)p, end - p, 0);
	/*
	 * A cut right behind the NUL that STUN begins with has made that NUL a
	 * keepalive of its own: to wait for more would hold up real ones.
	 */
	if (!stun && !blank)
		stun = stun_length((const u8 *)p, end - p, 1);
	return stun ?: blank;
}

/* Is [p, end), as far as it goes, the beginning of a start line of SIP? */
static bool begins_like_sip(const char *p, const char *end)
{
	static const char version[] = "sip/2.0 ";
	const char *behind = text_skip(p, end, TEXT_TOKEN);

	/* However the stream was cut: what was not waited for is no SIP later. */
	if (behind - p > LONGEST_METHOD)
		return false;
	if (behind == end)
		return true;
	if (behind == p)
		return false;
	if (*behind == '/')
		return text_same(p, version, min_t(u32, end - p, sizeof(version) - 1));
	if (*behind != ' ')
		return false;
	/* "GET /": no URI of SIP begins with a slash. */
	end = text_trim(behind, end);
	behind = text_skip(behind, end, TEXT_SPACE);
	if (behind < end && *behind == '/')
		return false;
	return text_until_control(behind, end) == end;
}

/* By its first bytes; of most headers no more is read. A fold begins with white space. */
static bool may_be_length(const char *p, const char *end)
{
	static const char name[] = "content-length";

	if ((*p | 0x20) == 'l')
		return true;
	return (*p | 0x20) == 'c' && text_begins(p, end, name);
}

/* The header in [p, end), its line end included. */
static void length_read(const char *p, const char *end, struct sip_frame_scan *scan)
{
	struct sip_line line;
	u32 value;

	if (!sip_line_read(p, end, &line) ||
	    sip_header_find(line.name, line.name_len) != SIP_HEADER_CONTENT_LENGTH)
		return;
	if (text_number(line.value, line.value_end, &value) != line.value_end ||
	    (scan->has_length && scan->length != value))
		scan->bad_length = true;
	scan->has_length = true;
	scan->length = value;
}

/* Of the line that begins at @p and ends at @lf: is there nothing in it? */
static bool is_blank(const char *p, const char *lf)
{
	return lf == p || (lf == p + 1 && *p == '\r');
}

bool sip_frame_headers(const char *data, u32 len, struct sip_frame_scan *scan)
{
	const char *end = data + len, *p = data + scan->line;
	const char *lf = data + scan->at;

	while (!scan->body && (lf = text_line_end(lf, end)) < end) {
		lf += *lf == '\r';
		if (is_blank(p, lf)) {
			scan->body = lf + 1 - data;
			break;
		}
		if (p > data && may_be_length(p, lf)) {
			/* what follows decides whether it goes on in a fold */
			if (lf + 1 == end)
				break;
			if (lf[1] == ' ' || lf[1] == '\t') {
				lf++;
				continue;
			}
			length_read(p, lf + 1, scan);
		}
		p = ++lf;
	}
	scan->line = p - data;
	scan->at = lf - data;
	return scan->body;
}

static enum sip_frame more_or(enum sip_frame too_long, u32 len, u32 max_len, u32 *frame_len)
{
	if (len >= max_len)
		return too_long;
	*frame_len = 1;
	return SIP_FRAME_MORE;
}

static enum sip_frame frame_of(enum sip_frame frame, u64 total, u32 len, u32 max_len,
			       u32 *frame_len)
{
	*frame_len = min_t(u64, total, U32_MAX);
	if (total > max_len)
		return SIP_FRAME_TOO_LONG;
	if (total <= len)
		return frame;
	*frame_len = total - len;
	return SIP_FRAME_MORE;
}

/* Before the headers. SIP_FRAME_MESSAGE: they begin behind the first line. */
static enum sip_frame start_of(const char *data, u32 len, u32 max_len, u32 *frame_len)
{
	const char *end = data + len;
	const char *lf;
	u32 keepalive;

	if (!len)
		return more_or(SIP_FRAME_FOREIGN, len, max_len, frame_len);
	/* Never more at once than a caller keeps. */
	keepalive = keepalive_length(data, data + min(len, max_len));
	if (keepalive == U32_MAX)
		return more_or(SIP_FRAME_FOREIGN, len, max_len, frame_len);
	if (keepalive)
		return frame_of(SIP_FRAME_KEEPALIVE, keepalive, len, max_len, frame_len);

	lf = text_find(data, end, '\n');
	if (!begins_like_sip(data, lf))
		return SIP_FRAME_FOREIGN;
	if (lf == end)
		return more_or(SIP_FRAME_FOREIGN, len, max_len, frame_len);
	return sip_line_claims_sip(data, lf) ? SIP_FRAME_MESSAGE : SIP_FRAME_FOREIGN;
}

enum sip_frame sip_frame_resume(const char *data, u32 len, u32 max_len,
				struct sip_frame_scan *scan, u32 *frame_len)
{
	*frame_len = 0;
	if (!scan->is_sip) {
		enum sip_frame frame = start_of(data, len, max_len, frame_len);

		if (frame != SIP_FRAME_MESSAGE)
			return frame;
		scan->is_sip = true;
	}
	if (!sip_frame_headers(data, len, scan))
		return more_or(SIP_FRAME_TOO_LONG, len, max_len, frame_len);
	if (scan->bad_length)
		return SIP_FRAME_FOREIGN;
	return frame_of(SIP_FRAME_MESSAGE,
			(u64)scan->body + (scan->has_length ? scan->length : 0),
			len, max_len, frame_len);
}

enum sip_frame sip_frame_stream(const char *data, u32 len, u32 max_len, u32 *frame_len)
{
	struct sip_frame_scan scan = { 0 };

	return sip_frame_resume(data, len, max_len, &scan, frame_len);
}

static bool begins_method(const char *p, u32 len)
{
	enum sip_method method;

	for (method = SIP_METHOD_UNKNOWN + 1; method < SIP_METHOD_MAX; method++) {
		const char *name = sip_method_name(method);
		u32 i = 0;

		while (i < len && name[i] && p[i] == name[i])
			i++;
		if (i == len)
			return true;
	}
	return false;
}

bool sip_frame_expected(const char *data, u32 len)
{
	const char *end = data + len;
	const char *line_end = text_find(data, end, '\n');
	const char *token_end = text_skip(data, line_end, TEXT_TOKEN);

	if (line_end < end)
		return sip_line_claims_sip(data, line_end);
	if (token_end == end)
		return begins_method(data, len) ||
		       (len <= 3 && text_same(data, "sip", len));
	/* "SIP/" has been looked at while it was framed */
	return *token_end == '/' ||
	       sip_method_find(data, token_end - data) != SIP_METHOD_UNKNOWN;
}

/* m-type SLASH m-subtype: application/sdp, or multipart/anything. */
static bool may_describe(const char *p, const char *end)
{
	const char *type_end = text_skip(p, end, TEXT_TOKEN);
	const char *subtype = text_skip(type_end, end, TEXT_SPACE);

	if (text_is(p, type_end - p, "multipart"))
		return true;
	if (subtype == end || *subtype != '/' ||
	    !text_is(p, type_end - p, "application"))
		return false;
	subtype = text_skip(subtype + 1, end, TEXT_SPACE);
	return text_is(subtype, text_skip(subtype, end, TEXT_TOKEN) - subtype, "sdp");
}

bool sip_frame_opaque(const char *data, u32 len)
{
	const char *end = data + len;
	const char *p = text_find(data, end, '\n');
	struct sip_line line;

	if (p == end)
		return false;
	line.next = p + 1;
	while (sip_line_walk(&line, end))
		if (sip_header_find(line.name, line.name_len) == SIP_HEADER_CONTENT_TYPE &&
		    may_describe(line.value, line.value_end))
			return false;
	return line.next;
}
