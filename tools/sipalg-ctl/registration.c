// SPDX-License-Identifier: GPL-2.0-only
/* sipalg-ctl registration: who can be called, and until when. */
#include <stdio.h>
#include <string.h>
#include "ctl.h"

void registration_json_fields(const struct nlattr **attrs)
{
	char text[ENDPOINT_TEXT];

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
		return MNL_CB_OK;
	}
	json_open(NULL, '{');
	registration_json_fields(attrs);
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
