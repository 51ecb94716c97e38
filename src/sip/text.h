/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading text that has an end but no NUL.
 *
 * Every reader takes the place it starts at and the first byte that is no
 * longer its own, and returns where it stopped: never beyond the end, NULL
 * where what it was to read is not there. Long stretches are walked a word
 * at a time, because on most machines the kernel's memchr() is a byte loop
 * and a SIP message is mostly bytes nobody asks about.
 */
#ifndef SIPALG_SIP_TEXT_H
#define SIPALG_SIP_TEXT_H

#include <linux/types.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#define TEXT_TOKEN	0x01	/* RFC 3261 25.1: token */
#define TEXT_HOST	0x02	/* letters, digits, '-', '.', and the '_' people use */
#define TEXT_DIGIT	0x04
#define TEXT_HEX	0x08
#define TEXT_SPACE	0x10	/* SP, HTAB, and the CR and LF of a fold */
#define TEXT_ALPHA	0x20
#define TEXT_CONTROL	0x40	/* below SP, and DEL; HTAB excepted */
#define TEXT_STOP	0x80	/* what structures a header's value: < , ; and " */

/* What each byte may be: a sum of the above. */
extern const u8 sip_text_class[256];

static inline bool text_in(char c, u8 classes)
{
	return sip_text_class[(u8)c] & classes;
}

static inline bool text_is_digit(char c)
{
	return (u8)(c - '0') < 10;
}

#define TEXT_EACH(byte)	(0x0101010101010101ULL * (u8)(byte))

/*
 * Bytes at any place as one number. No memcpy(): a kernel that is built without
 * the compiler's builtins, as the user-mode kernel is, would call it each time.
 */
struct text_packed64 {
	__le64 word;
} __packed;

struct text_packed32 {
	__le32 word;
} __packed;

struct text_packed16 {
	__le16 word;
} __packed;

/* Eight bytes, the first of them in the low bits. */
static __always_inline u64 text_word(const char *p)
{
	return le64_to_cpu(((const struct text_packed64 *)p)->word);
}

/* Four bytes, the first of them in the low bits. */
static __always_inline u32 text_half_word(const char *p)
{
	return le32_to_cpu(((const struct text_packed32 *)p)->word);
}

/*
 * 0x80 in each byte of @word that is @c. A borrow may mark a byte above the
 * lowest hit wrongly, so only the lowest is to be believed.
 */
static inline u64 text_hits(u64 word, char c)
{
	u64 diff = word ^ TEXT_EACH(c);

	return (diff - TEXT_EACH(0x01)) & ~diff & TEXT_EACH(0x80);
}

/* The first @c in [p, end), or @end. */
static inline const char *text_find(const char *p, const char *end, char c)
{
	for (; end - p >= 8; p += 8) {
		u64 hits = text_hits(text_word(p), c);

		if (hits)
			return p + (__ffs64(hits) >> 3);
	}
	while (p < end && *p != c)
		p++;
	return p;
}

/*
 * 0x80 in the lowest byte of @word that is below @limit or beyond 0x7f + @limit,
 * and perhaps in some above it: of what headers are written in, in none.
 */
static __always_inline u64 text_unusual(u64 word, u8 limit)
{
	return (word - TEXT_EACH(limit)) & TEXT_EACH(0x80);
}

/* Two bytes, the first of them in the low bits. */
static __always_inline u16 text_pair(const char *p)
{
	return le16_to_cpu(((const struct text_packed16 *)p)->word);
}

#define TEXT_CRLF	('\r' | '\n' << 8)

/*
 * The first CR LF or bare LF in [p, end), or @end. Lines are long, and hardly a
 * byte of theirs is a control character: words without any are passed over.
 */
static inline const char *text_line_end(const char *p, const char *end)
{
	for (; ; p++) {
		for (; end - p >= 16; p += 16) {
			u64 first = text_unusual(text_word(p), ' ');
			u64 second = text_unusual(text_word(p + 8), ' ');

			if (!(first | second))
				continue;
			p += first ? __ffs64(first) >> 3 : 8 + (__ffs64(second) >> 3);
			break;
		}
		if (end - p < 2)
			return p < end && *p == '\n' ? p : end;
		if (text_pair(p) == TEXT_CRLF || *p == '\n')
			return p;
	}
}

/* The first colon in the line that begins at @p, or its end as text_line_end() has it. */
static inline const char *text_colon(const char *p, const char *end)
{
	for (; end - p >= 8; p += 8) {
		u64 word = text_word(p);
		u64 hits = text_hits(word, ':') | text_unusual(word, ' ');

		if (!hits)
			continue;
		p += __ffs64(hits) >> 3;
		if (*p == ':')
			return p;
		break;
	}
	for (; p < end && *p != ':'; p++)
		if (*p == '\n' || (*p == '\r' && end - p > 1 && p[1] == '\n'))
			return p;
	return p;
}

/* The first @a or @b in [p, end), or @end. */
static inline const char *text_find2(const char *p, const char *end, char a, char b)
{
	for (; end - p >= 8; p += 8) {
		u64 word = text_word(p);
		u64 hits = text_hits(word, a) | text_hits(word, b);

		if (hits)
			return p + (__ffs64(hits) >> 3);
	}
	while (p < end && *p != a && *p != b)
		p++;
	return p;
}

/* The first byte in [p, end) that is in none of @classes, or @end. */
static inline const char *text_skip(const char *p, const char *end, u8 classes)
{
	while (p < end && text_in(*p, classes))
		p++;
	return p;
}

/* The first byte in [p, end) that is in one of @classes, or @end. */
static inline const char *text_until(const char *p, const char *end, u8 classes)
{
	while (p < end && !text_in(*p, classes))
		p++;
	return p;
}

