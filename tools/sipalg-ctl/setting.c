// SPDX-License-Identifier: GPL-2.0-only
/* sipalg-ctl setting: the kernel says what there is and what it may be. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ctl.h"

#define MOST_SETTINGS	64
#define MOST_WORDS	32
#define MOST_PREFIXES	16
#define MOST_PAIRS	16
#define TEXT_MAX	(MOST_PAIRS * 2 * INET6_ADDRSTRLEN)	/* more than any other value */

/* As netlink carries it: an address, and how many bits of it count. */
struct prefix {
	uint8_t bytes[17];
	unsigned int len;
};

/* Two addresses of public-address. */
struct pair {
	uint8_t bytes[32];
	unsigned int len;
};

struct codes {
	const uint16_t *code;
	unsigned int count;
};

/* One setting as the kernel has told it; strings live in the copy of it. */
struct setting {
	char *copy;
	const char *name;
	const char *unit;
	uint32_t kind;
	uint32_t value;
	uint32_t initial;
	uint32_t min;
	uint32_t max;
	bool zero;
	const char *words[MOST_WORDS];
	unsigned int word_count;
	struct codes list;
	struct codes initial_list;
	struct prefix prefix[MOST_PREFIXES];
	unsigned int prefix_count;
	struct pair pair[MOST_PAIRS];
	unsigned int pair_count;
};

static struct setting settings[MOST_SETTINGS];
static unsigned int setting_count;

/* Of a setting that is one prefix, or a list of them; none is an empty one. */
static void read_prefixes(struct setting *setting, const struct nlattr *nest)
{
	const struct nlattr *attr;
	struct prefix *prefix;

	mnl_attr_for_each_nested(attr, nest) {
		int type = mnl_attr_get_type(attr);

		prefix = &setting->prefix[setting->prefix_count];
		if ((type != SIPALG_A_SETTING_PREFIX && type != SIPALG_A_SETTING_PREFIXES) ||
		    setting->prefix_count == MOST_PREFIXES)
			continue;
		prefix->len = mnl_attr_get_payload_len(attr);
		if (!prefix->len || prefix->len > sizeof(prefix->bytes))
			continue;
		memcpy(prefix->bytes, mnl_attr_get_payload(attr), prefix->len);
		setting->prefix_count++;
	}
}

static void read_pairs(struct setting *setting, const struct nlattr *nest)
{
	const struct nlattr *attr;
	struct pair *pair;

	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) != SIPALG_A_SETTING_PAIR ||
		    setting->pair_count == MOST_PAIRS)
			continue;
		pair = &setting->pair[setting->pair_count++];
		pair->len = mnl_attr_get_payload_len(attr);
		if (pair->len > sizeof(pair->bytes))
			pair->len = sizeof(pair->bytes);
		memcpy(pair->bytes, mnl_attr_get_payload(attr), pair->len);
	}
}

static void read_words(struct setting *setting, const struct nlattr *nest)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == SIPALG_A_SETTING_WORD &&
		    setting->word_count < MOST_WORDS)
			setting->words[setting->word_count++] = mnl_attr_get_str(attr);
}

static void read_list(struct codes *codes, const struct nlattr *attr)
{
	if (!attr)
		return;
	codes->code = mnl_attr_get_payload(attr);
	codes->count = mnl_attr_get_payload_len(attr) / sizeof(*codes->code);
}

static int take_setting(const struct nlmsghdr *answer, void *data)
{
	const struct nlattr *top[SIPALG_A_MAX + 1], *attrs[SIPALG_A_SETTING_MAX + 1];
	struct setting *setting = &settings[setting_count];

	(void)data;
	if (setting_count == MOST_SETTINGS)
		return MNL_CB_OK;
	setting->copy = malloc(answer->nlmsg_len);
	if (!setting->copy)
		return MNL_CB_OK;
	memcpy(setting->copy, answer, answer->nlmsg_len);
	attrs_of((const struct nlmsghdr *)setting->copy, top, SIPALG_A_MAX);
	attrs_nested(top[SIPALG_A_SETTING], attrs, SIPALG_A_SETTING_MAX);

	setting->name = mnl_attr_get_str(attrs[SIPALG_A_SETTING_NAME]);
	setting->unit = mnl_attr_get_str(attrs[SIPALG_A_SETTING_UNIT]);
	setting->kind = number_of(attrs[SIPALG_A_SETTING_KIND]);
	setting->value = number_of(attrs[SIPALG_A_SETTING_VALUE]);
	setting->initial = number_of(attrs[SIPALG_A_SETTING_DEFAULT]);
	setting->min = number_of(attrs[SIPALG_A_SETTING_MIN]);
	setting->max = number_of(attrs[SIPALG_A_SETTING_MAX_VALUE]);
	setting->zero = attrs[SIPALG_A_SETTING_ZERO];
	read_words(setting, top[SIPALG_A_SETTING]);
	read_list(&setting->list, attrs[SIPALG_A_SETTING_LIST]);
	read_list(&setting->initial_list, attrs[SIPALG_A_SETTING_DEFAULT_LIST]);
	read_prefixes(setting, top[SIPALG_A_SETTING]);
	read_pairs(setting, top[SIPALG_A_SETTING]);
	setting_count++;
	return MNL_CB_OK;
}

