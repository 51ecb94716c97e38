// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "guard.h"

#define PAGE	4096u
#define ROOM	(32 * PAGE)	/* more than the longest message */

static char *room(void)
{
	static char *start;

	if (start)
		return start;
	start = mmap(NULL, ROOM + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (start == MAP_FAILED || mprotect(start + PAGE, ROOM, PROT_READ | PROT_WRITE)) {
		perror("guard pages");
		exit(1);
	}
	start += PAGE;
	return start;
}

static const char *copy(char *to, const void *data, size_t len)
{
	if (len > ROOM) {
		fprintf(stderr, "guard: %zu bytes are too many\n", len);
		exit(1);
	}
	if (len)
		memmove(to, data, len);
	return to;
}

const char *guard_behind(const void *data, size_t len)
{
	return copy(room() + ROOM - len, data, len);
}

const char *guard_before(const void *data, size_t len)
{
	return copy(room(), data, len);
}
