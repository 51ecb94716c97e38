/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * Generic netlink family "sipalg": see and steer the SIP gateway of a network
 * namespace. Every command, reads too, needs CAP_NET_ADMIN in the namespace's
 * user namespace: it tells who calls whom.
 */
#ifndef _UAPI_LINUX_SIPALG_H
#define _UAPI_LINUX_SIPALG_H

#define SIPALG_FAMILY_NAME	"sipalg"
#define SIPALG_FAMILY_VERSION	1
#define SIPALG_MCGRP_EVENTS	"events"

enum {
	SIPALG_CMD_SETTING_GET = 1,	/* dump: SIPALG_A_SETTING each */
	SIPALG_CMD_SETTING_SET,		/* do: SIPALG_A_SETTING, any number, all or none */
	SIPALG_CMD_SETTING_RESET,	/* do */
	SIPALG_CMD_CALL_GET,		/* do by id or Call-ID, dump with filters */
	SIPALG_CMD_CALL_END,		/* do: id, or all with filters; answers how many */
	SIPALG_CMD_REGISTRATION_GET,	/* dump */
	SIPALG_CMD_STATS_GET,		/* dump: SIPALG_A_COUNTER each */
	SIPALG_CMD_STATS_RESET,		/* do */
	SIPALG_CMD_CALL_NTF,		/* event: SIPALG_A_CALL; ended: SIPALG_A_REASON */
	SIPALG_CMD_MESSAGE_NTF,		/* event: SIPALG_A_REASON, _SOURCE, _DESTINATION */
	SIPALG_CMD_REGISTRATION_NTF,	/* event: SIPALG_A_REGISTRATION */
	SIPALG_CMD_PINHOLE_NTF,		/* event: SIPALG_A_PINHOLE */

	__SIPALG_CMD_MAX,
	SIPALG_CMD_MAX = (__SIPALG_CMD_MAX - 1)
};

/* Top level. */
enum {
	SIPALG_A_UNSPEC,
	SIPALG_A_SETTING,		/* nest SIPALG_A_SETTING_* */
	SIPALG_A_CALL,			/* nest SIPALG_A_CALL_* */
	SIPALG_A_REGISTRATION,		/* nest SIPALG_A_REGISTRATION_* */
	SIPALG_A_COUNTER,		/* nest SIPALG_A_COUNTER_* */
	SIPALG_A_ID,			/* u32: number of a call */
	SIPALG_A_CALL_ID,		/* string: its Call-ID */
	SIPALG_A_ALL,			/* flag: SIPALG_CMD_CALL_END ends all that match */
	SIPALG_A_ADDRESS,		/* binary, 4 or 16 bytes: a party, or its media */
	SIPALG_A_PREFIX,		/* u32: of SIPALG_A_ADDRESS, bits */
	SIPALG_A_PORT,			/* u32: the same of ports */
	SIPALG_A_STATE,			/* string: early, confirmed, held, ending */
	SIPALG_A_OLDER,			/* u32: begun at least so many seconds ago */
	SIPALG_A_IDLE,			/* u32: silent for at least so many seconds */
	SIPALG_A_COUNT,			/* u32: how many calls were ended */
	SIPALG_A_EVENT,			/* string: new, answered, changed, ended; dropped,
					 * unchanged; registered, unregistered;
					 * opened, closed
					 */
	SIPALG_A_REASON,		/* string */
	SIPALG_A_SOURCE,		/* nest SIPALG_A_ENDPOINT_* */
	SIPALG_A_DESTINATION,		/* nest SIPALG_A_ENDPOINT_* */
	SIPALG_A_LOST,			/* u32: events not told so far, since the module came */
	SIPALG_A_MESSAGE,		/* nest SIPALG_A_MESSAGE_*, oldest first; not in lists */
	SIPALG_A_PINHOLE,		/* nest SIPALG_A_PINHOLE_* */

	__SIPALG_A_MAX,
	SIPALG_A_MAX = (__SIPALG_A_MAX - 1)
};

