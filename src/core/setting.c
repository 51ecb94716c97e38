// SPDX-License-Identifier: GPL-2.0-only
/* The table that settings.def is. */
#include <linux/build_bug.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>
#include "core/setting.h"
#include "sip/msg.h"

#define COLUMNS(...)	{ __VA_ARGS__ }
#define WORDS(words)	((const char * const [])COLUMNS words)

#define NUMBER(id, _name, _unit, _initial, least, most, when, help)	\
	[SIPALG_##id] = {						\
		.name = _name, .unit = _unit,				\
		.kind = SIPALG_SETTING_KIND_NUMBER,			\
		.initial = _initial, .min = least, .max = most,		\
	},
#define NUMBER_OR_ZERO(id, _name, _unit, _initial, least, most, when, help) \
	[SIPALG_##id] = {						\
		.name = _name, .unit = _unit,				\
		.kind = SIPALG_SETTING_KIND_NUMBER, .zero = true,	\
		.initial = _initial, .min = least, .max = most,		\
	},
#define SWITCH(id, _name, _initial, when, help)				\
	[SIPALG_##id] = {						\
		.name = _name, .unit = "",				\
		.kind = SIPALG_SETTING_KIND_SWITCH,			\
		.initial = _initial, .max = 1,				\
	},
#define WORD(id, _name, _initial, _words, when, help)			\
	[SIPALG_##id] = {						\
		.name = _name, .unit = "",				\
		.kind = SIPALG_SETTING_KIND_WORD, .initial = _initial,	\
		.words = WORDS(_words),					\
		.max = sizeof(WORDS(_words)) / sizeof(char *) - 1,	\
	},
#define PORTS(id, _name, least, most, when, help)			\
	[SIPALG_##id] = {						\
		.name = _name, .unit = "",				\
		.kind = SIPALG_SETTING_KIND_PORTS,			\
		.initial = (least) << 16 | (most),			\
		.min = least, .max = most,				\
	},
#define METHODS(id, _name, when, help)					\
	[SIPALG_##id] = {						\
		.name = _name, .unit = "",				\
		.kind = SIPALG_SETTING_KIND_METHODS,			\
		.max = (1 << SIP_METHOD_MAX) - 1,			\
	},
#define CODES(id, _name, _initial, least, most, when, help)		\
	[SIPALG_##id] = {						\
		.name = _name, .unit = "",				\
		.kind = SIPALG_SETTING_KIND_CODES,			\
		.min = least, .max = most,				\
		.codes = (const u16[SIPALG_SCREEN_EXEMPT_MAX + 1])	\
			 COLUMNS _initial,				\
	},
#define PREFIX(id, _name, range, when, help)				\
	[SIPALG_##id] = {						\
		.name = _name, .unit = "",				\
		.kind = SIPALG_SETTING_KIND_PREFIX,			\
	},
#define PREFIXES(id, _name, range, when, help)				\
	[SIPALG_##id] = {						\
		.name = _name, .unit = "",				\
		.kind = SIPALG_SETTING_KIND_PREFIXES,			\
	},
#define PAIRS(id, _name, range, when, help)				\
	[SIPALG_##id] = {						\
		.name = _name, .unit = "",				\
		.kind = SIPALG_SETTING_KIND_PAIRS,			\
	},

const struct sipalg_setting_info sipalg_setting_table[SIPALG_SETTING_MAX] = {
#include "core/settings.def"
};

/* A row without a name, or without words for people, does not compile. */
#define SETTING(id, name, when, help)					\
	static_assert(sizeof(name "") > 1 && sizeof(when "") > 1 &&	\
		      sizeof(help "") > 1);
#include "core/settings.def"

/* One shift for both: bytes of memory would not fit in 32 bits. */
static u32 calls_by_memory(void)
{
	return clamp_t(unsigned long, totalram_pages() >>
				(SIPALG_CALL_SHARE_SHIFT - PAGE_SHIFT),
		       sipalg_setting_table[SIPALG_MAX_CALLS].min,
		       SIPALG_CALLS_BY_MEMORY_MAX);
}

u32 sipalg_setting_initial(enum sipalg_setting setting)
{
	return setting == SIPALG_MAX_CALLS ?
		       calls_by_memory() : sipalg_setting_table[setting].initial;
}

void sipalg_settings_init(struct sipalg_settings *settings)
{
	const u16 *codes = sipalg_setting_table[SIPALG_SCREEN_EXEMPT].codes;
	unsigned int i;

	for (i = 0; i < SIPALG_SETTING_MAX; i++)
		settings->value[i] = sipalg_setting_initial(i);
	memset(&settings->nat64, 0, sizeof(settings->nat64));
	memset(&settings->peers, 0, sizeof(settings->peers));
	memset(&settings->outer, 0, sizeof(settings->outer));
	memcpy(settings->screen_exempt, codes, sizeof(settings->screen_exempt));
}

/* At least one even-odd pair must fit (S3-40). */
static bool ports_valid(u32 value)
{
	u32 low = value >> 16, high = value & 0xffff;

	return low >= 1024 && low < high && ((low + 1) & ~1u) + 1 <= high;
}

bool sipalg_setting_valid(enum sipalg_setting setting, u32 value)
{
	const struct sipalg_setting_info *info = &sipalg_setting_table[setting];

	if (info->kind == SIPALG_SETTING_KIND_PORTS)
		return ports_valid(value);
	if (!value && info->zero)
		return true;
	return value >= info->min && value <= info->max;
}
