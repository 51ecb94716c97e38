/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family, divided by object: setting.c,
 * call.c, stats.c. Its words are in uapi/linux/sipalg.h, what
 * each command takes in gen.c, both made of spec/sipalg.yaml.
 */
#ifndef SIPALG_FAMILY_H
#define SIPALG_FAMILY_H

#include <linux/rhashtable-types.h>
#include <net/genetlink.h>
#include <net/sock.h>
#include "core/flow.h"

struct sipalg_call;
struct sipalg_event_ops;
struct sipalg_mapping;
struct sipalg_media;
struct sipalg_registration;

extern struct genl_family sipalg_genl_family;
extern const struct sipalg_event_ops sipalg_netlink_event_ops;

/**
 * sipalg_netlink_init() - register the family
 *
 * Process context, after the namespaces are set up.
 *
 * Return: 0 or a negative errno.
 */
int sipalg_netlink_init(void);

/* Takes the family away; no user command runs afterwards. */
void sipalg_netlink_exit(void);

/**
 * sipalg_netlink_begin() - begin one message of a reply
 * @skb: the reply
 * @portid: of the requester
 * @seq: sequence number of the request
 * @flags: NLM_F_*
 * @cmd: SIPALG_CMD_*
 *
 * Return: its header for genlmsg_end() or genlmsg_cancel(), NULL: no room.
 */
void *sipalg_netlink_begin(struct sk_buff *skb, u32 portid, u32 seq, int flags,
			   u8 cmd);

/**
 * sipalg_netlink_walk() - begin or continue a dump of a table
 * @iter: position in the table
 * @cb: the dump
 *
 * Takes the RCU read lock, until rhashtable_walk_stop(). If the table was resized
 * meanwhile the dump begins again and sets NLM_F_DUMP_INTR.
 */
void sipalg_netlink_walk(struct rhashtable_iter *iter,
			 struct netlink_callback *cb);

/**
 * sipalg_nl_refuse() - say why a value is none
 * @sentence: static
 * @attr: the value, or NULL
 * @extack: of the request, or NULL
 *
 * Return: -ERANGE.
 */
int sipalg_nl_refuse(const char *sentence, const struct nlattr *attr,
		     struct netlink_ext_ack *extack);

/**
 * sipalg_netlink_endpoint() - put a transport address
 * @skb: the answer
 * @attr: which nest it becomes
 * @family: AF_INET or AF_INET6
 * @ip: network byte order
 * @port: network byte order
 *
 * Return: 0 or -EMSGSIZE.
 */
int sipalg_netlink_endpoint(struct sk_buff *skb, int attr, u8 family,
			    const union nf_inet_addr *ip, __be16 port);

/* How much of a call is sent. */
enum sipalg_call_detail {
	SIPALG_CALL_WHOLE,
	SIPALG_CALL_FITTING,	/* its first tag, and the media there is room for */
};

/**
 * sipalg_netlink_call() - put a call
 * @skb: the answer or event
 * @call: locked
 * @detail: how much of it
 *
 * Return: 0 or -EMSGSIZE.
 */
int sipalg_netlink_call(struct sk_buff *skb, const struct sipalg_call *call,
			enum sipalg_call_detail detail);

/* The word for a media's kind: audio, video, ... */
const char *sipalg_netlink_media_kind(const struct sipalg_media *media);

/**
 * sipalg_netlink_state_dump() - put the whole state of a call
 * @skb: the answer
 * @call: locked
 *
 * Return: 0 or -EMSGSIZE.
 */
int sipalg_netlink_state_dump(struct sk_buff *skb, const struct sipalg_call *call);

/**
 * sipalg_netlink_registration() - put a registration
 * @skb: the answer or event
 * @mapping: its lock is held
 * @registration: one of its
 *
 * Return: 0 or -EMSGSIZE.
 */
int sipalg_netlink_registration(struct sk_buff *skb,
				const struct sipalg_mapping *mapping,
				const struct sipalg_registration *registration);

#endif