/* The first byte in [p, end) that is TEXT_SPACE, or @end. */
static inline const char *text_until_space(const char *p, const char *end)
{
	for (;;) {
		for (; end - p >= 8; p += 8) {
			u64 unusual = text_unusual(text_word(p), ' ' + 1);

			if (unusual) {
				p += __ffs64(unusual) >> 3;
				break;
			}
		}
		if (p == end || text_in(*p, TEXT_SPACE))
			return p;
		p++;
	}
}

/* The first byte in [p, end) that is TEXT_CONTROL, or @end. */
static inline const char *text_until_control(const char *p, const char *end)
{
	for (; end - p >= 8; p += 8) {
		u64 word = text_word(p);

		if (text_unusual(word, ' ') | text_unusual(~word, 0x81))
			break;
	}
	return text_until(p, end, TEXT_CONTROL);
}

/* The first byte in [p, end) that is TEXT_CONTROL or TEXT_SPACE, or @end. */
static inline const char *text_until_low(const char *p, const char *end)
{
	for (; end - p >= 8; p += 8) {
		u64 word = text_word(p);

		if (text_unusual(word, ' ' + 1) | text_unusual(~word, 0x81))
			break;
	}
	return text_until(p, end, TEXT_CONTROL | TEXT_SPACE);
}

/*
 * 0x80 in the lowest byte of @word that may end a parameter's value, and perhaps
 * in some above it: what is below "-", and ":" to "?", of which most do not.
 */
static __always_inline u64 text_stops(u64 word)
{
	return text_unusual(word, '-') | text_unusual(word ^ TEXT_EACH('?'), '?' - ':' + 1);
}

/* The first byte in [p, end) that is TEXT_STOP or TEXT_SPACE, or @end. */
static inline const char *text_until_stop(const char *p, const char *end)
{
	for (;;) {
		for (; end - p >= 8; p += 8) {
			u64 stops = text_stops(text_word(p));

			if (stops) {
				p += __ffs64(stops) >> 3;
				break;
			}
		}
		if (p == end || text_in(*p, TEXT_STOP | TEXT_SPACE))
			return p;
		p++;
	}
}

/* Where [p, end) ends when the white space at its end is left off. */
static inline const char *text_trim(const char *p, const char *end)
{
	while (p < end && text_in(end[-1], TEXT_SPACE))
		end--;
	return end;
}

/*
 * One to seven bytes in one word. Where each of them lands does not matter, as
 * long as it is the same for the bytes compared with.
 */
static __always_inline u64 text_short_word(const char *p, u32 len)
{
	if (len >= 4)
		return (u64)text_half_word(p + len - 4) << 32 | text_half_word(p);
	return (u8)p[0] | (u32)(u8)p[len / 2] << 8 | (u32)(u8)p[len - 1] << 16;
}

/* Capitals of @word count as the small letters that @lower has. */
static __always_inline bool text_same_word(u64 word, u64 lower)
{
	return !((word ^ lower) & ~((lower & TEXT_EACH(0x40)) >> 1));
}

/*
 * Letters of @lower are small and match both cases, other characters match
 * themselves. Both have @len bytes. Meant for constants: it then becomes a
 * few compares of whole words.
 */
static __always_inline bool text_same(const char *p, const char *lower, u32 len)
{
	u32 i;

	for (i = 0; i + 8 <= len; i += 8) {
		if (!text_same_word(text_word(p + i), text_word(lower + i)))
			return false;
	}
	return i == len || text_same_word(text_short_word(p + i, len - i),
					  text_short_word(lower + i, len - i));
}

/* The same for what is to match as it is written. */
static __always_inline bool text_exact(const char *p, const char *other, u32 len)
{
	u32 i;

	for (i = 0; i + 8 <= len; i += 8) {
		if (text_word(p + i) != text_word(other + i))
			return false;
	}
	return i == len ||
	       text_short_word(p + i, len - i) == text_short_word(other + i, len - i);
}

static __always_inline bool text_same_len(const char *p, size_t len, const char *lower,
					  size_t lower_len)
{
	return len == lower_len && text_same(p, lower, lower_len);
}

static __always_inline bool text_same_start(const char *p, const char *end,
					    const char *lower, size_t lower_len)
{
	return end - p >= (ptrdiff_t)lower_len && text_same(p, lower, lower_len);
}

/* Is [p, p + len) the literal @lower, in any case? */
#define text_is(p, len, lower)		text_same_len(p, len, lower, sizeof(lower) - 1)

/* Does [p, end) begin with the literal @lower, in any case? */
#define text_begins(p, end, lower)	text_same_start(p, end, lower, sizeof(lower) - 1)

/*
 * 1*DIGIT as a number, clamped to U32_MAX however long it is. Returns the
 * first byte behind the digits, NULL if there is none.
 */
static inline const char *text_number(const char *p, const char *end, u32 *number)
{
	const char *start = p;
	u64 n = 0;

	for (; p < end && text_is_digit(*p); p++) {
		n = n * 10 + (*p - '0');
		if (n > U32_MAX)
			n = U32_MAX;
	}
	*number = n;
	return p > start ? p : NULL;
}

/* Behind the quoted-string that begins at @p, NULL if it does not end. */
static inline const char *text_skip_quoted(const char *p, const char *end)
{
	for (p++; ; p += 2) {
		p = text_find2(p, end, '"', '\\');
		if (p < end && *p == '"')
			return p + 1;
		if (end - p < 2)	/* a backslash escapes one byte more */
			return NULL;
	}
}

#endif
