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

/* Behind the line end that text_line_end() has found before @end. */
static inline const char *sip_line_behind(const char *p)
{
	return p + 1 + (*p == '\r');
}

/* Does the line that begins at @p continue the one before it? */
static inline bool sip_line_folds(const char *p, const char *end)
{
	return p < end && (*p == ' ' || *p == '\t');
}

/*
 * Reads the header that begins at @p. False if [p, end) ends before the
 * header's LF.
 */
static inline bool sip_line_read(const char *p, const char *end, struct sip_line *line)
{
	const char *colon = text_colon(p, end);
	const char *stop = text_line_end(colon, end);
	const char *next;

	line->name = p;
	line->name_len = 0;
	line->value = colon;
	for (;; stop = text_line_end(next, end)) {
		if (stop == end)
			return false;
		next = sip_line_behind(stop);
		if (!sip_line_folds(next, end))
			break;
	}
	line->next = next;
	if (*colon == ':') {
		line->name_len = text_trim(p, colon) - p;
		line->value = text_skip(colon + 1, stop, TEXT_SPACE);
	}
	line->value_end = text_trim(line->value, stop);
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
