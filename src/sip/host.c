// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host and port. The kernel's in4_pton() and in6_pton() are not used: they
 * take leading zeros and other doubtful forms for addresses, and an address
 * that two readers understand differently must not be translated.
 */
#include <linux/minmax.h>
#include <linux/swab.h>
#include "sip/host.h"

#define IP4_ROOM	16	/* bytes at hand for an address and what ends it */
#define IP4_SHORTEST	7	/* bytes of 0.0.0.0 */

/*
 * 0..255 in one to three digits without leading zeros. The end of
 * an octet is not predictable, and a message has dozens of them: so all its
 * digits are read in one word, without a branch for each.
 */
static __always_inline const char *octet_read(const char *p, u8 *octet)
{
	u32 digits = text_half_word(p) ^ 0x30303030;
	/* 0x80 in each byte that is no digit */
	u32 others = (((digits & 0x7f7f7f7f) + 0x76767676) | digits) & 0x80808080;
	u32 bits;

	if (!others)
		return NULL;
	bits = __ffs64(others) - 7;	/* eight of each digit */
	if (!bits || (!(u8)digits && bits > 8))
		return NULL;
	/* as many bytes, the last digit highest, and zeros before the first */
	digits <<= (32 - bits) & 31;
	if (__swab32(digits) > 0x00020505)
		return NULL;
	/* 100, 10 and 1 times a byte meet in the highest */
	*octet = digits * (1 | 10 << 8 | 100 << 16) >> 24;
	return p + bits / 8;
}

/* IP4_ROOM bytes can be read from @p on. */
static __always_inline const char *octets_read(const char *p, u8 addr[4])
{
	int i;

	for (i = 0; i < 3; i++) {
		p = octet_read(p, &addr[i]);
		if (!p || *p++ != '.')
			return NULL;
	}
	return octet_read(p, &addr[3]);
}

/* Where less is at hand, or what follows makes it look like something else. */
static const char *ip4_read_apart(const char *p, const char *end, u8 addr[4])
{
	char apart[IP4_ROOM + 1] = "";
	const char *behind;

	memcpy(apart, p, min_t(ptrdiff_t, end - p, IP4_ROOM));
	behind = octets_read(apart, addr);
	return behind ? p + (behind - apart) : NULL;
}

/* Do the bytes at @p spell @literal? IP4_ROOM bytes can be read of both. */
static bool is_spelt(const struct sip_literal *literal, const char *text, const char *p)
{
	u32 len = literal->len;
	u64 diff;

	if (!len)
		return false;
	diff = text_word(p) ^ text_word(text);
	if (len == IP4_SHORTEST)
		return !(diff << 8) && !text_is_digit(p[len]);
	return !diff && text_word(p + len - 8) == text_word(text + len - 8) &&
	       !text_is_digit(p[len]);
}

/* A message has one address many times, and seldom more than two. */
static const char *ip4_read_again(const struct sip_msg *msg, const char *p, __be32 *addr)
{
	const struct sip_literal *literal;

	for (literal = msg->literals; literal < msg->literals + SIP_LITERALS; literal++)
		if (is_spelt(literal, msg->data + literal->off, p)) {
			*addr = literal->ip;
			return p + literal->len;
		}
	return NULL;
}

static const char *ip4_read_first(struct sip_msg *msg, const char *p, __be32 *addr)
{
	const char *behind = octets_read(p, (u8 *)addr);

	if (!behind)
		return NULL;
	msg->literals[msg->next_literal] = (struct sip_literal){
		.off = p - msg->data,
		.len = behind - p,
		.ip = *addr,
	};
	msg->next_literal = (msg->next_literal + 1) % SIP_LITERALS;
	return behind;
}

static const char *ip4_read(struct sip_msg *msg, const char *p, const char *end, __be32 *addr)
{
	const char *behind;

	if (p == end || !text_is_digit(*p))
		return NULL;
	if (msg->data + msg->len - p >= IP4_ROOM) {
		behind = ip4_read_again(msg, p, addr) ?: ip4_read_first(msg, p, addr);
		if (behind && behind <= end)
			return behind;
	}
	return ip4_read_apart(p, end, (u8 *)addr);
}

