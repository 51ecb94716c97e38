// SPDX-License-Identifier: GPL-2.0-only
/* Host and port tokens, and the URIs around them. */
#include <stdio.h>
#include <string.h>
#include "guard.h"
#include "sip/host.h"
#include "sip/uri.h"
#include "tap.h"
#include "tests.h"

static struct sip_msg msg;

static const struct host_case {
	const char *text;
	int len;		/* bytes that are the host; -1: no host */
	int form;
	const char *addr;	/* in hex, as it must be decoded */
} hosts[] = {
	{ "10.0.0.1", 8, SIP_HOST_IP4, "0a000001" },
	{ "255.255.255.255", 15, SIP_HOST_IP4, "ffffffff" },
	{ "0.0.0.0", 7, SIP_HOST_IP4, "00000000" },
	{ "10.0.0.1:5060", 8, SIP_HOST_IP4, "0a000001" },
	{ "10.0.0.1;lr", 8, SIP_HOST_IP4, "0a000001" },
	{ "10.0.0.11", 9, SIP_HOST_IP4, "0a00000b" },
	{ "110.0.0.12", 10, SIP_HOST_IP4, "6e00000c" },
	{ "1.1.1.1", 7, SIP_HOST_IP4, "01010101" },
	{ "9.10.99.100", 11, SIP_HOST_IP4, "090a6364" },
	{ "10.0.0.1\xb1", 8, SIP_HOST_IP4, "0a000001" },
	/* What another reader may take for another address is a name. */
	{ "10.0.0.01", 9, SIP_HOST_NAME, NULL },
	{ "010.0.0.1", 9, SIP_HOST_NAME, NULL },
	{ "10.0.00.1", 9, SIP_HOST_NAME, NULL },
	{ "1.1.1", 5, SIP_HOST_NAME, NULL },
	{ "1.1..1.1", 8, SIP_HOST_NAME, NULL },
	{ "10.0.0.256", 10, SIP_HOST_NAME, NULL },
	{ "10.0.0", 6, SIP_HOST_NAME, NULL },
	{ "10.0.0.", 7, SIP_HOST_NAME, NULL },
	{ "10.0.0.1.", 9, SIP_HOST_NAME, NULL },
	{ "10.0.0.1.2", 10, SIP_HOST_NAME, NULL },
	{ "10.0.0.1a", 9, SIP_HOST_NAME, NULL },
	{ "10.0.0.1-x", 10, SIP_HOST_NAME, NULL },
	{ "10.0.0.1000", 11, SIP_HOST_NAME, NULL },
	{ "0x0a.0.0.1", 10, SIP_HOST_NAME, NULL },
	{ "10..0.1", 7, SIP_HOST_NAME, NULL },
	{ "example.com", 11, SIP_HOST_NAME, NULL },
	{ "Host_with-all.X1;", 16, SIP_HOST_NAME, NULL },
	{ "", -1, 0, NULL },
	{ ";lr", -1, 0, NULL },
	{ "@", -1, 0, NULL },
	{ "[2001:db8::1]", 13, SIP_HOST_IP6, "20010db8000000000000000000000001" },
	{ "[2001:DB8:0:1:22:333:4444:FfFf]", 31, SIP_HOST_IP6, "20010db80000000100220333" "4444ffff" },
	{ "[::]", 4, SIP_HOST_IP6, "00000000000000000000000000000000" },
	{ "[::1]:5060", 5, SIP_HOST_IP6, "00000000000000000000000000000001" },
	{ "[1::]", 5, SIP_HOST_IP6, "00010000000000000000000000000000" },
	{ "[::ffff:192.0.2.10]", 19, SIP_HOST_IP6, "00000000000000000000ffffc000020a" },
	{ "[1:2:3:4:5:6:1.2.3.4]", 21, SIP_HOST_IP6, "00010002000300040005000601020304" },
	{ "[1:2:3:4:5:6:7::]", 17, SIP_HOST_IP6, "00010002000300040005000600070000" },
	{ "[2001:db8::1", -1, 0, NULL },
	{ "[]", -1, 0, NULL },
	{ "[::1;lr]", -1, 0, NULL },
	/* In brackets, but no address: a name too. */
	{ "[1]", 3, SIP_HOST_NAME, NULL },
	{ "[:1]", 4, SIP_HOST_NAME, NULL },
	{ "[1:]", 4, SIP_HOST_NAME, NULL },
	{ "[:::]", 5, SIP_HOST_NAME, NULL },
	{ "[1::2::3]", 9, SIP_HOST_NAME, NULL },
	{ "[12345::]", 9, SIP_HOST_NAME, NULL },
	{ "[1:2:3:4:5:6:7:8:9]", 19, SIP_HOST_NAME, NULL },
	{ "[1:2:3:4:5:6:7]", 15, SIP_HOST_NAME, NULL },
	{ "[1:2:3:4::5:6:7:8]", 18, SIP_HOST_NAME, NULL },
	{ "[1:2:3:4:5:6:7:1.2.3.4]", 23, SIP_HOST_NAME, NULL },
	{ "[::1.2.3]", 9, SIP_HOST_NAME, NULL },
	{ "[fe80::1%eth0]", 14, SIP_HOST_NAME, NULL },
	{ "[10.0.0.1]", 10, SIP_HOST_NAME, NULL },
};