enum {
	SIPALG_A_SETTING_UNSPEC,
	SIPALG_A_SETTING_NAME,		/* string */
	SIPALG_A_SETTING_VALUE,		/* u32; a list: see SIPALG_A_SETTING_LIST */
	SIPALG_A_SETTING_DEFAULT,	/* u32 */
	SIPALG_A_SETTING_MIN,		/* u32 */
	SIPALG_A_SETTING_MAX_VALUE,	/* u32 */
	SIPALG_A_SETTING_ZERO,		/* flag: 0 is allowed though below the minimum */
	SIPALG_A_SETTING_KIND,		/* u32: enum sipalg_setting_kind_wire */
	SIPALG_A_SETTING_UNIT,		/* string */
	SIPALG_A_SETTING_WORD,		/* string, by value, any number */
	SIPALG_A_SETTING_LIST,		/* binary: u16 each, host byte order */

	__SIPALG_A_SETTING_MAX,
	SIPALG_A_SETTING_MAX = (__SIPALG_A_SETTING_MAX - 1)
};

/* What a setting's value means. */
enum sipalg_setting_kind_wire {
	SIPALG_SETTING_NUMBER,
	SIPALG_SETTING_SWITCH,		/* 0 off, 1 on */
	SIPALG_SETTING_WORD,		/* index of a SIPALG_A_SETTING_WORD */
	SIPALG_SETTING_PORTS,		/* low << 16 | high */
	SIPALG_SETTING_METHODS,		/* bit n: SIPALG_A_SETTING_WORD n */
	SIPALG_SETTING_CODES,		/* SIPALG_A_SETTING_LIST of status codes */
};

enum {
	SIPALG_A_CALL_UNSPEC,
	SIPALG_A_CALL_NUMBER,		/* u32 */
	SIPALG_A_CALL_NAME,		/* binary: Call-ID, no NUL */
	SIPALG_A_CALL_STATE,		/* string */
	SIPALG_A_CALL_FROM_TAG,		/* binary */
	SIPALG_A_CALL_TO_TAG,		/* binary, one a dialog */
	SIPALG_A_CALL_SOURCE,		/* nest SIPALG_A_ENDPOINT_* */
	SIPALG_A_CALL_DESTINATION,	/* nest SIPALG_A_ENDPOINT_* */
	SIPALG_A_CALL_AGE,		/* u32 seconds */
	SIPALG_A_CALL_IDLE,		/* u32 seconds */
	SIPALG_A_CALL_SESSION_INTERVAL,	/* u32 seconds, 0: none */
	SIPALG_A_CALL_REFRESHER,	/* string: none, uac, uas */
	SIPALG_A_CALL_EXPIRES,		/* u32 seconds until the nearest end */
	SIPALG_A_CALL_MEDIA,		/* nest SIPALG_A_MEDIA_*, any number */
	SIPALG_A_CALL_REASON,		/* string: why it ends */

	__SIPALG_A_CALL_MAX,
	SIPALG_A_CALL_MAX = (__SIPALG_A_CALL_MAX - 1)
};

/* One of the last messages of a call. */
enum {
	SIPALG_A_MESSAGE_UNSPEC,
	SIPALG_A_MESSAGE_TIME,		/* u32: ms since the call's first message */
	SIPALG_A_MESSAGE_WORD,		/* string: method, of a response that of its CSeq */
	SIPALG_A_MESSAGE_STATUS,	/* u32: of a response */
	SIPALG_A_MESSAGE_CSEQ,		/* u32 */
	SIPALG_A_MESSAGE_CALLER,	/* flag: the caller sent it */
	SIPALG_A_MESSAGE_RETRANSMITTED,	/* flag */
	SIPALG_A_MESSAGE_DROPPED,	/* flag */
	SIPALG_A_MESSAGE_PROTOCOL,	/* string: tcp, udp */
	SIPALG_A_MESSAGE_EDITS,		/* u32: places that were changed */
	SIPALG_A_MESSAGE_REASON,	/* string: why dropped or passed unchanged */