static u32 hex_value(char c)
{
	return text_is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* One to four hex digits, two bytes of an address. */
static const char *group_read(const char *p, const char *end, u8 *group)
{
	const char *start = p;
	u32 n = 0;

	while (p < end && p - start < 4 && text_in(*p, TEXT_HEX))
		n = n << 4 | hex_value(*p++);
	if (p == start)
		return NULL;
	group[0] = n >> 8;
	group[1] = n;
	return p;
}

/* Of @len bytes those behind @gap, where "::" stood, move to the end. */
static bool gap_fill(u8 addr[16], int len, int gap)
{
	if (gap < 0)
		return len == 16;
	if (len > 14)		/* "::" stands for two bytes at least */
		return false;
	memmove(addr + 16 - (len - gap), addr + gap, len - gap);
	memset(addr + gap, 0, 16 - len);
	return true;
}

static bool ip4_tail_read(struct sip_msg *msg, const char *p, const char *end, u8 addr[4])
{
	__be32 ip;

	if (ip4_read(msg, p, end, &ip) != end)
		return false;
	memcpy(addr, &ip, sizeof(ip));
	return true;
}

/* RFC 4291 2.2, all three forms; [p, end) must be exactly the address. */
static bool ip6_read(struct sip_msg *msg, const char *p, const char *end, u8 addr[16])
{
	int len = 0, gap = -1;
	const char *next;

	if (text_begins(p, end, "::")) {
		gap = 0;
		p += 2;
	}
	while (p < end) {
		if (len == 16)
			return false;
		next = group_read(p, end, addr + len);
		if (!next)
			return false;
		if (next < end && *next == '.')	/* the last four bytes, dotted */
			return len <= 12 && ip4_tail_read(msg, p, end, addr + len) &&
			       gap_fill(addr, len + 4, gap);
		len += 2;
		p = next;
		if (p == end)
			break;
		if (*p++ != ':' || p == end)
			return false;
		if (*p == ':') {
			if (gap >= 0)
				return false;
			gap = len;
			p++;
		}
	}
	return gap_fill(addr, len, gap);
}

/*
 * [v6]. Text in brackets that is no IPv6 address (a zone, the three colons of RFC
 * 5118 4.10) is treated as a name.
 */
static const char *reference_read(struct sip_msg *msg, const char *p, const char *end,
				  struct sip_host *host)
{
	const char *close = text_find(p, end, ']');

	host->bracketed = 1;
	if (close == end || close == p + 1)
		return NULL;
	if (ip6_read(msg, p + 1, close, (u8 *)&host->addr)) {
		host->form = SIP_HOST_IP6;
		return close + 1;
	}
	for (p++; p < close; p++) {
		if (!text_in(*p, TEXT_HOST) && *p != ':' && *p != '%')
			return NULL;
	}
	host->addr = (union nf_inet_addr){ 0 };
	host->form = SIP_HOST_NAME;
	return close + 1;
}

const char *sip_host_read(struct sip_msg *msg, const char *p, const char *end,
			  struct sip_host *host)
{
	const char *start = p;

	*host = (struct sip_host){ 0 };
	if (p < end && *p == '[') {
		p = reference_read(msg, p, end, host);
		if (!p)
			return NULL;
	} else {
		p = ip4_read(msg, start, end, &host->addr.ip);
		if (p && (p == end || !text_in(*p, TEXT_HOST))) {
			host->form = SIP_HOST_IP4;
		} else {
			host->addr = (union nf_inet_addr){ 0 };
			host->form = SIP_HOST_NAME;
			p = text_skip(start, end, TEXT_HOST);
			if (p == start)
				return NULL;
		}
	}
	host->host = sip_span_of(msg, start, p);
	return p;
}

bool sip_host_read_bare(struct sip_msg *msg, const char *p, const char *end,
			struct sip_host *host)
{
	if (sip_host_read(msg, p, end, host) == end)
		return true;

	*host = (struct sip_host){ 0 };
	if (!ip6_read(msg, p, end, (u8 *)&host->addr))
		return false;
	host->form = SIP_HOST_IP6;
	host->host = sip_span_of(msg, p, end);
	return true;
}

const char *sip_port_read(const struct sip_msg *msg, const char *p, const char *end,
			  struct sip_span *digits, u16 *port)
{
	const char *start = p;
	u32 number = 0;

	for (; p < end && text_is_digit(*p); p++) {
		number = number * 10 + (*p - '0');
		if (number > U16_MAX)
			return NULL;
	}
	if (p == start)
		return NULL;
	*digits = sip_span_of(msg, start, p);
	*port = number;
	return p;
}