static const char *place_text(const char *text)
{
	size_t len = strlen(text);

	msg.data = guard_behind(text, len);
	msg.len = len;
	memset(msg.literals, 0, sizeof(msg.literals));
	return msg.data;
}

static bool addr_is(const struct sip_host *host, const char *hex)
{
	char text[33];
	int i;

	for (i = 0; i < 16; i++)
		sprintf(text + 2 * i, "%02x", ((const u8 *)&host->addr)[i]);
	return strspn(text + (hex ? strlen(hex) : 0), "0") == 32 - (hex ? strlen(hex) : 0) &&
	       (!hex || !strncmp(text, hex, strlen(hex)));
}

static bool host_is_read(const struct host_case *c)
{
	const char *p = place_text(c->text);
	struct sip_host host;
	const char *behind = sip_host_read(&msg, p, p + msg.len, &host);

	if (c->len < 0)
		return !behind;
	return behind == p + c->len && host.form == c->form && host.host.off == 0 &&
	       host.host.len == c->len && addr_is(&host, c->addr) &&
	       host.bracketed == (*p == '[');
}

/* SDP and received=: the same without brackets. */
static bool bare_is_read(const struct host_case *c)
{
	size_t len = strlen(c->text);
	struct sip_host host;
	char bare[64];
	const char *p;

	snprintf(bare, sizeof(bare), "%.*s", (int)len - 2, c->text + 1);
	p = place_text(bare);
	if (c->form != SIP_HOST_IP6)
		return !sip_host_read_bare(&msg, p, p + msg.len, &host);
	return sip_host_read_bare(&msg, p, p + msg.len, &host) &&
	       host.form == SIP_HOST_IP6 && !host.bracketed && addr_is(&host, c->addr);
}

static const struct uri_case {
	const char *text;
	int result;
	const char *host;	/* and what it is, for SIP_URI_HOST */
	int port;
	bool secure;
	const char *maddr;
} uris[] = {
	{ "sip:alice@10.0.0.1:5060;transport=udp", SIP_URI_HOST, "10.0.0.1", 5060, 0, NULL },
	{ "SIP:10.0.0.1", SIP_URI_HOST, "10.0.0.1", 0, 0, NULL },
	{ "sips:a@[2001:db8::1]:5061", SIP_URI_HOST, "[2001:db8::1]", 5061, 1, NULL },
	{ "sIpS:a@b", SIP_URI_HOST, "b", 0, 1, NULL },
	{ "sip:alice:secret@10.0.0.1", SIP_URI_HOST, "10.0.0.1", 0, 0, NULL },
	{ "sip:a;x=10.0.0.9?y=10.0.0.8&z/@10.0.0.1", SIP_URI_HOST, "10.0.0.1", 0, 0, NULL },
	{ "sip:+15551234;phone-context=10.0.0.9@10.0.0.1;user=phone", SIP_URI_HOST, "10.0.0.1", 0,
	  0, NULL },
	{ "sip:10.0.0.1;maddr=239.255.255.1;ttl=15", SIP_URI_HOST, "10.0.0.1", 0, 0,
	  "239.255.255.1" },
	{ "sip:a@b;lr;MAddr=[::1]", SIP_URI_HOST, "b", 0, 0, "[::1]" },
	{ "sip:a@b;xmaddr=10.0.0.1", SIP_URI_HOST, "b", 0, 0, NULL },
	{ "sip:b@10.0.0.1?Replaces=12%4010.0.0.9;maddr=10.0.0.9", SIP_URI_HOST, "10.0.0.1", 0, 0,
	  NULL },
	{ "sip:b@10.0.0.1:0", SIP_URI_HOST, "10.0.0.1", 0, 0, NULL },
	{ "sip:b@10.0.0.1:65535", SIP_URI_HOST, "10.0.0.1", 65535, 0, NULL },
	{ "sip:b@10.0.0.1:65536", SIP_URI_BAD, NULL, 0, 0, NULL },
	{ "sip:b@10.0.0.1:", SIP_URI_BAD, NULL, 0, 0, NULL },
	{ "sip:b@10.0.0.1 x", SIP_URI_BAD, NULL, 0, 0, NULL },
	{ "sip:b@c@10.0.0.1", SIP_URI_BAD, NULL, 0, 0, NULL },
	{ "sip:2001:db8::10", SIP_URI_BAD, NULL, 0, 0, NULL },
	{ "sip:", SIP_URI_BAD, NULL, 0, 0, NULL },
	{ "sip:a@", SIP_URI_BAD, NULL, 0, 0, NULL },
	{ "sips:", SIP_URI_BAD, NULL, 0, 0, NULL },
	{ "tel:+15551234", SIP_URI_FOREIGN, NULL, 0, 0, NULL },
	{ "tel:10.0.0.1", SIP_URI_FOREIGN, NULL, 0, 0, NULL },
	{ "http://10.0.0.1/", SIP_URI_FOREIGN, NULL, 0, 0, NULL },
	{ "urn:service:sos", SIP_URI_FOREIGN, NULL, 0, 0, NULL },
	{ "mailto:a@10.0.0.1", SIP_URI_FOREIGN, NULL, 0, 0, NULL },
	{ "sipx:a@10.0.0.1", SIP_URI_FOREIGN, NULL, 0, 0, NULL },
	{ "soap.beep://10.0.0.1", SIP_URI_FOREIGN, NULL, 0, 0, NULL },
	/* S3-58: no scheme */
	{ "212@10.10.10.5", SIP_URI_HOST, "10.10.10.5", 0, 0, NULL },
	{ "733@10.66.66.122:5062", SIP_URI_HOST, "10.66.66.122", 5062, 0, NULL },
	{ "alice@10.0.0.1", SIP_URI_HOST, "10.0.0.1", 0, 0, NULL },
	{ "10.0.0.1:5060", SIP_URI_HOST, "10.0.0.1", 5060, 0, NULL },
	{ "[2001:db8::1]:5060", SIP_URI_HOST, "[2001:db8::1]", 5060, 0, NULL },
	{ "*", SIP_URI_FOREIGN, NULL, 0, 0, NULL },
	{ "", SIP_URI_FOREIGN, NULL, 0, 0, NULL },
};

