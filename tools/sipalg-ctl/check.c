// SPDX-License-Identifier: GPL-2.0-only
/*
 * sipalg-ctl check: the usual faults of a router's set-up. Each is a sentence
 * with what to type.
 *
 * Flowtables are not looked at: conntrack offloads no flow that has a helper.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ctl.h"

#define RULESET_MAX	(4 << 20)

static void verdict(const char *name, const char *fault, const char *fix)
{
	if (json_wanted) {
		json_open(NULL, '{');
		json_word("name", name);
		json_word("state", fault ? "fault" : "ok");
		json_word("fault", fault ? fault : "");
		json_word("fix", fault ? fix : "");
		json_close('}');
	} else if (!fault) {
		printf("ok     %s\n", name);
	} else {
		printf("FAULT  %s\n       %s\n       %s\n", name, fault, fix);
	}
}

/* A number from /proc; -1: there is none. */
static long number_in(const char *path)
{
	FILE *file = fopen(path, "re");
	long number = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

/* All that a command prints, to be freed; NULL: it cannot be run. */
static char *output_of(const char *command)
{
	FILE *pipe = popen(command, "re");
	char *text;
	size_t len;

	if (!pipe)
		return NULL;
	text = malloc(RULESET_MAX + 1);
	len = text ? fread(text, 1, RULESET_MAX, pipe) : 0;
	if (text)
		text[len] = '\0';
	if (pclose(pipe) || !len) {
		free(text);
		return NULL;
	}
	return text;
}

static bool says(const char *text, const char *word)
{
	return text && strstr(text, word);
}

static void check_in_tree(void)
{
	bool loaded = !access("/sys/module/nf_conntrack_sip", F_OK);

	verdict("the kernel's own SIP helper is out of the way",
		loaded ? "nf_conntrack_sip is loaded: a flow has one helper, this or that." : NULL,
		"Type: modprobe -r nf_nat_sip nf_conntrack_sip");
}

/* The module goes by either name, see its parameter helper_name. */
static bool helper_attached(const char *nft, const char *ipt)
{
	return (says(nft, "type \"sip") && says(nft, "ct helper set")) ||
	       says(ipt, "--helper sip");
}

static void check_rules(void)
{
	char *nft = output_of("nft list ruleset 2>/dev/null");
	char *ipt = output_of("{ iptables-save; ip6tables-save; } 2>/dev/null");

	verdict("a rule attaches the helper",
		helper_attached(nft, ipt) ? NULL :
		"No rule hands packets to sipalg, so it sees none.",
		"Add one: nft `ct helper set`, or iptables -t raw -j CT --helper sipalg.");
	verdict("media that comes by a pinhole is accepted",
		!says(nft, "policy drop") || says(nft, "related") || says(ipt, "RELATED") ?
		NULL : "A chain drops by default, and none accepts what is related.",
		"Type: nft add rule inet TABLE forward ct state established,related accept");
	free(nft);
	free(ipt);
}

static int take_limit(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1], *attrs[SIPALG_A_SETTING_MAX + 1];
	uint32_t *max_calls = data;

	attrs_of(nlh, top, SIPALG_A_MAX);
	if (!top[SIPALG_A_SETTING])
		return MNL_CB_OK;
	attrs_nested(top[SIPALG_A_SETTING], attrs, SIPALG_A_SETTING_MAX);
	if (!strcmp(mnl_attr_get_str(attrs[SIPALG_A_SETTING_NAME]), "max-calls"))
		*max_calls = mnl_attr_get_u32(attrs[SIPALG_A_SETTING_VALUE]);
	return MNL_CB_OK;
}

/* A call with one audio stream: two pinholes a direction, five connections. */
static int check_limits(void)
{
	long expect = number_in("/proc/sys/net/netfilter/nf_conntrack_expect_max");
	long connections = number_in("/proc/sys/net/netfilter/nf_conntrack_max");
	struct request request;
	uint32_t max_calls = 0;
	char fix[96];
	int status;

	request_init(&request, SIPALG_CMD_SETTING_GET, true);
	status = request_send(&request, take_limit, &max_calls);
	if (status)
		return status;
	snprintf(fix, sizeof(fix), "Type: sysctl net.netfilter.nf_conntrack_expect_max=%lu",
		 4ul * max_calls);
	verdict("the kernel allows the pinholes that max-calls needs",
		expect >= 0 && (unsigned long)expect < 4ul * max_calls ?
		"Calls beyond a quarter of nf_conntrack_expect_max get no pinholes." : NULL, fix);
	snprintf(fix, sizeof(fix), "Type: sysctl net.netfilter.nf_conntrack_max=%lu",
		 5ul * max_calls);
	verdict("conntrack holds the connections that max-calls needs",
		connections > 0 && (unsigned long)connections < 5ul * max_calls ?
		"With max-calls calls at once new connections are refused." : NULL, fix);
	return DONE;
}

static void check_accounting(void)
{
	verdict("packets and bytes of media are counted",
		number_in("/proc/sys/net/netfilter/nf_conntrack_acct") > 0 ? NULL :
		"nf_conntrack_acct is off: call show knows no packets and bytes.",
		"Type: sysctl net.netfilter.nf_conntrack_acct=1");
}

static void check_routing(void)
{
	verdict("packets are forwarded",
		number_in("/proc/sys/net/ipv4/ip_forward") > 0 ||
		number_in("/proc/sys/net/ipv6/conf/all/forwarding") > 0 ? NULL :
		"Forwarding is off: this machine is no router.",
		"Type: sysctl net.ipv4.ip_forward=1");
	verdict("answers may take another way than questions",
		number_in("/proc/sys/net/ipv4/conf/all/rp_filter") != 1 ? NULL :
		"rp_filter is strict: media from a second uplink is dropped unseen.",
		"Where there are two uplinks, type: sysctl net.ipv4.conf.all.rp_filter=2");
}

int check_command(int argc, char **argv)
{
	int status;

	if (argc)
		return usage_error("check does not know %s", argv[0]);
	if (json_wanted)
		json_open(NULL, '[');
	status = check_limits();	/* first: it knows whether we may look */
	if (!status) {
		check_in_tree();
		check_rules();
		check_accounting();
		check_routing();
	}
	if (json_wanted) {
		json_close(']');
		json_end();
	}
	return status;
}
