// SPDX-License-Identifier: GPL-2.0-only
/* The tables of conntrack, read by libnetfilter_conntrack. */
#include <arpa/inet.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <stdio.h>
#include <string.h>
#include "conntrack.h"
#include "ctl.h"

static void read_address(const struct nf_conntrack *ct, int attr4, int attr6, int port,
			 struct endpoint *endpoint)
{
	bool four = nfct_get_attr_u8(ct, ATTR_L3PROTO) == AF_INET;

	endpoint->family = four ? AF_INET : AF_INET6;
	memcpy(endpoint->ip, nfct_get_attr(ct, four ? attr4 : attr6), four ? 4 : 16);
	endpoint->port = ntohs(nfct_get_attr_u16(ct, port));
}

static void read_endpoints(const struct nf_conntrack *ct, struct flow *flow)
{
	read_address(ct, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC, ATTR_ORIG_PORT_SRC, &flow->src);
	read_address(ct, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST, ATTR_ORIG_PORT_DST, &flow->dst);
	read_address(ct, ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC, ATTR_REPL_PORT_SRC,
		     &flow->reply_src);
	read_address(ct, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST, ATTR_REPL_PORT_DST,
		     &flow->reply_dst);
}

struct walk {
	flow_fn *take_flow;
	pinhole_fn *take_pinhole;
	void *data;
};

static int on_flow(enum nf_conntrack_msg_type type, struct nf_conntrack *ct, void *data)
{
	struct walk *walk = data;
	struct flow flow = {};
	const char *helper;

	(void)type;
	flow.protocol = nfct_get_attr_u8(ct, ATTR_L4PROTO);
	if (flow.protocol != IPPROTO_UDP && flow.protocol != IPPROTO_TCP)
		return NFCT_CB_CONTINUE;
	read_endpoints(ct, &flow);
	flow.packets[0] = nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_PACKETS);
	flow.packets[1] = nfct_get_attr_u64(ct, ATTR_REPL_COUNTER_PACKETS);
	flow.bytes[0] = nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_BYTES);
	flow.bytes[1] = nfct_get_attr_u64(ct, ATTR_REPL_COUNTER_BYTES);
	flow.timeout = nfct_get_attr_u32(ct, ATTR_TIMEOUT);
	flow.status = nfct_get_attr_u32(ct, ATTR_STATUS);
	if (flow.protocol == IPPROTO_TCP)
		flow.tcp_state = nfct_get_attr_u8(ct, ATTR_TCP_STATE);
	helper = nfct_get_attr(ct, ATTR_HELPER_NAME);
	snprintf(flow.helper, sizeof(flow.helper), "%s", helper ?: "");
	walk->take_flow(&flow, walk->data);
	return NFCT_CB_CONTINUE;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	while (len--)
		if (*bytes++)
			return false;
	return true;
}

static unsigned int bits_of(const struct endpoint *mask)
{
	unsigned int bits = 0, most = mask->family == AF_INET ? 32 : 128;

	while (bits < most && mask->ip[bits / 8] & 0x80 >> bits % 8)
		bits++;
	return bits;
}

static void read_purpose(const struct nf_expect *exp, struct pinhole *pinhole)
{
	static const char * const classes[] = { "signalling", "rtp", "rtcp" };
	uint32_t class = nfexp_get_attr_u32(exp, ATTR_EXP_CLASS);

	if (class < ARRAY_SIZE(classes))
		snprintf(pinhole->purpose, sizeof(pinhole->purpose), "%s", classes[class]);
	else
		snprintf(pinhole->purpose, sizeof(pinhole->purpose), "class %u", class);
}

static int on_pinhole(enum nf_conntrack_msg_type type, struct nf_expect *exp, void *data)
{
	const struct nf_conntrack *expected = nfexp_get_attr(exp, ATTR_EXP_EXPECTED);
	const struct nf_conntrack *mask = nfexp_get_attr(exp, ATTR_EXP_MASK);
	const char *helper = nfexp_get_attr(exp, ATTR_EXP_HELPER_NAME);
	struct flow flow = {}, masks = {};
	struct pinhole pinhole = {};
	struct walk *walk = data;

	(void)type;
	if (!expected || !mask)
		return NFCT_CB_CONTINUE;
	read_address(expected, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC, ATTR_ORIG_PORT_SRC,
		     &flow.src);
	read_address(expected, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST, ATTR_ORIG_PORT_DST,
		     &flow.dst);
	masks.src.family = flow.src.family;
	if (nfct_attr_is_set(mask, ATTR_L3PROTO))
		read_address(mask, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC, ATTR_ORIG_PORT_SRC,
			     &masks.src);
	pinhole.protocol = nfct_get_attr_u8(expected, ATTR_L4PROTO);
	pinhole.src = flow.src;
	pinhole.dst = flow.dst;
	pinhole.prefix = bits_of(&masks.src);
	if (!pinhole.prefix || is_zero(masks.src.ip, 16))
		pinhole.src.family = 0;
	if (!masks.src.port)
		pinhole.src.port = 0;
	pinhole.timeout = nfexp_get_attr_u32(exp, ATTR_EXP_TIMEOUT);
	pinhole.permanent = nfexp_get_attr_u32(exp, ATTR_EXP_FLAGS) & NF_CT_EXPECT_PERMANENT;
	read_purpose(exp, &pinhole);
	snprintf(pinhole.helper, sizeof(pinhole.helper), "%s", helper ?: "");
	walk->take_pinhole(&pinhole, walk->data);
	return NFCT_CB_CONTINUE;
}

bool flows_each(flow_fn *take, void *data)
{
	struct walk walk = { .take_flow = take, .data = data };
	struct nfct_handle *handle = nfct_open(CONNTRACK, 0);
	uint32_t any = AF_UNSPEC;
	bool done;

	if (!handle)
		return false;
	nfct_callback_register(handle, NFCT_T_ALL, on_flow, &walk);
	done = !nfct_query(handle, NFCT_Q_DUMP, &any);
	nfct_close(handle);
	return done;
}

bool pinholes_each(pinhole_fn *take, void *data)
{
	struct walk walk = { .take_pinhole = take, .data = data };
	struct nfct_handle *handle = nfct_open(EXPECT, 0);
	uint32_t any = AF_UNSPEC;
	bool done;

	if (!handle)
		return false;
	nfexp_callback_register(handle, NFCT_T_ALL, on_pinhole, &walk);
	done = !nfexp_query(handle, NFCT_Q_DUMP, &any);
	nfct_close(handle);
	return done;
}

bool address_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->family == b->family && !memcmp(a->ip, b->ip, a->family == AF_INET ? 4 : 16);
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && address_equal(a, b);
}

const char *endpoint_print(const struct endpoint *endpoint, char *text, unsigned int size)
{
	char ip[INET6_ADDRSTRLEN] = "", port[8] = "any";

	if (!endpoint->family) {
		snprintf(text, size, "any");
		return text;
	}
	inet_ntop(endpoint->family, endpoint->ip, ip, sizeof(ip));
	if (endpoint->port)
		snprintf(port, sizeof(port), "%u", endpoint->port);
	snprintf(text, size, endpoint->family == AF_INET6 ? "[%s]:%s" : "%s:%s", ip, port);
	return text;
}

const char *protocol_text(uint8_t protocol)
{
	return protocol == IPPROTO_TCP ? "tcp" : "udp";
}
