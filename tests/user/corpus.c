// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "corpus.h"

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *text, ...)
{
	va_list args;

	fprintf(stderr, "corpus: ");
	va_start(args, text);
	vfprintf(stderr, text, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static char *slurp(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	char *text = calloc(1, 1 << 20);

	if (!file || !text)
		fail("%s: %s", path, strerror(errno));
	*len = fread(text, 1, (1 << 20) - 1, file);
	fclose(file);
	return text;
}

static void put(struct corpus_message *message, const char *bytes, size_t len)
{
	message->data = realloc(message->data, message->len + len + 1);
	if (!message->data)
		fail("no memory");
	memcpy(message->data + message->len, bytes, len);
	message->len += len;
}

/* "{300*text}" behind a backslash: the text 300 times. */
static const char *put_repeated(struct corpus_message *message, const char *p)
{
	char *star;
	long times = strtol(p + 1, &star, 10);
	const char *close = strchr(star, '}');

	if (*star != '*' || !close)
		fail("%s: bad repetition", message->name);
	while (times--)
		put(message, star + 1, close - star - 1);
	return close + 1;
}

/* @p: behind a backslash. Returns what follows the escape. */
static const char *put_escape(struct corpus_message *message, const char *p)
{
	char hex[3] = { 0 };
	char byte;

	switch (*p) {
	case '\\':
		put(message, "\\", 1);
		return p + 1;
	case 'r':
		put(message, "\r", 1);
		return p + 1;
	case 'n':
		put(message, "\n", 1);
		return p + 1;
	case 'x':
		memcpy(hex, p + 1, 2);
		byte = strtol(hex, NULL, 16);
		put(message, &byte, 1);
		return p + 3;
	case '\n':
		return p + 1;
	case '{':
		return put_repeated(message, p);
	}
	fail("%s: unknown escape \\%c", message->name, *p);
}

static void message_read(struct corpus_message *message, const char *p, const char *end)
{
	while (p < end) {
		if (*p == '\\') {
			p = put_escape(message, p + 1);
		} else if (*p == '\n') {
			put(message, "\r\n", 2);
			p++;
		} else {
			put(message, p++, 1);
		}
	}
}

static void append(char **text, const char *p, size_t len)
{
	size_t had = *text ? strlen(*text) : 0;

	*text = realloc(*text, had + len + 1);
	if (!*text)
		fail("no memory");
	memcpy(*text + had, p, len);
	(*text)[had + len] = '\0';
}

void corpus_read(const char *dir, const char *name, struct corpus_message *message)
{
	char path[4096];
	size_t len;
	char *text, *p, *end;

	memset(message, 0, sizeof(*message));
	message->name = strdup(name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	text = slurp(path, &len);
	end = text + len;
	append(&message->expected, "", 0);
	put(message, "", 0);

	for (p = text; *p == '#'; p++) {
		char *line = p;

		p = strchr(p, '\n');
		if (!p)
			fail("%s: no message", path);
		if (!strncmp(line, "#= ", 3))
			append(&message->expected, line + 3, p + 1 - (line + 3));
		else if (!message->title && p - line > 2)
			append(&message->title, line + 2, p - (line + 2));
	}
	if (!message->title)
		fail("%s: no title", path);
	message_read(message, p, end);
	free(text);
}

void corpus_free(struct corpus_message *message)
{
	free(message->name);
	free(message->title);
	free(message->expected);
	free(message->data);
}

static int is_message(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".sip");
}

void corpus_each(const char *dir, void (*visit)(const struct corpus_message *message))
{
	struct dirent **entries;
	int count = scandir(dir, &entries, is_message, alphasort);
	int i;

	if (count <= 0)
		fail("%s: no messages", dir);
	for (i = 0; i < count; i++) {
		struct corpus_message message;

		corpus_read(dir, entries[i]->d_name, &message);
		visit(&message);
		corpus_free(&message);
		free(entries[i]);
	}
	free(entries);
}
