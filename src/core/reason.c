// SPDX-License-Identifier: GPL-2.0-only
/* The words for reasons. */
#include <linux/build_bug.h>
#include "core/reason.h"

#define END_REASON(id, name, meaning)					\
	[SIPALG_END_##id] = name,
static const char * const end_names[SIPALG_END_MAX] = {
#include "core/reasons.def"
};

#define MESSAGE_REASON(id, name, meaning)				\
	[SIPALG_REASON_##id] = name,
static const char * const message_names[SIPALG_REASON_MAX] = {
	[SIPALG_REASON_NONE] = "none",
#include "core/reasons.def"
};

/* A row without a name or a meaning does not compile. */
#define COMPLETE(name, meaning)						\
	static_assert(sizeof(name "") > 1 && sizeof(meaning "") > 1);
#define END_REASON(id, name, meaning)		COMPLETE(name, meaning)
#define MESSAGE_REASON(id, name, meaning)	COMPLETE(name, meaning)
#include "core/reasons.def"

const char *sipalg_end_name(enum sipalg_end_reason reason)
{
	return end_names[reason];
}

const char *sipalg_reason_name(enum sipalg_message_reason reason)
{
	return message_names[reason];
}
