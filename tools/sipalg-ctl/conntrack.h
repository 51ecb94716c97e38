/* SPDX-License-Identifier: GPL-2.0-only */
/* Conntrack's own tables, by libnetfilter_conntrack: what the kernel does. */
#ifndef SIPALG_CTL_CONNTRACK_H
#define SIPALG_CTL_CONNTRACK_H

#include <stdbool.h>
#include <stdint.h>

/* A transport address; family 0: any. */
struct endpoint {
	uint8_t family;
	uint8_t ip[16];		/* network byte order, IPv4 in the first four */
	uint16_t port;		/* host byte order, 0: any */
};

/**
 * struct flow - a connection
 * @protocol: IPPROTO_*
 * @src: of its first packet
 * @dst: of its first packet, as it came
 * @reply_src: where answers come from
 * @reply_dst: where they go to, as they come
 * @packets: there and back; as @bytes 0 where conntrack does not count
 * @bytes: there and back
 * @timeout: seconds that are left
 * @status: IPS_*
 * @tcp_state: of TCP, else 0
 * @helper: its helper, or ""
 */
struct flow {
	uint8_t protocol;
	struct endpoint src, dst, reply_src, reply_dst;
	uint64_t packets[2];
	uint64_t bytes[2];
	uint32_t timeout;
	uint32_t status;
	uint8_t tcp_state;
	char helper[32];
};

/**
 * struct pinhole - an expectation
 * @protocol: IPPROTO_*
 * @src: who may send
 * @prefix: bits of its address that count
 * @dst: where to, as the sender addresses it
 * @timeout: seconds that are left
 * @permanent: it is closed by who opened it, long before that
 * @helper: whose it is
 * @purpose: what its helper expects there: signalling, rtp, rtcp
 */
struct pinhole {
	uint8_t protocol;
	struct endpoint src, dst;
	unsigned int prefix;
	uint32_t timeout;
	bool permanent;
	char helper[32];
	char purpose[20];
};

typedef void flow_fn(const struct flow *flow, void *data);
typedef void pinhole_fn(const struct pinhole *pinhole, void *data);

/* Each of both families; false: conntrack cannot be asked. */
bool flows_each(flow_fn *take, void *data);
bool pinholes_each(pinhole_fn *take, void *data);

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
bool address_equal(const struct endpoint *a, const struct endpoint *b);

/* `ADDRESS:PORT`; what is any is `any`. */
const char *endpoint_print(const struct endpoint *endpoint, char *text, unsigned int size);

const char *protocol_text(uint8_t protocol);

#endif