static int load(void)
{
	struct request request;

	request_init(&request, SIPALG_CMD_SETTING_GET, true);
	return request_send(&request, take_setting, NULL);
}

static struct setting *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < setting_count; i++)
		if (!strcmp(settings[i].name, name))
			return &settings[i];
	return NULL;
}

static void append(char *text, size_t size, const char *word)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s%s", used ? "," : "", word);
}

static void codes_text(const struct codes *codes, char *text, size_t size)
{
	unsigned int i;
	char code[8];

	for (i = 0; i < codes->count; i++) {
		snprintf(code, sizeof(code), "%u", codes->code[i]);
		append(text, size, code);
	}
}

static void prefixes_text(const struct setting *setting, char *text, size_t size)
{
	char one[PREFIX_TEXT];
	unsigned int i;

	for (i = 0; i < setting->prefix_count; i++)
		append(text, size, prefix_text(setting->prefix[i].bytes, setting->prefix[i].len,
					       one, sizeof(one)));
	if (!text[0])
		snprintf(text, size, "none");
}

static void pairs_text(const struct setting *setting, char *text, size_t size)
{
	char local[INET6_ADDRSTRLEN], external[INET6_ADDRSTRLEN];
	char one[2 * INET6_ADDRSTRLEN];
	unsigned int i;

	for (i = 0; i < setting->pair_count; i++) {
		const struct pair *pair = &setting->pair[i];
		int family = pair->len == 8 ? AF_INET : AF_INET6;

		inet_ntop(family, pair->bytes, local, sizeof(local));
		inet_ntop(family, pair->bytes + pair->len / 2, external, sizeof(external));
		snprintf(one, sizeof(one), "%s=%s", local, external);
		append(text, size, one);
	}
	if (!text[0])
		snprintf(text, size, "none");
}

/* The value that a setting has, or its default. */
static const char *value_text(const struct setting *setting, bool initial,
			      char *text, size_t size)
{
	uint32_t value = initial ? setting->initial : setting->value;
	unsigned int i;

	text[0] = '\0';
	switch (setting->kind) {
	case SIPALG_SETTING_KIND_SWITCH:
		snprintf(text, size, "%s", value ? "on" : "off");
		break;
	case SIPALG_SETTING_KIND_WORD:
		snprintf(text, size, "%s", value < setting->word_count ?
			 setting->words[value] : "?");
		break;
	case SIPALG_SETTING_KIND_PORTS:
		snprintf(text, size, "%u-%u", value >> 16, value & 0xffff);
		break;
	case SIPALG_SETTING_KIND_METHODS:
		for (i = 0; i < setting->word_count; i++)
			if (value & 1u << i)
				append(text, size, setting->words[i]);
		if (!text[0])
			snprintf(text, size, "none");
		break;
	case SIPALG_SETTING_KIND_CODES:
		codes_text(initial ? &setting->initial_list : &setting->list, text, size);
		break;
	case SIPALG_SETTING_KIND_PREFIX:
	case SIPALG_SETTING_KIND_PREFIXES:
		if (initial)
			snprintf(text, size, "none");
		else
			prefixes_text(setting, text, size);
		break;
	case SIPALG_SETTING_KIND_PAIRS:
		if (initial)
			snprintf(text, size, "none");
		else
			pairs_text(setting, text, size);
		break;
	default:
		snprintf(text, size, "%u", value);
	}
	return text;
}

