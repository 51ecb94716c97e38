// SPDX-License-Identifier: GPL-2.0-only
/* JSON, written as it comes; and text for people. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ctl.h"

bool json_wanted;
bool json_pretty;
bool mask_wanted;

static bool has_colour(void)
{
	static int known = -1;
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (known < 0)
		known = isatty(STDOUT_FILENO) && !(no && *no) &&
			!(term && !strcmp(term, "dumb"));
	return known;
}

void colour_begin(enum colour colour)
{
	static const char * const codes[] = { "\033[32m", "\033[33m", "\033[1;31m" };

	if (has_colour())
		fputs(codes[colour], stdout);
}

void colour_end(void)
{
	if (has_colour())
		fputs("\033[0m", stdout);
}

static int depth;
static bool first = true;

static void before_value(const char *key)
{
	if (!first)
		putchar_unlocked(',');
	if (json_pretty && depth)
		printf("\n%*s", 2 * depth, "");
	if (key) {
		putchar_unlocked('"');
		fputs_unlocked(key, stdout);
		fputs_unlocked(json_pretty ? "\": " : "\":", stdout);
	}
	first = false;
}

void json_open(const char *key, char bracket)
{
	before_value(key);
	putchar(bracket);
	depth++;
	first = true;
}

void json_close(char bracket)
{
	depth--;
	if (json_pretty && !first)
		printf("\n%*s", 2 * depth, "");
	putchar(bracket);
	first = false;
}

void json_end(void)
{
	putchar('\n');
	first = true;
}

/* Lists are long, and most of what they are is numbers: no printf(). */
void json_number(const char *key, uint64_t value)
{
	char text[20], *at = text + sizeof(text);

	before_value(key);
	do {
		*--at = '0' + value % 10;
	} while (value /= 10);
	fwrite_unlocked(at, 1, text + sizeof(text) - at, stdout);
}

/* What stands in JSON as it is. */
static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/*
 * What comes from the wire need not be UTF-8: a byte that is not ASCII is
 * written as the character of that number, so that the output always is JSON.
 */
void json_string(const char *key, const char *text, size_t len)
{
	size_t i, begin;

	before_value(key);
	putchar_unlocked('"');
	for (i = 0; i < len; i++) {
		unsigned char c;

		for (begin = i; i < len && is_plain(text[i]); i++)
			;
		fwrite_unlocked(text + begin, 1, i - begin, stdout);
		if (i == len)
			break;
		c = text[i];
		printf(c == '"' || c == '\\' ? "\\%c" : "\\u%04x", c);
	}
	putchar_unlocked('"');
}

void json_word(const char *key, const char *word)
{
	json_string(key, word, strlen(word));
}

const char *people_time(uint32_t seconds, char *text, size_t size)
{
	if (seconds < 60)
		snprintf(text, size, "%u s", seconds);
	else if (seconds < 3600)
		snprintf(text, size, "%u m %02u s", seconds / 60, seconds % 60);
	else
		snprintf(text, size, "%u h %02u m", seconds / 3600,
			 seconds / 60 % 60);
	return text;
}

const char *endpoint_text(const struct nlattr *nest, char *text, size_t size)
{
	const struct nlattr *attrs[SIPALG_A_ENDPOINT_MAX + 1];
	char ip[INET6_ADDRSTRLEN] = "?";
	bool six;

	attrs_nested(nest, attrs, SIPALG_A_ENDPOINT_MAX);
	six = mnl_attr_get_payload_len(attrs[SIPALG_A_ENDPOINT_IP]) == 16;
	inet_ntop(six ? AF_INET6 : AF_INET,
		  mnl_attr_get_payload(attrs[SIPALG_A_ENDPOINT_IP]), ip, sizeof(ip));
	snprintf(text, size, six ? "[%s]:%u" : "%s:%u", ip,
		 mnl_attr_get_u32(attrs[SIPALG_A_ENDPOINT_PORT]));
	return text;
}

const char *prefix_text(const uint8_t *bytes, unsigned int len, char *text, size_t size)
{
	unsigned int bits = bytes[len - 1];
	char ip[INET6_ADDRSTRLEN] = "?";

	inet_ntop(len == 17 ? AF_INET6 : AF_INET, bytes, ip, sizeof(ip));
	snprintf(text, size, "%s/%u", ip, bits);
	return text;
}

/* For a table: the middle of a long IPv6 address is left out. */
const char *endpoint_short(const struct nlattr *nest, char *text, size_t size)
{
	const size_t head = 8, tail = ENDPOINT_WIDTH - head - 2;
	size_t len;

	endpoint_text(nest, text, size);
	len = strlen(text);
	if (len > ENDPOINT_WIDTH) {
		memcpy(text + head, "..", 2);
		memmove(text + head + 2, text + len - tail, tail + 1);
	}
	return text;
}

/* At most @width columns, padded; no byte that could steer a terminal. */
void print_safe(const char *text, size_t len, int width)
{
	size_t i, shown = len;

	if (width && shown > (size_t)width)
		shown = width;
	for (i = 0; i < shown; i++)
		putchar(text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?');
	for (; i < (size_t)width; i++)
		putchar(' ');
}

#define SHOWN_OF_MASKED	2

const char *name_text(const struct nlattr *attr, char *text, size_t size)
{
	const char *name = attr ? mnl_attr_get_payload(attr) : "";
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (len >= size)
		len = size - 1;
	snprintf(text, size, "%.*s", (int)len, name);
	if (mask_wanted && len)
		snprintf(text + (len > 2 * SHOWN_OF_MASKED ? SHOWN_OF_MASKED : 0),
			 size - SHOWN_OF_MASKED, "***");
	return text;
}

void json_name(const char *key, const struct nlattr *attr)
{
	char text[NAME_TEXT];

	json_word(key, name_text(attr, text, sizeof(text)));
}
