/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_NETFILTER_H
#define SHIM_NETFILTER_H

#include <netinet/in.h>
#include <linux/types.h>

union nf_inet_addr {
	__u32 all[4];
	__be32 ip;
	__be32 ip6[4];
	struct in_addr in;
	struct in6_addr in6;
};

#endif
