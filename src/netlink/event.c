// SPDX-License-Identifier: GPL-2.0-only
/* Events: allocation, content, sending. */
#include <net/netfilter/nf_conntrack_expect.h>
#include <uapi/linux/sipalg.h>
#include "core/call.h"
#include "core/event.h"
#include "core/net.h"
#include "nat/mapping.h"
#include "netlink/family.h"

/* A call with more tags and media than fit is sent partly. */
#define EVENT_SIZE	8192

struct event {
	struct sipalg_net *sn;
	struct sk_buff *skb;
	void *header;
};

static bool is_wanted(const struct sipalg_net *sn)
{
	return !READ_ONCE(sn->dying) &&
	       genl_has_listeners(&sipalg_genl_family, sn->net, 0);
}

/* Two CPUs may both begin a second: then a few more events are sent in it. */
static bool within_rate(struct sipalg_net *sn)
{
	unsigned long second = jiffies / HZ;

	if (READ_ONCE(sn->event_second) != second) {
		WRITE_ONCE(sn->event_second, second);
		atomic_set(&sn->event_count, 0);
	}
	return atomic_inc_return(&sn->event_count) <= SIPALG_EVENTS_PER_SECOND;
}

static bool begin(struct event *event, struct sipalg_net *sn, u8 cmd,
		  const char *what)
{
	event->sn = sn;
	event->skb = within_rate(sn) ? nlmsg_new(EVENT_SIZE, GFP_ATOMIC) : NULL;
	if (!event->skb) {
		atomic_inc(&sn->events_lost);
		return false;
	}
	event->header = sipalg_netlink_begin(event->skb, 0, 0, 0, cmd);
	if (event->header &&
	    !nla_put_string(event->skb, SIPALG_A_EVENT, what) &&
	    !nla_put_u32(event->skb, SIPALG_A_LOST,
			 atomic_read(&sn->events_lost)))
		return true;
	nlmsg_free(event->skb);
	return false;
}

static void send(struct event *event, int err)
{
	if (err) {
		atomic_inc(&event->sn->events_lost);
		nlmsg_free(event->skb);
		return;
	}
	genlmsg_end(event->skb, event->header);
	genlmsg_multicast_netns(&sipalg_genl_family, event->sn->net, event->skb,
				0, 0, GFP_ATOMIC);
}

static void tell_call(const struct sipalg_call *call, const char *what,
		      const char *reason)
{
	unsigned char *before;
	struct event event;
	int err;

	if (!is_wanted(call->sn) ||
	    !begin(&event, call->sn, SIPALG_CMD_CALL_NTF, what))
		return;
	err = reason ? nla_put_string(event.skb, SIPALG_A_REASON, reason) : 0;
	before = skb_tail_pointer(event.skb);
	if (!err && sipalg_netlink_call(event.skb, call, SIPALG_CALL_WHOLE)) {
		nlmsg_trim(event.skb, before);
		err = sipalg_netlink_call(event.skb, call, SIPALG_CALL_FITTING);
	}
	send(&event, err);
}

static void call_changed(struct sipalg_call *call)
{
	u8 mask = call->event_mask;

	call->event_mask = 0;
	if (mask & SIPALG_NOTIFY_NEW)
		tell_call(call, "new", NULL);
	if (mask & SIPALG_NOTIFY_ANSWERED)
		tell_call(call, "answered", NULL);
	else if (mask == SIPALG_NOTIFY_CHANGED)
		tell_call(call, "changed", NULL);
}

static void call_ended(struct sipalg_call *call)
{
	/* a new state needs no event of its own */
	call->event_mask &= ~SIPALG_NOTIFY_CHANGED;
	call_changed(call);
	tell_call(call, "ended", sipalg_end_name(call->reason));
}

static void message(const struct sipalg_flow *flow,
		    const struct sipalg_call *call, const char *what,
		    enum sipalg_message_reason reason)
{
	struct event event;
	int err;

	if (!is_wanted(flow->sn) ||
	    !begin(&event, flow->sn, SIPALG_CMD_MESSAGE_NTF, what))
		return;
	err = nla_put_string(event.skb, SIPALG_A_REASON,
			     sipalg_reason_name(reason)) ?:
	      sipalg_netlink_endpoint(event.skb, SIPALG_A_SOURCE, flow->family,
				      &flow->src.ip, flow->src.port) ?:
	      sipalg_netlink_endpoint(event.skb, SIPALG_A_DESTINATION,
				      flow->family, &flow->dst_private.ip,
				      flow->dst_private.port) ?:
	      (call ? nla_put_u32(event.skb, SIPALG_A_ID, call->id) : 0);
	send(&event, err);
}

static void registration(const struct sipalg_mapping *mapping,
			 const struct sipalg_registration *registration,
			 const char *what)
{
	struct sipalg_net *sn = mapping->sn;
	struct event event;

	if (!is_wanted(sn) ||
	    !begin(&event, sn, SIPALG_CMD_REGISTRATION_NTF, what))
		return;
	send(&event,
	     sipalg_netlink_registration(event.skb, mapping, registration));
}

static int put_pinhole(struct sk_buff *skb,
		       const struct nf_conntrack_expect *exp)
{
	const struct nf_conntrack_tuple *tuple = &exp->tuple;
	u8 family = tuple->src.l3num;
	struct nlattr *nest = nla_nest_start(skb, SIPALG_A_PINHOLE);

	if (!nest ||
	    nla_put_string(skb, SIPALG_A_PINHOLE_PROTOCOL,
			   tuple->dst.protonum == IPPROTO_TCP ? "tcp" : "udp") ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_PINHOLE_SOURCE, family,
				    &tuple->src.u3, tuple->src.u.all) ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_PINHOLE_DESTINATION, family,
				    &tuple->dst.u3, tuple->dst.u.all) ||
	    sipalg_netlink_endpoint(skb, SIPALG_A_PINHOLE_PRIVATE, family,
				    &exp->saved_addr, exp->saved_proto.all))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static void pinhole(struct sipalg_net *sn,
		    const struct nf_conntrack_expect *exp,
		    const char *what)
{
	struct event event;

	if (!is_wanted(sn) || !begin(&event, sn, SIPALG_CMD_PINHOLE_NTF, what))
		return;
	send(&event, put_pinhole(event.skb, exp));
}

const struct sipalg_event_ops sipalg_netlink_event_ops = {
	.call_changed = call_changed,
	.call_ended = call_ended,
	.message = message,
	.registration = registration,
	.pinhole = pinhole,
};
