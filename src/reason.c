// SPDX-License-Identifier: GPL-2.0-only
/* The words for reasons. */
#include "reason.h"

static const char * const end_words[] = {
#define X(name, word) [SIPALG_END_##name] = word,
	SIPALG_END_REASONS(X)
#undef X
};

static const char * const message_words[] = {
	[SIPALG_REASON_NONE] = "none",
#define X(name, word) [SIPALG_REASON_##name] = word,
	SIPALG_MESSAGE_REASONS(X)
#undef X
};

const char *sipalg_end_word(enum sipalg_end_reason reason)
{
	return end_words[reason];
}

const char *sipalg_reason_word(enum sipalg_message_reason reason)
{
	return message_words[reason];
}
