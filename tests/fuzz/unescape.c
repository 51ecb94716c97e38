// SPDX-License-Identifier: GPL-2.0-only
/* Writes the messages of tests/corpus as the bytes they stand for. */
#include <stdio.h>
#include <stdlib.h>
#include "corpus.h"

static const char *to, *front;

static void visit(const struct corpus_message *message)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", to, message->name);
	file = fopen(path, "wb");
	if (!file || fputs(front, file) < 0 ||
	    fwrite(message->data, 1, message->len, file) != message->len || fclose(file)) {
		perror(path);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: %s CORPUS TO FRONT\n", argv[0]);
		return 1;
	}
	to = argv[2];
	front = argv[3];	/* put before each message */
	corpus_each(argv[1], visit);
	return 0;
}
