// SPDX-License-Identifier: GPL-2.0-only
/* sipalg-ctl registration: who can be called, and until when. */
#include <stdio.h>
#include <string.h>
#include "ctl.h"

/* The next attribute that says who may call it, behind @at; NULL: the first. */
static const struct nlattr *next_caller(const struct nlattr *registration, const struct nlattr *at)
{
	const struct nlattr *attr;
	bool behind = !at;

	mnl_attr_for_each_nested(attr, registration) {
		if (behind && mnl_attr_get_type(attr) == SIPALG_A_REGISTRATION_CALLER)
			return attr;
		behind |= attr == at;
	}
	return NULL;
}

/* A whole address without its length. */
static const char *caller_text(const struct nlattr *caller, char *text, size_t size)
{
	unsigned int len = mnl_attr_get_payload_len(caller);
	const uint8_t *bytes = mnl_attr_get_payload(caller);
	unsigned int bits = bytes[len - 1];

	prefix_text(bytes, len, text, size);
	if (bits == 8 * (len - 1))
		*strchr(text, '/') = '\0';
	return bits ? text : "any";
}

static void callers_json(const struct nlattr *registration)
{
	const struct nlattr *caller = NULL;
	char text[PREFIX_TEXT];

	json_open("callers", '[');
	while ((caller = next_caller(registration, caller)))
		json_word(NULL, caller_text(caller, text, sizeof(text)));
	json_close(']');
}

static bool is_registrar(const struct nlattr *caller, const struct nlattr *registrar)
{
	const struct nlattr *attrs[SIPALG_A_ENDPOINT_MAX + 1];
	unsigned int len = mnl_attr_get_payload_len(caller) - 1;
	const uint8_t *bytes = mnl_attr_get_payload(caller);

	attrs_nested(registrar, attrs, SIPALG_A_ENDPOINT_MAX);
	return bytes[len] == 8 * len &&
	       mnl_attr_get_payload_len(attrs[SIPALG_A_ENDPOINT_IP]) == len &&
	       !memcmp(mnl_attr_get_payload(attrs[SIPALG_A_ENDPOINT_IP]), bytes, len);
}

#define INDENT		6
#define SCREEN_WIDTH	80

/* Where it is more than the registrar: the lines below, cut between callers. */
static void print_callers(const struct nlattr *registration, const struct nlattr *registrar)
{
	const struct nlattr *caller = next_caller(registration, NULL);
	char text[PREFIX_TEXT];
	const char *word;
	size_t column;

	if (!caller || (!next_caller(registration, caller) && is_registrar(caller, registrar)))
		return;
	column = printf("%*scalls from", INDENT, "");
	for (; caller; caller = next_caller(registration, caller)) {
		word = caller_text(caller, text, sizeof(text));
		if (column + strlen(word) + 2 > SCREEN_WIDTH) {
			printf("\n%*s", INDENT, "");
			column = INDENT;
		}
		column += printf(" %s%s", word, next_caller(registration, caller) ? "," : "");
	}
	putchar('\n');
}

void registration_json_fields(const struct nlattr *registration)
{
	const struct nlattr *attrs[SIPALG_A_REGISTRATION_MAX + 1];
	char text[ENDPOINT_TEXT];

	attrs_nested(registration, attrs, SIPALG_A_REGISTRATION_MAX);

	json_number("id", number_of(attrs[SIPALG_A_REGISTRATION_NUMBER]));
	json_name("account", attrs[SIPALG_A_REGISTRATION_ACCOUNT]);
	json_word("protocol", mnl_attr_get_str(attrs[SIPALG_A_REGISTRATION_PROTOCOL]));
	json_word("private", endpoint_text(attrs[SIPALG_A_REGISTRATION_PRIVATE],
					   text, sizeof(text)));
	json_word("public", endpoint_text(attrs[SIPALG_A_REGISTRATION_PUBLIC],
					  text, sizeof(text)));
	json_word("registrar", endpoint_text(attrs[SIPALG_A_REGISTRATION_REGISTRAR],
					     text, sizeof(text)));
	json_number("expires_in_seconds",
		    mnl_attr_get_u32(attrs[SIPALG_A_REGISTRATION_EXPIRES]));
	callers_json(registration);
}