static const char *range_text(const struct setting *setting, char *text,
			      size_t size)
{
	unsigned int i;

	text[0] = '\0';
	switch (setting->kind) {
	case SIPALG_SETTING_KIND_SWITCH:
		snprintf(text, size, "off,on");
		break;
	case SIPALG_SETTING_KIND_WORD:
		for (i = 0; i < setting->word_count; i++)
			append(text, size, setting->words[i]);
		break;
	case SIPALG_SETTING_KIND_PORTS:
		snprintf(text, size, "%u-%u", setting->min, setting->max);
		break;
	case SIPALG_SETTING_KIND_METHODS:
		snprintf(text, size, "none, or methods");
		break;
	case SIPALG_SETTING_KIND_CODES:
		snprintf(text, size, "codes %u-%u", setting->min, setting->max);
		break;
	case SIPALG_SETTING_KIND_PREFIX:
	case SIPALG_SETTING_KIND_PREFIXES:
	case SIPALG_SETTING_KIND_PAIRS:
		append(text, size, setting->word_count ? setting->words[0] : "addresses");
		break;
	default:
		snprintf(text, size, "%s%u..%u", setting->zero ? "0, " : "",
			 setting->min, setting->max);
	}
	return text;
}

static void list_json(const struct setting *setting)
{
	char text[TEXT_MAX], range[256];

	json_open(NULL, '{');
	json_word("name", setting->name);
	if (setting->kind == SIPALG_SETTING_KIND_NUMBER) {
		json_number("value", setting->value);
		json_number("default", setting->initial);
	} else {
		json_word("value", value_text(setting, false, text, sizeof(text)));
		json_word("default", value_text(setting, true, text, sizeof(text)));
	}
	json_word("range", range_text(setting, range, sizeof(range)));
	json_word("unit", setting->unit);
	json_close('}');
}

#define SCREEN_WIDTH	80
#define NAME_WIDTH	22
#define VALUE_WIDTH	19
#define DEFAULT_WIDTH	10

/* A long list of methods or codes: cut behind commas, below its name. */
static void print_long(const char *list)
{
	size_t column = SCREEN_WIDTH, len;

	for (; *list; list += len) {
		len = strcspn(list, ",");
		len += list[len] == ',';
		if (column + len >= SCREEN_WIDTH) {
			printf("\n  ");
			column = 2;
		}
		printf("%.*s", (int)len, list);
		column += len;
	}
	putchar('\n');
}

static void list_text(const struct setting *setting)
{
	char value[TEXT_MAX], initial[256], range[256];
	const char *unit = *setting->unit ? " " : "";
	bool changed;

	value_text(setting, false, value, sizeof(value));
	value_text(setting, true, initial, sizeof(initial));
	range_text(setting, range, sizeof(range));
	changed = strcmp(value, initial);
	if (strlen(value) <= VALUE_WIDTH && (!changed || strlen(initial) <= DEFAULT_WIDTH)) {
		printf("%-*s %-*s %-*s %s%s%s\n", NAME_WIDTH, setting->name, VALUE_WIDTH, value,
		       DEFAULT_WIDTH, changed ? initial : "", range, unit, setting->unit);
		return;
	}
	printf("%s", setting->name);
	print_long(value);
	printf("%*s%s, by default %s\n", NAME_WIDTH + 1, "", range, initial);
}

static int list(void)
{
	unsigned int i;
	int status = load();

	if (status)
		return status;
	if (json_wanted)
		json_open(NULL, '[');
	else
		printf("%-*s %-*s %-*s %s\n", NAME_WIDTH, "SETTING", VALUE_WIDTH, "VALUE",
		       DEFAULT_WIDTH, "DEFAULT", "RANGE");
	for (i = 0; i < setting_count; i++)
		json_wanted ? list_json(&settings[i]) : list_text(&settings[i]);
	if (json_wanted) {
		json_close(']');
		json_end();
	}
	return DONE;
}

static bool read_word(const struct setting *setting, const char *text,
		      size_t len, uint32_t *value)
{
	uint32_t i;

	for (i = 0; i < setting->word_count; i++)
		if (strlen(setting->words[i]) == len &&
		    !strncasecmp(setting->words[i], text, len)) {
			*value = i;
			return true;
		}
	return false;
}

static bool read_methods(const struct setting *setting, const char *text,
			 uint32_t *value)
{
	uint32_t bit;

	*value = 0;
	if (!strcmp(text, "none"))
		return true;
	for (;;) {
		size_t len = strcspn(text, ",");

		if (!read_word(setting, text, len, &bit))
			return false;
		*value |= 1u << bit;
		if (!text[len])
			return true;
		text += len + 1;
	}
}

