// SPDX-License-Identifier: GPL-2.0-only
/* Lines `name value`, and what is said on stderr. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "sync.h"

struct config config = {
	.redis_address = "127.0.0.1:6379",
	.run_directory = "/run/sipalg",
};

void say(const char *format, ...)
{
	va_list args;

	fputs("sipalg-sync: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void say_once(const char **last, const char *sentence)
{
	if (*last != sentence && sentence)
		say("%s", sentence);
	*last = sentence;
}

uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

static int set(const char *name, const char *value)
{
	const struct {
		const char *name;
		char **value;
	} texts[] = {
		{ "redis-address", &config.redis_address },
		{ "redis-password", &config.redis_password },
		{ "redis-tls-ca", &config.redis_tls_ca },
		{ "run-directory", &config.run_directory },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		if (!strcmp(name, texts[i].name)) {
			*texts[i].value = strdup(value);
			return *texts[i].value ? 0 : -1;
		}
	if (strcmp(name, "log-level"))
		return -1;
	config.verbose = !strcmp(value, "debug");
	return strcmp(value, "debug") && strcmp(value, "info") ? -1 : 0;
}

static int read_line(char *line, const char *path, unsigned int number)
{
	char *name, *value, *end = strchr(line, '#');

	if (end)
		*end = 0;
	name = strtok(line, " \t\r\n");
	if (!name)
		return 0;
	value = strtok(NULL, " \t\r\n");
	if (value && !strtok(NULL, " \t\r\n") && !set(name, value))
		return 0;
	/* never the line itself: it may hold the password */
	say("%s:%u: '%s' is no setting with one right value", path, number, name);
	return -1;
}

int config_read(const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned int number = 0;
	char line[1024];
	struct stat status;
	int err = 0;

	if (!file) {
		say("%s cannot be read: %s", path, strerror(errno));
		return -1;
	}
	if (!fstat(fileno(file), &status) && status.st_mode & 077) {
		say("%s holds a password and is readable by others: chmod 600 %s", path,
		    path);
		err = -1;
	}
	while (!err && fgets(line, sizeof(line), file))
		err = read_line(line, path, ++number);
	fclose(file);
	return err;
}
