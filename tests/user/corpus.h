/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages as text files that a person can read: tests/corpus/README says how
 * they are written.
 */
#ifndef TEST_CORPUS_H
#define TEST_CORPUS_H

#include <stddef.h>

/**
 * struct corpus_message - one file
 * @name: of the file
 * @title: its first line, without "# "
 * @expected: the lines that begin with "#= ", without that
 * @data: the bytes of the message
 * @len: how many
 */
struct corpus_message {
	char *name;
	char *title;
	char *expected;
	char *data;
	size_t len;
};

/* Reads a file; ends the program with a sentence when it cannot. */
void corpus_read(const char *dir, const char *name, struct corpus_message *message);
void corpus_free(struct corpus_message *message);

/* Calls @visit for each .sip file of @dir, in the order of their names. */
void corpus_each(const char *dir, void (*visit)(const struct corpus_message *message));

#endif