static bool read_ports(const char *text, uint32_t *value)
{
	unsigned int low, high;
	char rest;

	if (sscanf(text, "%5u-%5u%c", &low, &high, &rest) != 2 ||
	    low > 65535 || high > 65535)
		return false;
	*value = low << 16 | high;
	return true;
}

/* Number of codes, or -1. */
static int read_codes(const char *text, uint16_t *codes)
{
	int n = 0;

	while (*text) {
		char *end;
		unsigned long code = strtoul(text, &end, 10);

		if (n == 16 || end == text || (*end && *end != ',') || code > 999)
			return -1;
		codes[n++] = code;
		text = *end ? end + 1 : end;
	}
	return n;
}

/* The kernel says which prefixes it takes. @whole: an address without length is one */
static bool read_prefix(const char *text, bool whole, struct prefix *prefix)
{
	char address[INET6_ADDRSTRLEN + 4], *slash;
	uint32_t bits = 0, size = 4;

	snprintf(address, sizeof(address), "%s", text);
	slash = strchr(address, '/');
	if (strlen(text) >= sizeof(address) || (!slash && !whole) ||
	    (slash && !read_number(slash + 1, 255, &bits)))
		return false;
	if (slash)
		*slash = '\0';
	if (inet_pton(AF_INET, address, prefix->bytes) != 1) {
		size = 16;
		if (inet_pton(AF_INET6, address, prefix->bytes) != 1)
			return false;
	}
	prefix->bytes[size] = slash ? bits : 8 * size;
	prefix->len = size + 1;
	return true;
}

static bool put_prefix(struct request *request, const char *text)
{
	struct prefix prefix = {};

	if (strcmp(text, "none") && !read_prefix(text, false, &prefix))
		return false;
	mnl_attr_put(request->nlh, SIPALG_A_SETTING_PREFIX, prefix.len, prefix.bytes);
	return true;
}

/* Commas between; how many there may be says the kernel, up to any sense. */
static bool put_prefixes(struct request *request, const char *list)
{
	char text[64 * INET6_ADDRSTRLEN], *rest = text, *word;
	struct prefix prefix = {};

	snprintf(text, sizeof(text), "%s", list);
	if (!strcmp(list, "none")) {
		mnl_attr_put(request->nlh, SIPALG_A_SETTING_PREFIXES, 0, NULL);
		return true;
	}
	while ((word = strsep(&rest, ","))) {
		if (!read_prefix(word, true, &prefix))
			return false;
		mnl_attr_put(request->nlh, SIPALG_A_SETTING_PREFIXES, prefix.len, prefix.bytes);
	}
	return strlen(list) < sizeof(text);
}

/* Bytes of an address, 0: it is none. */
static unsigned int read_address(const char *text, size_t len, uint8_t *bytes)
{
	char address[INET6_ADDRSTRLEN];

	if (len >= sizeof(address))
		return 0;
	memcpy(address, text, len);
	address[len] = '\0';
	if (inet_pton(AF_INET, address, bytes) == 1)
		return 4;
	return inet_pton(AF_INET6, address, bytes) == 1 ? 16 : 0;
}

/* LOCAL=EXTERNAL; what the two may be the kernel says. */
static bool read_pair(const char *text, size_t len, struct pair *pair)
{
	size_t left = strcspn(text, "=,");
	unsigned int local, external;

	if (text[left] != '=')
		return false;
	local = read_address(text, left, pair->bytes);
	external = read_address(text + left + 1, len - left - 1, pair->bytes + local);
	pair->len = local + external;
	return local && local == external;
}

static bool put_pairs(struct request *request, const char *text)
{
	struct pair pair = {};
	unsigned int count = 0;
	size_t len;

	if (!strcmp(text, "none")) {
		mnl_attr_put(request->nlh, SIPALG_A_SETTING_PAIR, 0, pair.bytes);
		return true;
	}
	for (;; text += len + 1) {
		len = strcspn(text, ",");
		if (count++ == MOST_PAIRS || !read_pair(text, len, &pair))
			return false;
		mnl_attr_put(request->nlh, SIPALG_A_SETTING_PAIR, pair.len, pair.bytes);
		if (!text[len])
			return true;
	}
}

