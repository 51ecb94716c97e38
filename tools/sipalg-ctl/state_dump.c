// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole state of a call, for call show: what another router would need
 * to continue it (doc/dev/restore.md).
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "ctl.h"

/* How an attribute is told. */
enum form { NUMBER, WORD, BYTES, FLAG, ENDPOINT, IP };

struct field {
	int attr;
	const char *key;
	enum form form;
};

static const struct field party_fields[] = {
	{ SIPALG_A_PARTY_SIDE, "side", WORD },
	{ SIPALG_A_PARTY_ADDRESS, "address", ENDPOINT },
	{ SIPALG_A_PARTY_PUBLIC, "public", ENDPOINT },
	{ SIPALG_A_PARTY_CONTACT, "contact", IP },
	{ SIPALG_A_PARTY_INVITE_CSEQ, "invite_cseq", NUMBER },
	{ SIPALG_A_PARTY_SPOKE, "spoke", FLAG },
	{ SIPALG_A_PARTY_HELD, "held", FLAG },
	{ SIPALG_A_PARTY_HELD_OFFERED, "held_offered", FLAG },
	{ SIPALG_A_PARTY_HAS_SDP_OFFER, "has_sdp_offer", FLAG },
	{}
};

static const struct field dialog_fields[] = {
	{ SIPALG_A_DIALOG_FORK, "fork", NUMBER },
	{ SIPALG_A_DIALOG_TAG, "tag", BYTES },
	{ SIPALG_A_DIALOG_CONFIRMED, "confirmed", FLAG },
	{ SIPALG_A_DIALOG_ENDED, "ended", FLAG },
	{ SIPALG_A_DIALOG_CALLER_ANSWERED, "caller_answered_cseq", NUMBER },
	{ SIPALG_A_DIALOG_CALLEE_ANSWERED, "callee_answered_cseq", NUMBER },
	{}
};

static const struct field timer_fields[] = {
	{ SIPALG_A_TIMER_NAME, "name", WORD },
	{ SIPALG_A_TIMER_REMAINING, "remaining_ms", NUMBER },
	{}
};

static const struct field section_fields[] = {
	{ SIPALG_A_SECTION_INDEX, "index", NUMBER },
	{ SIPALG_A_SECTION_SIDE, "side", WORD },
	{ SIPALG_A_SECTION_FORK, "fork", NUMBER },
	{ SIPALG_A_SECTION_KIND, "kind", WORD },
	{ SIPALG_A_SECTION_PROTOCOL, "protocol", WORD },
	{ SIPALG_A_SECTION_PRIVATE, "private", ENDPOINT },
	{ SIPALG_A_SECTION_PRIVATE_RTCP, "private_rtcp", NUMBER },
	{ SIPALG_A_SECTION_PUBLIC, "public", ENDPOINT },
	{ SIPALG_A_SECTION_PUBLIC_RTCP, "public_rtcp", NUMBER },
	{ SIPALG_A_SECTION_SEEN, "seen_seconds_ago", NUMBER },
	{ SIPALG_A_SECTION_TRANSLATED, "translated", FLAG },
	{ SIPALG_A_SECTION_OFFERED, "offered", FLAG },
	{ SIPALG_A_SECTION_ACTIVE, "active", FLAG },
	{ SIPALG_A_SECTION_HELD, "held", FLAG },
	{ SIPALG_A_SECTION_HELD_OFFERED, "held_offered", FLAG },
	{ SIPALG_A_SECTION_IDLE, "idle", FLAG },
	{ SIPALG_A_SECTION_ICE_UNTOUCHED, "ice_untouched", FLAG },
	{ SIPALG_A_SECTION_OUTSIDE, "outside", FLAG },
	{ SIPALG_A_SECTION_HAIRPIN, "hairpin", FLAG },
	{}
};

static const struct field sig_pinhole_fields[] = {
	{ SIPALG_A_SIG_PINHOLE_SIDE, "side", WORD },
	{ SIPALG_A_SIG_PINHOLE_FORK, "fork", NUMBER },
	{ SIPALG_A_SIG_PINHOLE_FIELD, "field", WORD },
	{ SIPALG_A_SIG_PINHOLE_PROTOCOL, "protocol", WORD },
	{ SIPALG_A_SIG_PINHOLE_DESTINATION, "destination", ENDPOINT },
	{ SIPALG_A_SIG_PINHOLE_REAL, "real", ENDPOINT },
	{ SIPALG_A_SIG_PINHOLE_INSIDE, "inside", FLAG },
	{}
};

