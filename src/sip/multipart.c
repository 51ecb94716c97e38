// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where in a body the session description is.
 *
 * Multiparts nest, so the delimiters that count at any place are those of all
 * the multiparts around it. They are kept on a short stack and each line that
 * begins with "--" is compared with them, innermost first: one walk over the
 * body, whatever it contains.
 */
#include "sip/host.h"
#include "sip/line.h"
#include "sip/multipart.h"
#include "sip/value.h"

#define MAX_NESTING	4	/* two levels are seen in the field: SIPREC in ISUP */

enum content_kind { CONTENT_OTHER, CONTENT_SDP, CONTENT_MULTIPART };

/* The parameter that names the delimiter, without quotes. */
static struct sip_span boundary_read(const struct sip_msg *msg, const char *p, const char *end)
{
	struct sip_param param;

	while (p && p < end && *p == ';') {
		p = sip_param_read(p + 1, end, &param);
		if (!p || !text_is(param.name, param.name_len, "boundary"))
			continue;
		if (param.value_len < 2 || *param.value != '"')
			return sip_span_of(msg, param.value, param.value + param.value_len);
		return sip_span_of(msg, param.value + 1, param.value + param.value_len - 1);
	}
	return (struct sip_span){ 0, 0 };
}

/* m-type SLASH m-subtype *(SEMI m-parameter) */
static enum content_kind content_kind(const struct sip_msg *msg, const char *p, const char *end,
				      struct sip_span *boundary)
{
	const char *type = p, *type_end, *subtype;

	type_end = text_skip(p, end, TEXT_TOKEN);
	p = text_skip(type_end, end, TEXT_SPACE);
	if (p == end || *p != '/')
		return CONTENT_OTHER;
	subtype = text_skip(p + 1, end, TEXT_SPACE);
	p = text_skip(subtype, end, TEXT_TOKEN);

	if (text_is(type, type_end - type, "application") &&
	    text_is(subtype, p - subtype, "sdp"))
		return CONTENT_SDP;
	if (!text_is(type, type_end - type, "multipart"))
		return CONTENT_OTHER;
	*boundary = boundary_read(msg, text_skip(p, end, TEXT_SPACE), end);
	return boundary->len ? CONTENT_MULTIPART : CONTENT_OTHER;
}

static bool encoding_is_plain(const char *p, u32 len)
{
	return text_is(p, len, "7bit") || text_is(p, len, "8bit") || text_is(p, len, "binary");
}

/* The headers of a part. Returns where its content begins, NULL if nowhere. */
static const char *part_headers(const struct sip_msg *msg, const char *p, const char *end,
				enum content_kind *kind, struct sip_span *boundary)
{
	struct sip_line line = { .next = p };
	bool plain = true;

	*kind = CONTENT_OTHER;
	while (sip_line_walk(&line, end)) {
		if (text_is(line.name, line.name_len, "content-type") ||
		    text_is(line.name, line.name_len, "c"))
			*kind = content_kind(msg, line.value, line.value_end, boundary);
		else if (text_is(line.name, line.name_len, "content-transfer-encoding"))
			plain = encoding_is_plain(line.value, line.value_end - line.value);
	}
	if (!plain)
		*kind = CONTENT_OTHER;
	return line.next;
}

/*
 * Behind the boundary at @p, NULL if another text stands there. A boundary
 * that was quoted may be written with escapes (RFC 3261 25.1: quoted-pair).
 */
static const char *boundary_skip(const struct sip_msg *msg, struct sip_span boundary,
				 const char *p, const char *end)
{
	const char *b = sip_span_ptr(msg, boundary), *b_end = b + boundary.len;

	for (; b < b_end; b++, p++) {
		if (*b == '\\' && b + 1 < b_end)
			b++;
		if (p == end || *p != *b)
			return NULL;
	}
	return p;
}

/*
 * Which multipart's delimiter begins at @p: its place on the stack counted
 * from 1, 0 for none. Nothing but white space may follow.
 */
static u32 delimiter_level(const struct sip_msg *msg, const char *p, const char *end,
			   const struct sip_span *stack, u32 depth, bool *closing)
{
	if (!text_begins(p, end, "--"))
		return 0;
	for (p += 2; depth; depth--) {
		const char *behind = boundary_skip(msg, stack[depth - 1], p, end);

		if (!behind)
			continue;
		*closing = text_begins(behind, end, "--");
		if (*closing)
			behind += 2;
		if (text_trim(behind, end) == behind)
			return depth;
	}
	return 0;
}

/* @p: at a delimiter line. The line end before it belongs to it (RFC 2046). */
static const char *part_end(const char *start, const char *p)
{
	return p > start ? sip_line_end(start, p - 1) : p;
}

static struct sip_span find_part(const struct sip_msg *msg, struct sip_span outer)
{
	struct sip_span stack[MAX_NESTING] = { outer };
	const char *p = sip_span_ptr(msg, msg->body);
	const char *end = p + msg->body.len;
	enum content_kind kind = CONTENT_OTHER;
	const char *content = NULL;
	u32 depth = 1;

	while (p < end) {
		const char *lf = text_find(p, end, '\n');
		const char *next = lf < end ? lf + 1 : end;
		struct sip_span inner;
		bool closing;
		u32 level = delimiter_level(msg, p, lf, stack, depth, &closing);

		if (!level) {
			p = next;
			continue;
		}
		if (kind == CONTENT_SDP)
			return sip_span_of(msg, content, part_end(content, p));
		kind = CONTENT_OTHER;
		depth = closing ? level - 1 : level;
		p = next;
		if (closing)
			continue;
		content = part_headers(msg, p, end, &kind, &inner);
		if (!content)
			break;
		p = content;
		if (kind == CONTENT_MULTIPART && depth < MAX_NESTING)
			stack[depth++] = inner;
	}
	/* The last delimiter is missing: a body cut short. */
	if (kind == CONTENT_SDP && content)
		return sip_span_of(msg, content, end);
	return (struct sip_span){ 0, 0 };
}

struct sip_span sip_body_find_sdp(const struct sip_msg *msg, const char *type,
				  const char *type_end)
{
	struct sip_span boundary;

	switch (content_kind(msg, type, type_end, &boundary)) {
	case CONTENT_SDP:
		return msg->body;
	case CONTENT_MULTIPART:
		return find_part(msg, boundary);
	default:
		return (struct sip_span){ 0, 0 };
	}
}
