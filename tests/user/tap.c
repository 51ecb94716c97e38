// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "tap.h"

static int count, failed;

bool tap(bool passed, const char *name, ...)
{
	va_list args;

	printf("%sok %d - ", passed ? "" : "not ", ++count);
	va_start(args, name);
	vprintf(name, args);
	va_end(args);
	putchar('\n');
	failed += !passed;
	return passed;
}

void tap_note(const char *text, ...)
{
	va_list args;

	printf("# ");
	va_start(args, text);
	vprintf(text, args);
	va_end(args);
	putchar('\n');
}

static void lines_print(const char *text)
{
	while (*text) {
		int len = strcspn(text, "\n");

		printf("#\t%.*s\n", len, text);
		text += len + (text[len] == '\n');
	}
}

void tap_differ(const char *got, const char *expected)
{
	tap_note("got:");
	lines_print(got);
	tap_note("expected:");
	lines_print(expected);
}

int tap_done(void)
{
	printf("1..%d\n", count);
	return failed || !count;
}
