/* SPDX-License-Identifier: GPL-2.0-only */
/* JSON as nft prints it, read into a tree. */
#ifndef SIPALG_CTL_JSON_H
#define SIPALG_CTL_JSON_H

#include <stdbool.h>
#include <stddef.h>

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/**
 * struct json - a value
 * @kind: which of them
 * @key: its name in an object, or NULL
 * @text: of a string
 * @number: of a number or boolean
 * @child: the first of an array or object
 * @next: beside it in the same
 */
struct json {
	enum json_kind kind;
	const char *key;
	const char *text;
	long long number;
	struct json *child;
	struct json *next;
};

/* The tree of a text, never freed; NULL: that is no JSON. */
const struct json *json_read(const char *text);

/* A member of an object; NULL: there is none, or @object is none. */
const struct json *json_get(const struct json *object, const char *key);

/* A member's string, or "". */
const char *json_text(const struct json *object, const char *key);

#endif
