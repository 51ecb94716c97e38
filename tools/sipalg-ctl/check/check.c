// SPDX-License-Identifier: GPL-2.0-only
/*
 * sipalg-ctl check: is the router set up right? Each answer is ok, a note, or a
 * FAULT with what to type.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "check/check.h"
#include "ctl.h"

#define TEXT_MAX	(64 << 20)
#define SCREEN_WIDTH	80
#define INDENT		7

static bool any_fault;

char *text_of(const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return must(text);
}

char *text_and(char *text, const char *more)
{
	return text ? text_of("%s, %s", text, more) : text_of("%s", more);
}

static char *read_all(FILE *file)
{
	size_t len = 0, size = 65536, got;
	char *text = must(malloc(size));

	do {
		if (len + 1 >= size && size < TEXT_MAX)
			text = must(realloc(text, size *= 2));
		got = fread(text + len, 1, size - len - 1, file);
		len += got;
	} while (got);
	text[len] = '\0';
	return text;
}

char *output_of(const char *command)
{
	FILE *pipe = popen(command, "re");
	char *text = pipe ? read_all(pipe) : NULL;

	if (pipe && pclose(pipe) && !*text) {
		free(text);
		return NULL;
	}
	return text;
}

char *text_in(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = file ? read_all(file) : NULL;

	if (file)
		fclose(file);
	return text;
}

long number_in(const char *path)
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

static void json_answer(enum level level, const char *name, const char *what, const char *fix)
{
	static const char * const words[] = { "ok", "note", "fault", "unknown" };

	json_open(NULL, '{');
	json_word("name", name);
	json_word("state", words[level]);
	json_word("fault", what);
	json_word("fix", fix);
	json_close('}');
}

/* Below the answer, cut between words. What is to be typed stays on one line. */
static void print_wrapped(const char *text, bool whole)
{
	size_t width = SCREEN_WIDTH - INDENT, len;

	while (*text) {
		len = strlen(text);
		if (len > width && !whole) {
			len = width;
			while (len && text[len] != ' ')
				len--;
			len = len ?: width;
		}
		printf("%*s%.*s\n", INDENT, "", (int)len, text);
		text += len;
		text += *text == ' ';
	}
}

void say(enum level level, const char *name, const char *what, const char *fix)
{
	static const struct {
		const char *word;
		enum colour colour;
	} levels[] = {
		{ "ok", COLOUR_GOOD }, { "note", COLOUR_NOTE }, { "FAULT", COLOUR_BAD },
		{ "?", COLOUR_NOTE },
	};

	any_fault |= level == LEVEL_FAULT;
	if (json_wanted) {
		json_answer(level, name, what, fix);
		return;
	}
	colour_begin(levels[level].colour);
	printf("%-6s", levels[level].word);
	colour_end();
	printf(" %s\n", name);
	print_wrapped(what, false);
	print_wrapped(fix, !strncmp(fix, "Type:", 5));
}

#define SIPALG_PARAMETERS	"/sys/module/sipalg/parameters/"

/* The name that the module has registered its helper by. */
static const char *helper_name(void)
{
	static char name[64];
	FILE *file = fopen(SIPALG_PARAMETERS "helper_name", "re");

	if (!file || fscanf(file, "%63s", name) != 1)
		strcpy(name, "sipalg");
	if (file)
		fclose(file);
	return name;
}

static int take_setting(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1], *attrs[SIPALG_A_SETTING_MAX + 1];
	struct check *c = data;
	const char *name;
	uint32_t value;

	attrs_of(nlh, top, SIPALG_A_MAX);
	if (!top[SIPALG_A_SETTING])
		return MNL_CB_OK;
	attrs_nested(top[SIPALG_A_SETTING], attrs, SIPALG_A_SETTING_MAX);
	name = mnl_attr_get_str(attrs[SIPALG_A_SETTING_NAME]);
	value = number_of(attrs[SIPALG_A_SETTING_VALUE]);
	if (!strcmp(name, "max-calls")) {
		c->max_calls = value;
		c->chosen = value != number_of(attrs[SIPALG_A_SETTING_DEFAULT]);
	}
	if (!strcmp(name, "mode"))
		c->mode = value;
	if (!strcmp(name, "contact-pinhole"))
		c->contact = value;
	if (!strcmp(name, "media-ports"))
		c->media = fw_number(value >> 16, value & 0xffff);
	return MNL_CB_OK;
}

static int read_settings(struct check *c)
{
	struct request request;
	int status;

	request_init(&request, SIPALG_CMD_SETTING_GET, true);
	status = request_send(&request, take_setting, c);
	if (!status)
		status = stats_load();
	if (!status)
		c->peak = stats_value("calls", "peak");
	return status;
}

static void defaults(struct check *c)
{
	memset(c, 0, sizeof(*c));
	c->helper = "sipalg";
	c->max_calls = 64;
	c->mode = MODE_FULL;
	c->media = fw_number(1024, 65535);
	c->rtp = fw_number(1024, 65535);
}

/* Of this machine. */
static int load(struct check *c)
{
	int status;

	defaults(c);
	c->live = true;
	c->helper = helper_name();
	status = read_settings(c);
	if (status)
		return status;
	c->translator = nat64_device();
	c->system = system_of("/etc/os-release");
	network_load(&c->net);
	rules_load(&c->fw);
	return DONE;
}

