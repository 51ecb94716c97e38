// SPDX-License-Identifier: GPL-2.0-only
/* The setting public-address against the addresses that this router has. */
#include <arpa/inet.h>
#include <string.h>
#include "check.h"
#include "ctl.h"

/* What is found amiss, as lists of addresses; NULL: nothing is. */
struct outer {
	const struct check *c;
	unsigned int count;
	char *strange;
	char *own;
};

static bool is_own(const struct outer *outer, int family, const uint8_t *bytes, char *text)
{
	struct fw_range range;

	inet_ntop(family, bytes, text, INET6_ADDRSTRLEN);
	return fw_range_read(text, &range) && network_has(&outer->c->net, &range);
}

static void look_at(struct outer *outer, const struct nlattr *pair)
{
	const uint8_t *bytes = mnl_attr_get_payload(pair);
	unsigned int size = mnl_attr_get_payload_len(pair) / 2;
	int family = size == 4 ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN];

	outer->count++;
	if (!is_own(outer, family, bytes, text))
		outer->strange = text_and(outer->strange, text);
	if (is_own(outer, family, bytes + size, text))
		outer->own = text_and(outer->own, text);
}

static int take_setting(const struct nlmsghdr *answer, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1], *attr;

	attrs_of(answer, top, SIPALG_A_MAX);
	if (!top[SIPALG_A_SETTING])
		return MNL_CB_OK;
	mnl_attr_for_each_nested(attr, top[SIPALG_A_SETTING])
		if (mnl_attr_get_type(attr) == SIPALG_A_SETTING_PAIR)
			look_at(data, attr);
	return MNL_CB_OK;
}

static void say_strange(const struct outer *outer)
{
	static const char question[] = "each LOCAL of public-address is an address of this router";

	if (outer->strange)
		say(LEVEL_NOTE, question,
		    text_of("%s is on no interface. That is right for a host behind this router, or a pool of snat; if this router's address has changed, the setting must follow.",
			    outer->strange), "");
	else
		say(LEVEL_OK, question, "", "");
}

static void say_own(const struct outer *outer)
{
	static const char question[] = "no EXTERNAL of public-address is an address of this router";

	if (outer->own)
		say(LEVEL_FAULT, question,
		    text_of("%s is: no NAT outside gives it. LOCAL comes first: LOCAL=EXTERNAL.",
			    outer->own),
		    "Type: sipalg-ctl setting set public-address none");
	else
		say(LEVEL_OK, question, "", "");
}

void check_outer(const struct check *c)
{
	struct outer outer = { .c = c };
	struct request request;

	request_init(&request, SIPALG_CMD_SETTING_GET, true);
	if (request_send(&request, take_setting, &outer) || !outer.count)
		return;
	say_strange(&outer);
	say_own(&outer);
}
