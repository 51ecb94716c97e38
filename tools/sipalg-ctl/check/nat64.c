// SPDX-License-Identifier: GPL-2.0-only
/* Phones behind a NAT64: the translator, the ways to it, and the helper's side of it. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "check.h"
#include "ctl.h"

/* What the two settings say; @prefix_len 0: there is no translator. */
struct nat64 {
	uint8_t prefix[16];
	uint8_t prefix_len;
	uint8_t pool[4];
	uint8_t pool_len;
};

static int take_setting(const struct nlmsghdr *answer, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1], *attrs[SIPALG_A_SETTING_MAX + 1], *prefix;
	struct nat64 *nat64 = data;
	const uint8_t *bytes;

	attrs_of(answer, top, SIPALG_A_MAX);
	attrs_nested(top[SIPALG_A_SETTING], attrs, SIPALG_A_SETTING_MAX);
	prefix = attrs[SIPALG_A_SETTING_PREFIX];
	if (!prefix)
		return MNL_CB_OK;
	bytes = mnl_attr_get_payload(prefix);
	if (mnl_attr_get_payload_len(prefix) == 17) {
		memcpy(nat64->prefix, bytes, 16);
		nat64->prefix_len = bytes[16];
	} else if (mnl_attr_get_payload_len(prefix) == 5) {
		memcpy(nat64->pool, bytes, 4);
		nat64->pool_len = bytes[4];
	}
	return MNL_CB_OK;
}

static struct fw_range range_of(uint8_t family, const uint8_t *addr, uint8_t len)
{
	struct fw_range range;
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family, addr, text, sizeof(text));
	fw_range_read(text_of("%s/%u", text, len), &range);
	return range;
}

/* The interface that leads to an address; NULL: none does. */
static char *device_to(uint8_t family, const uint8_t *addr)
{
	char text[INET6_ADDRSTRLEN], *printed, *word, *device = NULL;

	inet_ntop(family, addr, text, sizeof(text));
	printed = output_of(text_of("ip route get %s 2>/dev/null", text));
	word = printed ? strstr(printed, " dev ") : NULL;
	if (word) {
		word += 5;
		word[strcspn(word, "\n ")] = '\0';
		device = text_of("%s", word);
	}
	free(printed);
	return device;
}

static bool is_uplink(const struct check *c, const char *device)
{
	unsigned int i;

	for (i = 0; i < c->net.count; i++)
		if (!strcmp(c->net.links[i].name, device))
			return c->net.links[i].uplink;
	return false;
}

/* @device: that leads to the pool, and not out into the world; or NULL */
static void check_ways(const struct check *c, const struct nat64 *nat64, const char *device)
{
	static const char question[] = "nat64-prefix and nat64-pool lead to the translator";
	const char *prefix_device;
	uint8_t host[16];

	memcpy(host, nat64->prefix, sizeof(host));
	host[15] |= 1;
	prefix_device = device_to(AF_INET6, host);
	if (!prefix_device || is_uplink(c, prefix_device))
		say(LEVEL_FAULT, question, "No route leads from here to nat64-prefix.",
		    "Type: ip -6 route add PREFIX dev nat64");
	else if (!device)
		say(LEVEL_FAULT, question, "No route leads from here to nat64-pool.",
		    "Type: ip route add POOL dev nat64");
	else
		say(LEVEL_OK, question, "", "");
}

static bool link_says(const char *device, const char *word)
{
	char *printed = output_of(text_of("ip -details link show dev %s 2>/dev/null", device));
	bool found = printed && strstr(printed, word);

	free(printed);
	return found;
}

/* A tunnel device has a carrier as long as a program holds it. */
static void check_translator(const struct check *c, const char *device)
{
	static const char question[] = "the translator of nat64-prefix runs";

	if (!device)
		say(LEVEL_UNKNOWN, question, "No interface is known to lead to it.", "");
	else if (link_says(device, "LOWER_UP"))
		say(LEVEL_OK, question, "", "");
	else
		say(LEVEL_FAULT, question, text_of("%s has no carrier: nobody translates.", device),
		    how_to_start_tayga(c));
}

static bool gets_helper(const struct check *c, struct fw_packet *packet)
{
	struct fw_fate fate;

	packet->protocol = IPPROTO_UDP;
	packet->state = "new";
	packet->sport = fw_number(1024, 65535);
	packet->dport = fw_number(5060, 5060);
	packet->hopeful = true;
	fw_walk(&c->fw, packet, &fate);
	return fate.helper && !strcmp(fate.helper, c->helper);
}

static void check_sides(const struct check *c, const struct nat64 *nat64, const char *device)
{
	static const char four[] = "phones behind the translator have the helper, as IPv4";
	static const char six[] = "their IPv6 flows to the translator have none";
	struct fw_packet packet = { .family = AF_INET, .iif = device };

	if (!c->fw.known || !device)
		return;
	packet.src = range_of(AF_INET, nat64->pool, nat64->pool_len);
	fw_range_read("0.0.0.0/0", &packet.dst);
	packet.real = packet.dst;
	if (gets_helper(c, &packet))
		say(LEVEL_OK, four, "", "");
	else
		say(LEVEL_FAULT, four,
		    text_of("No rule attaches it to SIP that comes in by %s.", device),
		    "recipes/nat64/nat64.nft has the rules.");
	packet = (struct fw_packet){ .family = AF_INET6, .oif = device };
	fw_range_read("::/0", &packet.src);
	packet.dst = range_of(AF_INET6, nat64->prefix, nat64->prefix_len);
	packet.real = packet.dst;
	if (gets_helper(c, &packet))
		say(LEVEL_NOTE, six,
		    "Each call is followed twice: before the translator and behind it.",
		    "Let the rule say: meta nfproto ipv4, or ip6 daddr != nat64-prefix.");
	else
		say(LEVEL_OK, six, "", "");
}

/* What stands behind a tunnel device is tayga, or as good as it. */
static void check_checksums(const char *device)
{
	static const char question[] = "media without UDP checksums passes the translator";

	if (device && link_says(device, " tun type tun"))
		say(LEVEL_NOTE, question,
		    "tayga 0.9.2 drops UDP that comes without a checksum; some gateways send RTP so.",
		    "Jool's SIIT amends it: recipes/nat64/jool.sh.");
}

static bool load(struct nat64 *nat64)
{
	struct request request;

	memset(nat64, 0, sizeof(*nat64));
	request_init(&request, SIPALG_CMD_SETTING_GET, true);
	return !request_send(&request, take_setting, nat64) && nat64->prefix_len;
}

/* An address of the pool that may be a phone's. */
static void phone_of(const struct nat64 *nat64, uint8_t phone[4])
{
	memcpy(phone, nat64->pool, 4);
	phone[3] |= nat64->pool_len < 32;
}

const char *nat64_device(void)
{
	struct nat64 nat64;
	uint8_t phone[4];

	if (!load(&nat64))
		return NULL;
	phone_of(&nat64, phone);
	return device_to(AF_INET, phone);
}

void check_nat64(const struct check *c)
{
	const char *device = c->translator;
	struct nat64 nat64;

	if (!load(&nat64))
		return;
	if (device && is_uplink(c, device))
		device = NULL;
	check_ways(c, &nat64, device);
	check_translator(c, device);
	check_sides(c, &nat64, device);
	check_checksums(device);
}
