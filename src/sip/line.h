/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines: the start line and the header lines of RFC 3261 7, also used for the
 * headers of a body part.
 *
 * A line ends in CRLF or in a bare LF; a bare CR is an ordinary byte. A line
 * that begins with SP or HTAB continues the header before it (folding).
 */
#ifndef SIPALG_SIP_LINE_H
#define SIPALG_SIP_LINE_H

#include "sip/text.h"

/**
 * struct sip_line - one header, folds included
 * @name: first byte of the line
 * @name_len: bytes of the name without white space before the colon; 0 for a
 *	line that has no colon
 * @value: first byte behind the colon and the white space after it
 * @value_end: behind the last byte of the value that is not white space
 * @next: first byte of the next line
 */
struct sip_line {
	const char *name;
	u32 name_len;
	const char *value;
	const char *value_end;
	const char *next;
};

/* Behind the blank line at @p, NULL if there is none. */
static inline const char *sip_line_blank(const char *p, const char *end)
{
	if (p < end && *p == '\r')
		p++;
	return p < end && *p == '\n' ? p + 1 : NULL;
}

/* The end of [p, lf) without the CR of a CRLF. */
static inline const char *sip_line_end(const char *p, const char *lf)
{
	return p < lf && lf[-1] == '\r' ? lf - 1 : lf;
}

/*
 * Reads the header that begins at @p. False if [p, end) ends before the
 * header's LF.
 */
static inline bool sip_line_read(const char *p, const char *end, struct sip_line *line)
{
	const char *colon = text_find2(p, end, ':', '\n');
	const char *lf = colon;

	line->name = p;
	line->name_len = 0;
	line->value = colon;
	if (colon < end && *colon == ':') {
		line->name_len = text_trim(p, colon) - p;
		lf = text_find_far(colon + 1, end, '\n');
	}
	while (end - lf > 1 && (lf[1] == ' ' || lf[1] == '\t'))
		lf = text_find(lf + 1, end, '\n');
	if (lf == end)
		return false;

	if (line->name_len)
		line->value = text_skip(colon + 1, lf, TEXT_SPACE);
	line->value_end = text_trim(line->value, lf);
	line->next = lf + 1;
	return true;
}

/*
 * Reads the header at @line->next and moves on. False when there is none: then
 * @line->next is the first byte of the body, or NULL if the blank line is not
 * before @end.
 */
static inline bool sip_line_walk(struct sip_line *line, const char *end)
{
	const char *p = line->next;

	line->next = sip_line_blank(p, end);
	return !line->next && sip_line_read(p, end, line);
}

/*
 * A start line claims to be SIP when it begins (response) or ends (request)
 * with the version. White space at its end is forgiven, as RFC 4475 3.1.2.10
 * allows.
 */
static inline bool sip_line_claims_sip(const char *p, const char *end)
{
	end = text_trim(p, end);
	if (text_begins(p, end, "sip/2.0 "))
		return true;
	return end - p > 8 && text_same(end - 8, " sip/2.0", 8);
}

#endif
