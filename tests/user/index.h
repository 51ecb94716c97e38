/* SPDX-License-Identifier: GPL-2.0-only */
/* Looking at an index from outside: as text, and whether it can be true. */
#ifndef TEST_INDEX_H
#define TEST_INDEX_H

#include "sip/msg.h"

/* The index in lines, as tests/corpus/README describes them; to be freed. */
char *index_text(enum sip_result result, const struct sip_msg *msg);

/*
 * What is wrong with an index, whatever the message was: a sentence, or NULL.
 * The libc's own readers of addresses are the second opinion.
 */
const char *index_flaw(const struct sip_msg *msg);

/* Do two parses of the same bytes say the same? */
bool index_equal(const struct sip_msg *a, const struct sip_msg *b);

#endif