	__SIPALG_A_MESSAGE_MAX,
	SIPALG_A_MESSAGE_MAX = (__SIPALG_A_MESSAGE_MAX - 1)
};

enum {
	SIPALG_A_ENDPOINT_UNSPEC,
	SIPALG_A_ENDPOINT_IP,		/* binary, 4 or 16 bytes, network byte order */
	SIPALG_A_ENDPOINT_PORT,		/* u32, host byte order */

	__SIPALG_A_ENDPOINT_MAX,
	SIPALG_A_ENDPOINT_MAX = (__SIPALG_A_ENDPOINT_MAX - 1)
};

enum {
	SIPALG_A_MEDIA_UNSPEC,
	SIPALG_A_MEDIA_INDEX,		/* u32: which m= line */
	SIPALG_A_MEDIA_KIND,		/* string: audio, video, ... */
	SIPALG_A_MEDIA_PRIVATE,		/* nest SIPALG_A_ENDPOINT_* */
	SIPALG_A_MEDIA_PUBLIC,		/* nest SIPALG_A_ENDPOINT_* */
	SIPALG_A_MEDIA_PEER,		/* nest SIPALG_A_ENDPOINT_*, absent: not known */
	SIPALG_A_MEDIA_RTCP,		/* u32: public RTCP port, 0: none */
	SIPALG_A_MEDIA_STATE,		/* string: waiting, flowing, idle, held */
	SIPALG_A_MEDIA_IDLE,		/* u32 seconds */
	SIPALG_A_MEDIA_PACKETS,		/* u64, if conntrack counts */
	SIPALG_A_MEDIA_BYTES,		/* u64 */
	SIPALG_A_MEDIA_PAD,

	__SIPALG_A_MEDIA_MAX,
	SIPALG_A_MEDIA_MAX = (__SIPALG_A_MEDIA_MAX - 1)
};

enum {
	SIPALG_A_REGISTRATION_UNSPEC,
	SIPALG_A_REGISTRATION_PRIVATE,	/* nest SIPALG_A_ENDPOINT_* */
	SIPALG_A_REGISTRATION_PUBLIC,	/* nest */
	SIPALG_A_REGISTRATION_REGISTRAR,/* nest */
	SIPALG_A_REGISTRATION_PROTOCOL,	/* string: udp, tcp */
	SIPALG_A_REGISTRATION_EXPIRES,	/* u32 seconds */

	__SIPALG_A_REGISTRATION_MAX,
	SIPALG_A_REGISTRATION_MAX = (__SIPALG_A_REGISTRATION_MAX - 1)
};

enum {
	SIPALG_A_PINHOLE_UNSPEC,
	SIPALG_A_PINHOLE_PROTOCOL,	/* string: udp, tcp */
	SIPALG_A_PINHOLE_SOURCE,	/* nest SIPALG_A_ENDPOINT_*, zeros: any */
	SIPALG_A_PINHOLE_DESTINATION,	/* nest: as the sender addresses it */
	SIPALG_A_PINHOLE_PRIVATE,	/* nest: where that is */

	__SIPALG_A_PINHOLE_MAX,
	SIPALG_A_PINHOLE_MAX = (__SIPALG_A_PINHOLE_MAX - 1)
};

enum {
	SIPALG_A_COUNTER_UNSPEC,
	SIPALG_A_COUNTER_GROUP,		/* string: path of the object, dots between */
	SIPALG_A_COUNTER_NAME,		/* string */
	SIPALG_A_COUNTER_VALUE,		/* u64 */
	SIPALG_A_COUNTER_PAD,

	__SIPALG_A_COUNTER_MAX,
	SIPALG_A_COUNTER_MAX = (__SIPALG_A_COUNTER_MAX - 1)
};

#endif /* _UAPI_LINUX_SIPALG_H */
