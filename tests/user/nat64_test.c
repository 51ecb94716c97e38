// SPDX-License-Identifier: GPL-2.0-only
/* RFC 6052: where an IPv4 address stands in an IPv6 one, and what is a prefix. */
#include <arpa/inet.h>
#include <string.h>
#include "sip/nat64.h"
#include "tap.h"
#include "tests.h"

static union nf_inet_addr address(int family, const char *text)
{
	union nf_inet_addr addr;

	memset(&addr, 0, sizeof(addr));
	inet_pton(family, text, &addr);
	return addr;
}

static struct sipalg_nat64 settings(const char *prefix, u8 len)
{
	return (struct sipalg_nat64){
		.prefix = address(AF_INET6, prefix), .prefix_len = len,
		.pool = address(AF_INET, "10.64.0.0").ip, .pool_len = 12,
	};
}

/* The table of RFC 6052 2.4, all of it for 192.0.2.33. */
static const struct {
	const char *prefix;
	u8 len;
	const char *whole;
} examples[] = {
	{ "2001:db8::", 32, "2001:db8:c000:221::" },
	{ "2001:db8:100::", 40, "2001:db8:1c0:2:21::" },
	{ "2001:db8:122::", 48, "2001:db8:122:c000:2:2100::" },
	{ "2001:db8:122:300::", 56, "2001:db8:122:3c0:0:221::" },
	{ "2001:db8:122:344::", 64, "2001:db8:122:344:c0:2:2100::" },
	{ "2001:db8:122:344::", 96, "2001:db8:122:344::192.0.2.33" },
	{ "64:ff9b::", 96, "64:ff9b::192.0.2.33" },
};

static void example(unsigned int i)
{
	struct sipalg_nat64 nat64 = settings(examples[i].prefix, examples[i].len);
	union nf_inet_addr ip4 = address(AF_INET, "192.0.2.33"), back;
	union nf_inet_addr wanted = address(AF_INET6, examples[i].whole), got;
	u8 *bytes = (u8 *)&got;

	sipalg_nat64_embed(&nat64, &ip4, &got);
	tap(!memcmp(&got, &wanted, sizeof(got)), "RFC 6052 2.4: 192.0.2.33 in %s/%u",
	    examples[i].prefix, examples[i].len);
	tap(sipalg_nat64_extract(&nat64, &got, &back) && !memcmp(&back, &ip4, sizeof(ip4)),
	    "and out of it");

	/* what follows the address may say anything (RFC 6052 2.2) */
	if (examples[i].len < 64) {
		bytes[15] = 1;
		tap(sipalg_nat64_extract(&nat64, &got, &back) && !memcmp(&back, &ip4, sizeof(ip4)),
		    "with a suffix behind it");
	}
	bytes[8] = 1;
	tap(!sipalg_nat64_extract(&nat64, &got, &back), "not with bits 64 to 71 set");
	bytes[8] = 0;
	bytes[examples[i].len / 8 - 1] ^= 1;
	tap(!sipalg_nat64_extract(&nat64, &got, &back), "not out of a neighbour of the prefix");
}

static void prefix(const char *text, u32 len, enum sipalg_nat64_flaw wanted)
{
	union nf_inet_addr addr = address(AF_INET6, text);

	tap(sipalg_nat64_prefix_flaw((const u8 *)&addr, len) == wanted, "nat64-prefix %s/%u", text,
	    len);
}

static void pool(const char *text, u32 len, enum sipalg_nat64_flaw wanted)
{
	union nf_inet_addr addr = address(AF_INET, text);

	tap(sipalg_nat64_pool_flaw((const u8 *)&addr, len) == wanted, "nat64-pool %s/%u", text, len);
}

static void member(const char *text, u8 len, bool wanted)
{
	struct sipalg_nat64 nat64 = settings("64:ff9b::", 96);
	union nf_inet_addr addr = address(AF_INET, text);

	nat64.pool_len = len;
	tap(sipalg_nat64_in_pool(&nat64, &addr) == wanted, "%s and 10.64.0.0/%u", text, len);
}

void nat64_tests(void)
{
	struct sipalg_nat64 none = { .pool_len = 0 };
	union nf_inet_addr any = address(AF_INET6, "::1"), out;
	unsigned int i;

	for (i = 0; i < sizeof(examples) / sizeof(*examples); i++)
		example(i);
	for (i = 0; i <= 255; i++)
		prefix("2000::", i, i == 32 || i == 40 || i == 48 || i == 56 || i == 64 || i == 96 ?
		       SIPALG_NAT64_FINE : SIPALG_NAT64_LENGTH);
	prefix("2001:db8::1", 96, SIPALG_NAT64_BEHIND);
	prefix("2001:db8:1::", 32, SIPALG_NAT64_BEHIND);
	prefix("2001:db8:0:0:100::", 96, SIPALG_NAT64_OCTET);
	prefix("::", 96, SIPALG_NAT64_SCOPE);
	prefix("::ffff:0:0", 96, SIPALG_NAT64_SCOPE);
	prefix("fe80::", 64, SIPALG_NAT64_SCOPE);
	prefix("ff0e::", 96, SIPALG_NAT64_SCOPE);
	prefix("fd00:1::", 64, SIPALG_NAT64_FINE);
	prefix("64:ff9b::", 96, SIPALG_NAT64_FINE);

	pool("10.64.0.0", 10, SIPALG_NAT64_FINE);
	pool("10.0.0.0", 8, SIPALG_NAT64_FINE);
	pool("10.64.0.1", 32, SIPALG_NAT64_FINE);
	pool("10.0.0.0", 7, SIPALG_NAT64_LENGTH);
	pool("10.0.0.0", 33, SIPALG_NAT64_LENGTH);
	pool("10.64.0.1", 31, SIPALG_NAT64_BEHIND);
	pool("0.0.0.0", 8, SIPALG_NAT64_SCOPE);
	pool("127.0.0.0", 8, SIPALG_NAT64_SCOPE);
	pool("169.254.0.0", 16, SIPALG_NAT64_SCOPE);
	pool("224.0.0.0", 8, SIPALG_NAT64_SCOPE);

	member("10.64.0.0", 12, true);
	member("10.79.255.255", 12, true);
	member("10.80.0.0", 12, false);
	member("10.63.255.255", 12, false);
	member("10.64.0.0", 32, true);
	member("10.64.0.1", 32, false);
	member("10.64.0.255", 24, true);
	tap(!sipalg_nat64_in_pool(NULL, &any) && !sipalg_nat64_in_pool(&none, &any) &&
	    !sipalg_nat64_extract(&none, &any, &out), "without the settings nothing is a phone's");
}