static bool put_codes(struct request *request, const char *text)
{
	uint16_t codes[16];
	int n = read_codes(text, codes);

	if (n >= 0)
		mnl_attr_put(request->nlh, SIPALG_A_SETTING_LIST, n * sizeof(*codes), codes);
	return n >= 0;
}

static bool read_value(const struct setting *setting, const char *text,
		       uint32_t *value)
{
	switch (setting->kind) {
	case SIPALG_SETTING_KIND_SWITCH:
		*value = !strcmp(text, "on");
		return *value || !strcmp(text, "off");
	case SIPALG_SETTING_KIND_WORD:
		return read_word(setting, text, strlen(text), value);
	case SIPALG_SETTING_KIND_PORTS:
		return read_ports(text, value);
	case SIPALG_SETTING_KIND_METHODS:
		return read_methods(setting, text, value);
	default:
		if (!strcmp(text, "off") && setting->zero) {
			*value = 0;
			return true;
		}
		return read_number(text, UINT32_MAX, value);
	}
}

static int bad_value(const struct setting *setting, const char *text)
{
	char range[256];

	range_text(setting, range, sizeof(range));
	/* a sentence of the kernel's, where a word is too short for it */
	if ((setting->kind == SIPALG_SETTING_KIND_PREFIX ||
	     setting->kind == SIPALG_SETTING_KIND_PREFIXES ||
	     setting->kind == SIPALG_SETTING_KIND_PAIRS) && setting->word_count > 1)
		snprintf(range, sizeof(range), "%s, or none", setting->words[1]);
	fprintf(stderr, "%s cannot be %s, its range is %s%s%s\n", setting->name, text,
		range, *setting->unit ? " " : "", setting->unit);
	return USAGE;
}

static bool in_range(const struct setting *setting, uint32_t value)
{
	if (setting->kind != SIPALG_SETTING_KIND_NUMBER)
		return true;
	return (setting->zero && !value) ||
	       (value >= setting->min && value <= setting->max);
}

static bool put_value(struct request *request, const struct setting *setting, const char *text)
{
	uint32_t value;

	switch (setting->kind) {
	case SIPALG_SETTING_KIND_CODES:
		return put_codes(request, text);
	case SIPALG_SETTING_KIND_PREFIX:
		return put_prefix(request, text);
	case SIPALG_SETTING_KIND_PREFIXES:
		return put_prefixes(request, text);
	case SIPALG_SETTING_KIND_PAIRS:
		return put_pairs(request, text);
	default:
		if (!read_value(setting, text, &value) || !in_range(setting, value))
			return false;
		mnl_attr_put_u32(request->nlh, SIPALG_A_SETTING_VALUE, value);
		return true;
	}
}

static int put_pair(struct request *request, const char *name, const char *text)
{
	const struct setting *setting = find(name);
	struct nlattr *nest;

	if (!setting) {
		fprintf(stderr, "There is no setting %s: see sipalg-ctl setting list\n", name);
		return USAGE;
	}
	nest = mnl_attr_nest_start(request->nlh, SIPALG_A_SETTING);
	mnl_attr_put_strz(request->nlh, SIPALG_A_SETTING_NAME, name);
	if (!put_value(request, setting, text))
		return bad_value(setting, text);
	mnl_attr_nest_end(request->nlh, nest);
	return DONE;
}

static int set_pairs(int argc, char **argv)
{
	struct request request;
	int i, status = load();

	if (status)
		return status;
	if (!argc || argc % 2)
		return usage_error("setting set wants pairs of a name and a value");
	if (argc > 2 * MOST_SETTINGS)
		return usage_error("Too many settings at once");
	request_init(&request, SIPALG_CMD_SETTING_SET, false);
	for (i = 0; i < argc; i += 2) {
		if (given_before(argv, i))
			return usage_error("%s is given twice", argv[i]);
		status = put_pair(&request, argv[i], argv[i + 1]);
		if (status)
			return status;
	}
	return request_send(&request, NULL, NULL);
}

int setting_command(int argc, char **argv)
{
	struct request request;

	if (argc == 1 && !strcmp(argv[0], "list"))
		return list();
	if (argc && !strcmp(argv[0], "set"))
		return set_pairs(argc - 1, argv + 1);
	if (argc == 1 && !strcmp(argv[0], "reset")) {
		request_init(&request, SIPALG_CMD_SETTING_RESET, false);
		return request_send(&request, NULL, NULL);
	}
	return usage_error("setting has the commands list, set and reset");
}
