// SPDX-License-Identifier: GPL-2.0-only
/* sipalg-ctl registration: who can be called, and until when. */
#include <stdio.h>
#include <string.h>
#include "ctl.h"

void registration_json_fields(const struct nlattr **attrs)
{
	char text[ENDPOINT_TEXT];

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

/* Not before the kernel has answered: what it refuses is no empty list. */
static void begin_list(bool *begun)
{
	if (*begun)
		return;
	*begun = true;
	if (json_wanted)
		json_open(NULL, '[');
	else
		printf("%-4s %-21s %-21s %-21s %s\n", "", "PHONE", "KNOWN AS",
		       "REGISTRAR", "EXPIRES");
}

static int take_registration(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1];
	const struct nlattr *attrs[SIPALG_A_REGISTRATION_MAX + 1];
	char private[ENDPOINT_TEXT], public[ENDPOINT_TEXT], registrar[ENDPOINT_TEXT];
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
	endpoint_short(attrs[SIPALG_A_REGISTRATION_REGISTRAR], registrar, sizeof(registrar));
	protocol = mnl_attr_get_str(attrs[SIPALG_A_REGISTRATION_PROTOCOL]);
	expires = mnl_attr_get_u32(attrs[SIPALG_A_REGISTRATION_EXPIRES]);
	if (!json_wanted) {
		printf("%-4s %-21s %-21s %-21s %s\n", protocol, private, public,
		       registrar, people_time(expires, left, sizeof(left)));
		return MNL_CB_OK;
	}
	json_open(NULL, '{');
	registration_json_fields(attrs);
	json_close('}');
	return MNL_CB_OK;
}

int registration_command(int argc, char **argv)
{
	struct request request;
	bool begun = false;
	int status;

	if (argc != 1 || strcmp(argv[0], "list"))
		return usage_error("registration has the command list");
	request_init(&request, SIPALG_CMD_REGISTRATION_GET, true);
	status = request_send(&request, take_registration, &begun);
	if (!status)
		begin_list(&begun);
	if (begun && json_wanted) {
		json_close(']');
		json_end();
	}
	return status;
}
