/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The settings of a namespace: names, defaults and ranges.
 *
 * Each is one u32, read without a lock on the packet path.
 */
#ifndef SIPALG_SETTING_H
#define SIPALG_SETTING_H

#include <linux/types.h>
#include <uapi/linux/sipalg.h>
#include "core/peers.h"
#include "sip/nat64.h"
#include "sip/outer.h"

struct sipalg_net;

enum sipalg_mode {
	SIPALG_MODE_OFF,	/* nothing is looked at */
	SIPALG_MODE_OBSERVE,	/* parse, follow calls, count; change and open nothing */
	SIPALG_MODE_PINHOLES,	/* open pinholes, change no byte */
	SIPALG_MODE_FULL,
};

enum sipalg_media_source {
	SIPALG_MEDIA_SOURCE_ANY,
	SIPALG_MEDIA_SOURCE_ANSWER,
	SIPALG_MEDIA_SOURCE_SIGNALLING,
};

enum sipalg_signalling_source {
	SIPALG_SIGNALLING_SOURCE_REGISTRAR,
	SIPALG_SIGNALLING_SOURCE_ANY,
};

enum sipalg_action { SIPALG_PASS, SIPALG_DROP };

enum sipalg_ice { SIPALG_ICE_LEAVE, SIPALG_ICE_REWRITE };

#define SETTING(id, name, when, help)	SIPALG_##id,
enum sipalg_setting {
#include "core/settings.def"
	SIPALG_SETTING_MAX
};

#define SIPALG_SCREEN_EXEMPT_MAX	16

/*
 * The default of max-calls: one for each 64 kB of memory. With a call of one stream
 * at 4 kB, conntrack's objects counted, all of them take a sixteenth.
 */
#define SIPALG_BY_MEMORY		0
#define SIPALG_CALL_SHARE_SHIFT		16
#define SIPALG_CALLS_BY_MEMORY_MAX	65536

/**
 * struct sipalg_settings - all settings of a namespace
 * @value: by enum sipalg_setting, in the unit of its row
 * @screen_exempt: status codes that screen-invites ignores, ended by 0
 * @nat64: nat64-prefix and nat64-pool; read from &sipalg_net.nat64
 * @peers: signalling-peers; read from &sipalg_net.peers
 * @outer: public-address; read from &sipalg_net.outer
 */
struct sipalg_settings {
	u32 value[SIPALG_SETTING_MAX];
	u16 screen_exempt[SIPALG_SCREEN_EXEMPT_MAX];
	struct sipalg_nat64 nat64;
	struct sipalg_peers peers;
	struct sipalg_outer outer;
};

/**
 * struct sipalg_setting_info - one row of the settings table
 * @name: as in sipalg(4)
 * @unit: "s", "ms", "min", "bytes", "messages/s" or ""
 * @kind: enum sipalg_setting_kind
 * @initial: default, or SIPALG_BY_MEMORY
 * @min: smallest value; for words 0
 * @max: largest value; for words the last one's number
 * @zero: 0 is allowed though below @min (never, off, no limit)
 * @words: for SIPALG_SETTING_KIND_WORD, by value
 * @codes: default of SIPALG_SETTING_KIND_CODES, ended by 0
 */
struct sipalg_setting_info {
	const char *name;
	const char *unit;
	u8 kind;
	u32 initial;
	u32 min;
	u32 max;
	bool zero;
	const char * const *words;
	const u16 *codes;
};

extern const struct sipalg_setting_info sipalg_setting_table[SIPALG_SETTING_MAX];

/**
 * sipalg_setting_initial() - the default of a setting on this machine
 * @setting: enum sipalg_setting, of a kind that is one number
 *
 * Return: it, in the setting's unit.
 */
u32 sipalg_setting_initial(enum sipalg_setting setting);

/**
 * sipalg_settings_init() - set every setting to its default
 * @settings: filled
 *
 * Any context.
 */
void sipalg_settings_init(struct sipalg_settings *settings);

/**
 * sipalg_setting_valid() - test whether a value is in range
 * @setting: enum sipalg_setting
 * @value: in the setting's unit
 *
 * Return: true if it is in range.
 */
bool sipalg_setting_valid(enum sipalg_setting setting, u32 value);

#endif
