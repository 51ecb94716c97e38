// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parser's tests in user space. With --index FILE: what the parser makes
 * of one message of tests/corpus, in the words such a file expects it in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "corpus.h"
#include "index.h"
#include "tap.h"
#include "tests.h"

static int show(const char *path)
{
	static struct sip_msg msg;
	struct corpus_message message;
	char *text, *line;

	corpus_read(".", path, &message);
	text = index_text(sip_parse(message.data, message.len, &msg), &msg);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		printf("#= %s\n", line);
	free(text);
	corpus_free(&message);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "--index"))
		return show(argv[2]);
	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS | --index FILE\n", argv[0]);
		return 1;
	}
	host_tests();
	name_tests();
	form_tests();
	grammar_tests();
	sdp_tests();
	frame_tests();
	linear_tests();
	corpus_tests(argv[1]);
	nat64_tests();
	outer_tests();
	plan_tests(argv[1]);
	return tap_done();
}
