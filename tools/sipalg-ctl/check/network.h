/* SPDX-License-Identifier: GPL-2.0-only */
/* Interfaces of a network namespace, their addresses, and where the rest of the world is. */
#ifndef SIPALG_CTL_NETWORK_H
#define SIPALG_CTL_NETWORK_H

#include "check/firewall.h"

#define MOST_SUBNETS	8
#define MOST_LINKS	256

/**
 * struct net_link - an interface
 * @name: its name
 * @index: its number
 * @up: packets pass
 * @port: it is a port of a bridge
 * @loopback: it is that
 * @any: it stands for whatever there may be
 * @uplink: a default route leads there
 * @subnets: what is connected to it, link-local addresses apart
 * @address: its own, by subnet
 * @subnet_count: how many those are
 */
struct net_link {
	char name[32];
	int index;
	bool up;
	bool port;
	bool loopback;
	bool any;
	bool uplink;
	struct fw_range subnets[MOST_SUBNETS];
	struct fw_range address[MOST_SUBNETS];
	unsigned int subnet_count;
};

struct network {
	struct net_link links[MOST_LINKS];
	unsigned int count;
};

/* Of this network namespace; false: cannot be read. */
bool network_load(struct network *net);

/* Of a text: `NAME ADDRESS/LENGTH ... [default] [port]` a line. */
void network_read(struct network *net, char *text);

/* Is this one of its addresses? */
bool network_has(const struct network *net, const struct fw_range *address);

/* The first of its subnets of a family, or NULL. */
const struct fw_range *link_subnet(const struct net_link *link, uint8_t family);

/* Phones may be there. */
bool link_is_lan(const struct net_link *link);

/* Made by containers and virtual machines: phones hardly are there. */
bool link_is_virtual(const struct net_link *link);

#endif