#define ACCOUNT_WIDTH	15

/* Not before the kernel has answered: what it refuses is no empty list. */
static void begin_list(bool *begun)
{
	if (*begun)
		return;
	*begun = true;
	if (json_wanted)
		json_open(NULL, '[');
	else
		printf("%5s %-*s %-4s %-21s %-21s %s\n", "ID", ACCOUNT_WIDTH, "ACCOUNT",
		       "VIA", "PHONE", "KNOWN AS", "EXPIRES");
}

static int take_registration(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1];
	const struct nlattr *attrs[SIPALG_A_REGISTRATION_MAX + 1];
	char private[ENDPOINT_TEXT], public[ENDPOINT_TEXT], account[NAME_TEXT];
	const char *protocol;
	uint32_t expires;
	char left[16];

	attrs_of(nlh, top, SIPALG_A_MAX);
	if (!top[SIPALG_A_REGISTRATION])
		return MNL_CB_OK;
	attrs_nested(top[SIPALG_A_REGISTRATION], attrs, SIPALG_A_REGISTRATION_MAX);
	begin_list(data);
	endpoint_short(attrs[SIPALG_A_REGISTRATION_PRIVATE], private, sizeof(private));
	endpoint_short(attrs[SIPALG_A_REGISTRATION_PUBLIC], public, sizeof(public));
	name_text(attrs[SIPALG_A_REGISTRATION_ACCOUNT], account, sizeof(account));
	protocol = mnl_attr_get_str(attrs[SIPALG_A_REGISTRATION_PROTOCOL]);
	expires = mnl_attr_get_u32(attrs[SIPALG_A_REGISTRATION_EXPIRES]);
	if (!json_wanted) {
		printf("%5u ", number_of(attrs[SIPALG_A_REGISTRATION_NUMBER]));
		print_safe(account, strlen(account), ACCOUNT_WIDTH);
		printf(" %-4s %-21s %-21s %s\n", protocol, private, public,
		       people_time(expires, left, sizeof(left)));
		print_callers(top[SIPALG_A_REGISTRATION], attrs[SIPALG_A_REGISTRATION_REGISTRAR]);
		return MNL_CB_OK;
	}
	json_open(NULL, '{');
	registration_json_fields(top[SIPALG_A_REGISTRATION]);
	json_close('}');
	return MNL_CB_OK;
}

static int end(const char *id)
{
	struct request request;
	uint32_t number;
	int status;

	if (!read_number(id, UINT32_MAX, &number))
		return usage_error("registration end wants the number that registration list shows");
	request_init(&request, SIPALG_CMD_REGISTRATION_END, false);
	mnl_attr_put_u32(request.nlh, SIPALG_A_ID, number);
	status = request_send(&request, NULL, NULL);
	if (!status)
		puts("1 registration ended");
	return status;
}

int registration_command(int argc, char **argv)
{
	struct request request;
	bool begun = false;
	int status;

	if (argc == 2 && !strcmp(argv[0], "end"))
		return end(argv[1]);
	if (!argc || strcmp(argv[0], "list"))
		return usage_error("registration has the commands list and end ID");
	if (argc != 1 && (argc != 3 || strcmp(argv[1], "account")))
		return usage_error("registration list has the filter account NAME");
	request_init(&request, SIPALG_CMD_REGISTRATION_GET, true);
	if (argc == 3)
		mnl_attr_put(request.nlh, SIPALG_A_ACCOUNT, strnlen(argv[2], 128), argv[2]);
	status = request_send(&request, take_registration, &begun);
	if (!status)
		begin_list(&begun);
	if (begun && json_wanted) {
		json_close(']');
		json_end();
	}
	return status;
}
