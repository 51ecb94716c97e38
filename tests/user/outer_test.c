// SPDX-License-Identifier: GPL-2.0-only
/* public-address: which pairs there may be, and what they change into what. */
#include <arpa/inet.h>
#include <string.h>
#include "sip/addr.h"
#include "sip/outer.h"
#include "tap.h"
#include "tests.h"

static union nf_inet_addr address(const char *text)
{
	union nf_inet_addr addr = { .all = { 0 } };

	inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, &addr);
	return addr;
}

static enum sipalg_outer_flaw add(struct sipalg_outer *outer, const char *local,
				  const char *external)
{
	unsigned int size = strchr(local, ':') ? 16 : 4, other = strchr(external, ':') ? 16 : 4;
	union nf_inet_addr from = address(local), to = address(external);
	u8 bytes[32];

	memcpy(bytes, &from, size);
	memcpy(bytes + size, &to, other);
	return sipalg_outer_add(outer, bytes, size + other);
}

static void flaw(const char *local, const char *external, enum sipalg_outer_flaw wanted)
{
	struct sipalg_outer outer = { .count = 0 };

	add(&outer, "10.0.0.1", "198.51.100.1");
	tap(add(&outer, local, external) == wanted &&
	    outer.count == 1u + (wanted == SIPALG_OUTER_FINE), "public-address %s=%s", local,
	    external);
}

static void changes(const struct sipalg_outer *outer, u8 family, const char *local,
		    const char *external)
{
	union nf_inet_addr from = address(local), to = address(external);

	tap(sipalg_ip_equal(sipalg_outer_external(outer, family, &from), &to) &&
	    sipalg_ip_equal(sipalg_outer_local(outer, family, &to), &from) &&
	    sipalg_outer_external(outer, family, &to) == &to &&
	    sipalg_outer_local(outer, family, &from) == &from, "%s and %s", local, external);
}

void outer_tests(void)
{
	struct sipalg_outer outer = { .count = 0 };
	union nf_inet_addr ip = address("10.0.0.9");
	char local[] = "10.0.1.a", external[] = "198.51.100.1a";
	unsigned int i;

	flaw("10.0.0.2", "198.51.100.2", SIPALG_OUTER_FINE);
	flaw("2001:db8::1", "2001:db8:1::1", SIPALG_OUTER_FINE);
	flaw("10.0.0.2", "2001:db8:1::1", SIPALG_OUTER_SIZE);
	flaw("2001:db8::1", "198.51.100.2", SIPALG_OUTER_SIZE);
	flaw("10.0.0.1", "198.51.100.2", SIPALG_OUTER_TWICE);
	flaw("10.0.0.2", "198.51.100.1", SIPALG_OUTER_TWICE);
	flaw("10.0.0.2", "10.0.0.1", SIPALG_OUTER_TWICE);
	flaw("198.51.100.1", "10.0.0.2", SIPALG_OUTER_TWICE);
	flaw("10.0.0.2", "10.0.0.2", SIPALG_OUTER_TWICE);
	flaw("0.0.0.0", "198.51.100.2", SIPALG_OUTER_SCOPE);
	flaw("10.0.0.2", "127.0.0.1", SIPALG_OUTER_SCOPE);
	flaw("10.0.0.2", "239.0.0.1", SIPALG_OUTER_SCOPE);
	flaw("fe80::1", "2001:db8::1", SIPALG_OUTER_SCOPE);
	flaw("2001:db8::1", "ff0e::1", SIPALG_OUTER_SCOPE);
	flaw("::1", "2001:db8::1", SIPALG_OUTER_SCOPE);
	flaw("::ffff:10.0.0.2", "2001:db8::1", SIPALG_OUTER_SCOPE);

	for (i = 0; i < SIPALG_MAX_OUTER; i++) {
		local[7] = '1' + i % 8;
		local[5] = '1' + i / 8;
		external[11] = '1' + i / 8;
		external[12] = '1' + i % 8;
		tap(add(&outer, local, external) == SIPALG_OUTER_FINE, "pair %u", i + 1);
	}
	tap(add(&outer, "10.9.9.9", "198.51.100.99") == SIPALG_OUTER_MANY, "and no seventeenth");
	changes(&outer, AF_INET, "10.0.1.1", "198.51.100.11");
	changes(&outer, AF_INET, "10.0.2.8", "198.51.100.28");
	tap(sipalg_outer_external(&outer, AF_INET, &ip) == &ip &&
	    sipalg_outer_external(NULL, AF_INET, &ip) == &ip, "what is not named stays");
	/* an IPv6 address may begin with the bytes of an IPv4 one */
	ip = address("10.0.1.1");
	tap(sipalg_outer_external(&outer, AF_INET6, &ip) == &ip, "nor what is of another family");
}