/* Of a folder that holds what the tools print: a router elsewhere, or a case of a test. */
static int load_files(struct check *c, const char *folder)
{
	static const char * const saves[] = { "iptables", "ip6tables", "iptables-legacy",
					      "ip6tables-legacy" };
	char *text = text_in(text_of("%s/nft.json", folder));
	size_t i;

	defaults(c);
	if (text && !nft_read(&c->fw, text))
		return usage_error("%s/nft.json is not what nft -j list ruleset prints", folder);
	for (i = 0; i < ARRAY_SIZE(saves); i++) {
		text = text_in(text_of("%s/%s", folder, saves[i]));
		if (text)
			iptables_read(&c->fw, text);
	}
	text = text_in(text_of("%s/interfaces", folder));
	if (!text || !c->fw.known)
		return usage_error("%s holds no interfaces, or no nft.json and no iptables", folder);
	network_read(&c->net, text);
	c->system = system_of(text_of("%s/os-release", folder));
	return DONE;
}

static void check_mode(const struct check *c)
{
	static const char question[] = "messages are translated and pinholes opened";

	if (c->mode < MODE_FULL)
		say(LEVEL_FAULT, question, "The setting mode says otherwise.",
		    "Type: sipalg-ctl setting set mode full");
	else
		say(LEVEL_OK, question, "", "");
}

/* The larger of all's and an interface's value holds: 1 strict, 2 loose. */
static bool is_strict(const char *interface)
{
	return number_in(text_of("/proc/sys/net/ipv4/conf/%s/rp_filter", interface)) == 1;
}

/* What is strict is right where there is one way out; with two it is a question of luck. */
static const char *strict_uplink(const struct check *c)
{
	long all = number_in("/proc/sys/net/ipv4/conf/all/rp_filter");
	unsigned int i;

	if (all > 1 || uplink_count(c) < 2)
		return NULL;
	for (i = 0; i < c->net.count; i++)
		if (c->net.links[i].uplink && c->net.links[i].up &&
		    (all == 1 || is_strict(c->net.links[i].name)))
			return c->net.links[i].name;
	return NULL;
}

/* Two links and more have addresses of that family. */
static bool leads_on(const struct check *c, uint8_t family)
{
	unsigned int i, links = 0;

	for (i = 0; i < c->net.count; i++) {
		const struct net_link *link = &c->net.links[i];

		links += link->up && !link->loopback && !link_is_virtual(link) &&
			 link_subnet(link, family);
	}
	return links > 1;
}

/* A family that leads nowhere need not be forwarded, one that does needs its own. */
static bool forwards(const struct check *c)
{
	if (rules_bridge(&c->fw) || number_in("/proc/sys/net/ipv4/ip_forward") > 0)
		return true;
	return number_in("/proc/sys/net/ipv6/conf/all/forwarding") > 0 &&
	       !leads_on(c, AF_INET);
}

static void check_routing(const struct check *c)
{
	static const char forwarded[] = "packets are forwarded";
	static const char other_way[] = "answers may take another way than questions";
	const char *strict = strict_uplink(c);

	if (forwards(c))
		say(LEVEL_OK, forwarded, "", "");
	else
		say(LEVEL_FAULT, forwarded, "Forwarding is off: this machine is no router.",
		    how_to_set(c, "net.ipv4.ip_forward", 1));
	if (!strict)
		say(LEVEL_OK, other_way, "", "");
	else
		say(LEVEL_FAULT, other_way,
		    text_of("rp_filter is strict on %s, and there are %u uplinks: media that comes by another than its answers is dropped unseen.",
			    strict, uplink_count(c)),
		    how_to_set(c, "net.ipv4.conf.all.rp_filter", 2));
}

void explain_silence(void)
{
	struct check c;

	if (load(&c))
		return;
	puts("\nNo SIP message has been seen in this network namespace.");
	if (!c.mode)
		puts("The setting mode is off. Type: sipalg-ctl setting set mode full");
	else if (rules_attach(&c))
		printf("A rule attaches the helper: either no SIP has come since, or its flow is\n"
		       "older than the rule. %s\n", how_to_forget(&c, "udp", 5060, AF_INET));
	else if (c.fw.known)
		puts("No rule attaches the helper: sipalg(4) shows one, sipalg-ctl check looks\n"
		     "for more.");
	else
		puts("Does a rule attach the helper? Neither nft nor iptables-save can be asked.");
}

static void answer(struct check *c)
{
	check_rules(c);
	if (!c->live)
		return;
	check_live(c);
	check_mode(c);
	check_limits(c);
	check_routing(c);
	check_nat64(c);
	check_outer(c);
}

/* At boot, before there are interfaces and rules: it looks at neither. */
static int mend(void)
{
	struct check c;
	int status;

	defaults(&c);
	status = read_settings(&c);
	c.system = system_of("/etc/os-release");
	return status ?: limits_fix(&c);
}

int check_command(int argc, char **argv)
{
	struct check c;
	int status;

	if (argc == 1 && !strcmp(argv[0], "--fix"))
		return mend();
	if (argc == 1 && !strcmp(argv[0], "--undo"))
		return limits_undo();
	if (argc && (argc != 2 || strcmp(argv[0], "--files")))
		return usage_error("check does not know %s", argv[0]);
	status = argc ? load_files(&c, argv[1]) : load(&c);
	if (status)
		return status;
	if (json_wanted)
		json_open(NULL, '[');
	answer(&c);
	if (json_wanted) {
		json_close(']');
		json_end();
	}
	return any_fault ? FAULTY : DONE;
}
