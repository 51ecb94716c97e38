// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses and numbers as text, without the format machinery: it is on the
 * path of every translated message.
 */
#include <linux/socket.h>
#include "sip/addr_text.h"

unsigned int sipalg_number_text(char *out, u32 value)
{
	char digits[SIPALG_NUMBER_TEXT];
	unsigned int n = 0, i;

	do {
		digits[n++] = '0' + value % 10;
		value /= 10;
	} while (value);

	for (i = 0; i < n; i++)
		out[i] = digits[n - 1 - i];
	return n;
}

static unsigned int octet_text(char *out, u8 octet)
{
	unsigned int n = 0;

	if (octet >= 100)
		out[n++] = '0' + octet / 100;
	if (octet >= 10)
		out[n++] = '0' + octet / 10 % 10;
	out[n++] = '0' + octet % 10;
	return n;
}

static unsigned int ip4_text(char *out, const u8 *octets)
{
	unsigned int n = 0, i;

	for (i = 0; i < 4; i++) {
		if (i)
			out[n++] = '.';
		n += octet_text(out + n, octets[i]);
	}
	return n;
}

static unsigned int hex_text(char *out, u16 value)
{
	unsigned int n = 0;
	int shift;

	for (shift = 12; shift >= 0; shift -= 4) {
		u8 digit = value >> shift & 0xf;

		if (digit || n || !shift)
			out[n++] = "0123456789abcdef"[digit];
	}
	return n;
}

/* RFC 5952 4.2: the first of the longest runs of at least two zero groups. */
static void find_zero_run(const u16 *group, int *start, int *len)
{
	int i, run = 0;

	*start = -1;
	*len = 1;
	for (i = 0; i < 8; i++) {
		run = group[i] ? 0 : run + 1;
		if (run > *len) {
			*len = run;
			*start = i + 1 - run;
		}
	}
}

static unsigned int ip6_text(char *out, const u8 *octets)
{
	int i, zero_start, zero_len;
	unsigned int n = 0;
	u16 group[8];

	for (i = 0; i < 8; i++)
		group[i] = octets[2 * i] << 8 | octets[2 * i + 1];
	find_zero_run(group, &zero_start, &zero_len);

	for (i = 0; i < 8; i++) {
		if (i == zero_start) {
			out[n++] = ':';
			if (!i)
				out[n++] = ':';
			i += zero_len - 1;
			continue;
		}
		n += hex_text(out + n, group[i]);
		if (i < 7)
			out[n++] = ':';
	}
	return n;
}

unsigned int sipalg_ip_text(char *out, u8 family, const union nf_inet_addr *ip)
{
	if (family == AF_INET)
		return ip4_text(out, (const u8 *)&ip->ip);
	return ip6_text(out, (const u8 *)&ip->in6);
}
