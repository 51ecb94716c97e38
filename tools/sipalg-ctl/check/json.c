// SPDX-License-Identifier: GPL-2.0-only
/* A reader of JSON: recursive, as deep as a ruleset ever is. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "check/firewall.h"
#include "check/json.h"
#include "ctl.h"

#define MOST_DEPTH	64

struct reader {
	const char *at;
	unsigned int depth;
};

static const struct json *value(struct reader *r);

static void blanks(struct reader *r)
{
	while (isspace((unsigned char)*r->at))
		r->at++;
}

static bool next_is(struct reader *r, char c)
{
	blanks(r);
	if (*r->at != c)
		return false;
	r->at++;
	return true;
}

/* Names of rule sets are ASCII: what is escaped otherwise becomes '?'. */
static char escaped(struct reader *r)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	char c = *r->at;

	if (!c)
		return '?';
	r->at++;
	if (c == 'u') {
		r->at += strnlen(r->at, 4);
		return '?';
	}
	found = strchr(from, c);
	return found ? to[found - from] : '?';
}

static const char *string(struct reader *r)
{
	char *text = must(malloc(strcspn(r->at, "\n") + 1));
	size_t len = 0;

	while (*r->at && *r->at != '"' && *r->at != '\n') {
		if (*r->at == '\\') {
			r->at++;
			text[len++] = escaped(r);
		} else {
			text[len++] = *r->at++;
		}
	}
	text[len] = '\0';
	return next_is(r, '"') ? text : NULL;
}

static struct json *of_kind(enum json_kind kind)
{
	struct json *one = must(calloc(1, sizeof(*one)));

	one->kind = kind;
	return one;
}

static const struct json *members(struct reader *r, enum json_kind kind, char end)
{
	struct json *all = of_kind(kind), **last = &all->child;
	const char *key = NULL;

	if (next_is(r, end))
		return all;
	do {
		if (kind == JSON_OBJECT) {
			key = next_is(r, '"') ? string(r) : NULL;
			if (!key || !next_is(r, ':'))
				return NULL;
		}
		*last = (struct json *)value(r);
		if (!*last)
			return NULL;
		(*last)->key = key;
		last = &(*last)->next;
	} while (next_is(r, ','));
	return next_is(r, end) ? all : NULL;
}

static const struct json *word(struct reader *r)
{
	static const struct {
		const char *word;
		enum json_kind kind;
		int number;
	} words[] = {
		{ "null", JSON_NULL, 0 }, { "true", JSON_BOOL, 1 }, { "false", JSON_BOOL, 0 },
	};
	struct json *one;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		size_t len = strlen(words[i].word);

		if (strncmp(r->at, words[i].word, len))
			continue;
		r->at += len;
		one = of_kind(words[i].kind);
		one->number = words[i].number;
		return one;
	}
	return NULL;
}

static const struct json *number(struct reader *r)
{
	struct json *one = of_kind(JSON_NUMBER);
	char *end;

	one->number = strtoll(r->at, &end, 10);
	if (end == r->at)
		return NULL;
	r->at = end + strspn(end, ".0123456789eE+-");
	return one;
}

static const struct json *value(struct reader *r)
{
	const struct json *found;
	struct json *one;

	if (++r->depth > MOST_DEPTH)
		return NULL;
	blanks(r);
	if (next_is(r, '"')) {
		one = of_kind(JSON_STRING);
		one->text = string(r);
		found = one->text ? one : NULL;
	} else if (next_is(r, '{')) {
		found = members(r, JSON_OBJECT, '}');
	} else if (next_is(r, '[')) {
		found = members(r, JSON_ARRAY, ']');
	} else {
		found = isalpha((unsigned char)*r->at) ? word(r) : number(r);
	}
	r->depth--;
	return found;
}

const struct json *json_read(const char *text)
{
	struct reader r = { .at = text };

	return text ? value(&r) : NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
	const struct json *one;

	if (!object || object->kind != JSON_OBJECT)
		return NULL;
	for (one = object->child; one; one = one->next)
		if (!strcmp(one->key, key))
			return one;
	return NULL;
}

const char *json_text(const struct json *object, const char *key)
{
	const struct json *one = json_get(object, key);

	return one && one->kind == JSON_STRING ? one->text : "";
}