static bool host_text_is(const struct sip_host *host, const char *text)
{
	return host->host.len == strlen(text) &&
	       !memcmp(sip_span_ptr(&msg, host->host), text, host->host.len);
}

static bool uri_is_read(const struct uri_case *c)
{
	const char *p = place_text(c->text);
	u16 index = SIP_NO_INDEX;
	int result;

	msg.host_count = 0;
	result = sip_uri_read(&msg, p, p + msg.len, SIP_FIELD_CONTACT, 3,
			      &index);
	if (result != c->result || msg.host_count != (c->host ? 1 : 0) + (c->maddr ? 1 : 0))
		return false;
	if (!c->host)
		return index == SIP_NO_INDEX;
	if (c->maddr && (!host_text_is(&msg.hosts[1], c->maddr) ||
			 msg.hosts[1].field != SIP_FIELD_URI_MADDR))
		return false;
	return index == 0 && host_text_is(&msg.hosts[0], c->host) &&
	       msg.hosts[0].port == c->port &&
	       msg.hosts[0].secure == c->secure &&
	       msg.hosts[0].field == SIP_FIELD_CONTACT &&
	       msg.hosts[0].value == 3;
}

/* Of addresses that begin alike, and of all lengths. */
static const char *const alike[] = {
	"1.1.1.1", "1.1.1.12", "1.1.1.123", "1.1.1.2", "10.1.1.1", "10.1.1.11", "10.1.1.111",
	"100.100.1.1", "100.100.1.11", "100.100.100.100", "100.100.100.10", "100.100.100.1",
	"01.1.1.1", "1.1.1.1.1", "1.1.1.1234", "1.1.1", "192.168.100.200", "192.168.100.20",
};

/* As if nothing had been read before. */
static bool is_read_alone(const char *text, const struct sip_host *got)
{
	const char *p = place_text(text);
	struct sip_host host;

	return sip_host_read(&msg, p, p + strlen(text), &host) &&
	       host.form == got->form && host.host.len == got->host.len &&
	       !memcmp(&host.addr, &got->addr, sizeof(host.addr));
}

/* @third stands behind two others, which have been read. */
static bool is_read_again(const char *first, const char *second, const char *third)
{
	struct sip_host host;
	const char *p, *end;
	char line[80];

	snprintf(line, sizeof(line), "%s %s %s ", first, second, third);
	p = place_text(line);
	end = p + strlen(line) - 1;
	p = sip_host_read(&msg, p, end, &host);
	p = sip_host_read(&msg, p + 1, end, &host);
	return sip_host_read(&msg, p + 1, end, &host) == end && is_read_alone(third, &host);
}

static bool are_read_again(const char *third)
{
	size_t i, j;

	for (i = 0; i < sizeof(alike) / sizeof(*alike); i++)
		for (j = 0; j < sizeof(alike) / sizeof(*alike); j++)
			if (!is_read_again(alike[i], alike[j], third))
				return false;
	return true;
}

#define EACH(i, array)	for (i = 0; i < sizeof(array) / sizeof(*(array)); i++)

void host_tests(void)
{
	size_t i;

	EACH(i, hosts)
		tap(host_is_read(&hosts[i]), "host '%s'", hosts[i].text);
	EACH(i, hosts) {
		const char *text = hosts[i].text;

		if (*text == '[' && text[1] && text[strlen(text) - 1] == ']' &&
		    strcmp(text, "[10.0.0.1]") && strcmp(text, "[]") && strcmp(text, "[1]"))
			tap(bare_is_read(&hosts[i]), "host '%s' without brackets", text);
	}
	EACH(i, alike)
		tap(are_read_again(alike[i]), "host '%s' behind others that begin alike", alike[i]);
	EACH(i, uris)
		tap(uri_is_read(&uris[i]), "URI '%s'", uris[i].text);
}
