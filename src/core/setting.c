// SPDX-License-Identifier: GPL-2.0-only
/* The table of settings: a new setting is a new row here. */
#include <linux/kernel.h>
#include <linux/string.h>
#include "core/setting.h"
#include "sip/msg.h"

static const char * const mode_words[] = { "off", "observe", "pinholes", "full" };
static const char * const media_source_words[] = { "any", "answer", "signalling" };
static const char * const signalling_source_words[] = { "registrar", "any" };
static const char * const action_words[] = { "pass", "drop" };
static const char * const ice_words[] = { "leave", "rewrite" };

#define NUMBER(_name, _unit, _initial, _min, _max) {			\
	.name = _name, .unit = _unit, .kind = SIPALG_SETTING_KIND_NUMBER,	\
	.initial = _initial, .min = _min, .max = _max }

#define NUMBER_OR_ZERO(_name, _unit, _initial, _min, _max) {		\
	.name = _name, .unit = _unit, .kind = SIPALG_SETTING_KIND_NUMBER,	\
	.initial = _initial, .min = _min, .max = _max, .zero = true }

#define SWITCH(_name, _initial) {					\
	.name = _name, .unit = "", .kind = SIPALG_SETTING_KIND_SWITCH,		\
	.initial = _initial, .max = 1 }

#define WORD(_name, _initial, _last, _words) {				\
	.name = _name, .unit = "", .kind = SIPALG_SETTING_KIND_WORD,		\
	.initial = _initial, .max = _last, .words = _words }

const struct sipalg_setting_info sipalg_setting_table[SIPALG_SETTING_MAX] = {
	[SIPALG_MODE] = WORD("mode", SIPALG_MODE_FULL, SIPALG_MODE_FULL, mode_words),
	[SIPALG_INACTIVE_MEDIA_TIMEOUT] =
		NUMBER_OR_ZERO("inactive-media-timeout", "s", 120, 10, 2550),
	[SIPALG_HOLD_TIMEOUT] = NUMBER("hold-timeout", "s", 7200, 0, 36000),
	[SIPALG_MAXIMUM_CALL_DURATION] =
		NUMBER("maximum-call-duration", "min", 720, 3, 7200),
	[SIPALG_IDLE_CALL_TIMEOUT] =
		NUMBER_OR_ZERO("idle-call-timeout", "s", 43200, 60, 604800),
	[SIPALG_T1_INTERVAL] = NUMBER("t1-interval", "ms", 500, 500, 5000),
	[SIPALG_T4_INTERVAL] = NUMBER("t4-interval", "s", 5, 5, 10),
	[SIPALG_C_TIMEOUT] = NUMBER("c-timeout", "min", 3, 3, 10),
	[SIPALG_TEARDOWN_DELAY] = NUMBER("teardown-delay", "s", 5, 0, 32),
	[SIPALG_SESSION_MARGIN] = NUMBER("session-margin", "s", 32, 0, 300),
	[SIPALG_SESSION_DEFAULT] =
		NUMBER_OR_ZERO("session-default", "s", 0, 90, 86400),
	[SIPALG_RETAIN_HOLD_RESOURCE] = SWITCH("retain-hold-resource", 0),
	[SIPALG_MEDIA_SOURCE] =
		WORD("media-source", SIPALG_MEDIA_SOURCE_ANY,
		     SIPALG_MEDIA_SOURCE_SIGNALLING, media_source_words),
	[SIPALG_SIGNALLING_SOURCE] =
		WORD("signalling-source", SIPALG_SIGNALLING_SOURCE_REGISTRAR,
		     SIPALG_SIGNALLING_SOURCE_ANY, signalling_source_words),
	[SIPALG_MEDIA_PORTS] = {
		.name = "media-ports", .unit = "", .kind = SIPALG_SETTING_KIND_PORTS,
		.initial = 1024 << 16 | 65535, .min = 1024, .max = 65535,
	},
	[SIPALG_CONTACT_PINHOLE] = SWITCH("contact-pinhole", 1),
	[SIPALG_VIA_PINHOLE] = SWITCH("via-pinhole", 0),
	[SIPALG_ROUTE_PINHOLE] = SWITCH("route-pinhole", 0),
	[SIPALG_RECORD_ROUTE_PINHOLE] = SWITCH("record-route-pinhole", 1),
	[SIPALG_UNKNOWN_MESSAGE] = WORD("unknown-message", SIPALG_PASS, SIPALG_DROP, action_words),
	[SIPALG_UNKNOWN_METHOD] = WORD("unknown-method", SIPALG_PASS, SIPALG_DROP, action_words),
	[SIPALG_DENY_METHODS] = {
		.name = "deny-methods", .unit = "", .kind = SIPALG_SETTING_KIND_METHODS,
		.initial = 0, .min = 0, .max = (1 << SIP_METHOD_MAX) - 1,
	},
	[SIPALG_NO_CONNECTION_LINE] =
		WORD("no-connection-line", SIPALG_DROP, SIPALG_DROP, action_words),
	[SIPALG_SCREEN_INVITES] = SWITCH("screen-invites", 0),
	[SIPALG_SCREEN_TIMEOUT] = NUMBER("screen-timeout", "s", 5, 1, 3600),
	[SIPALG_ICE] = WORD("ice", SIPALG_ICE_LEAVE, SIPALG_ICE_REWRITE, ice_words),
	[SIPALG_RATE_LIMIT] =
		NUMBER_OR_ZERO("rate-limit", "messages/s", 0, 1, 1000000),
	[SIPALG_MAX_CALLS] = NUMBER("max-calls", "", 65536, 16, 1048576),
	[SIPALG_MAX_CALLS_PER_SOURCE] =
		NUMBER("max-calls-per-source", "", 4096, 1, 1048576),
	[SIPALG_MAX_IDLE_CALLS] = NUMBER("max-idle-calls", "", 0, 0, 1048576),
	[SIPALG_MAX_MEDIA_PER_CALL] =
		NUMBER("max-media-per-call", "", 32, 1, SIP_MAX_MEDIA),
	[SIPALG_MAX_MESSAGE] =
		NUMBER("max-message", "bytes", SIP_MAX_MESSAGE, 1500, SIP_MAX_MESSAGE),
};

static const u16 screen_exempt_initial[] = { 401, 407, 422, 487, 488 };

void sipalg_settings_init(struct sipalg_settings *settings)
{
	unsigned int i;

	for (i = 0; i < SIPALG_SETTING_MAX; i++)
		settings->value[i] = sipalg_setting_table[i].initial;

	memset(&settings->nat64, 0, sizeof(settings->nat64));
	memset(&settings->peers, 0, sizeof(settings->peers));
	memset(settings->screen_exempt, 0, sizeof(settings->screen_exempt));
	memcpy(settings->screen_exempt, screen_exempt_initial,
	       sizeof(screen_exempt_initial));
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