static const struct field state_dump_fields[] = {
	{ SIPALG_A_STATE_DUMP_PROTOCOL, "protocol", WORD },
	{ SIPALG_A_STATE_DUMP_INSIDE, "inside", IP },
	{ SIPALG_A_STATE_DUMP_STATE, "exact_state", WORD },
	{ SIPALG_A_STATE_DUMP_REASON, "reason", WORD },
	{ SIPALG_A_STATE_DUMP_ANSWERED, "answered_seconds_ago", NUMBER },
	{ SIPALG_A_STATE_DUMP_INVITE_EXPIRES, "invite_expires_seconds", NUMBER },
	{ SIPALG_A_STATE_DUMP_BYE_CSEQ, "bye_cseq", NUMBER },
	{ SIPALG_A_STATE_DUMP_BYE_SIDE, "bye_side", WORD },
	{ SIPALG_A_STATE_DUMP_BYE_FORK, "bye_fork", NUMBER },
	{}
};

/* The lists in it, by the attribute that is an entry. */
static const struct list {
	int attr;
	const char *key;
	const struct field *fields;
} lists[] = {
	{ SIPALG_A_STATE_DUMP_PARTY, "parties", party_fields },
	{ SIPALG_A_STATE_DUMP_DIALOG, "dialogs", dialog_fields },
	{ SIPALG_A_STATE_DUMP_TIMER, "timers", timer_fields },
	{ SIPALG_A_STATE_DUMP_SECTION, "sections", section_fields },
	{ SIPALG_A_STATE_DUMP_SIG_PINHOLE, "signalling_pinholes", sig_pinhole_fields },
};

static void json_ip(const char *key, const struct nlattr *attr)
{
	char text[INET6_ADDRSTRLEN];
	int family = mnl_attr_get_payload_len(attr) == 4 ? AF_INET : AF_INET6;

	json_word(key, inet_ntop(family, mnl_attr_get_payload(attr), text, sizeof(text)) ?: "");
}

/* What is absent is left out, but for flags. */
static void json_field(const struct field *field, const struct nlattr *attr)
{
	char text[ENDPOINT_TEXT];

	if (field->form == FLAG) {
		json_number(field->key, attr ? 1 : 0);
		return;
	}
	if (!attr)
		return;
	switch (field->form) {
	case NUMBER:
		json_number(field->key, mnl_attr_get_u32(attr));
		break;
	case WORD:
		json_word(field->key, mnl_attr_get_str(attr));
		break;
	case BYTES:
		json_string(field->key, mnl_attr_get_payload(attr),
			    mnl_attr_get_payload_len(attr));
		break;
	case ENDPOINT:
		json_word(field->key, endpoint_text(attr, text, sizeof(text)));
		break;
	default:
		json_ip(field->key, attr);
	}
}

#define MOST_ATTRS	32

static void json_fields(const struct nlattr *nest, const struct field *field)
{
	const struct nlattr *attrs[MOST_ATTRS + 1];

	attrs_nested(nest, attrs, MOST_ATTRS);
	for (; field->key; field++)
		json_field(field, attrs[field->attr]);
}

void state_dump_json(const struct nlattr *dump)
{
	const struct nlattr *attr;
	size_t i;

	json_fields(dump, state_dump_fields);
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		json_open(lists[i].key, '[');
		mnl_attr_for_each_nested(attr, dump) {
			if (mnl_attr_get_type(attr) != lists[i].attr)
				continue;
			json_open(NULL, '{');
			json_fields(attr, lists[i].fields);
			json_close('}');
		}
		json_close(']');
	}
}

/* For people what ends or closes something, and when. */
void state_dump_print_timers(const struct nlattr *dump)
{
#define TIMER(id, name, teardown, help)	{ name, help },
	static const struct {
		const char *name;
		const char *text;
	} texts[] = {
#include "../../src/core/timers.def"
	};
	const struct nlattr *attr, *attrs[SIPALG_A_TIMER_MAX + 1];
	char left[16];
	size_t i;

	puts("timers");
	mnl_attr_for_each_nested(attr, dump) {
		if (mnl_attr_get_type(attr) != SIPALG_A_STATE_DUMP_TIMER)
			continue;
		attrs_nested(attr, attrs, SIPALG_A_TIMER_MAX);
		people_time(mnl_attr_get_u32(attrs[SIPALG_A_TIMER_REMAINING]) / 1000, left,
			    sizeof(left));
		for (i = 0; i < ARRAY_SIZE(texts); i++)
			if (!strcmp(texts[i].name, mnl_attr_get_str(attrs[SIPALG_A_TIMER_NAME])))
				printf("  in %-9s  %s\n", left, texts[i].text);
	}
}
