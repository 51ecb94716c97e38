// SPDX-License-Identifier: GPL-2.0-only
/* Interfaces by rtnetlink, or out of a file. */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "check/network.h"
#include "ctl.h"

static struct net_link *find(struct network *net, int index)
{
	unsigned int i;

	for (i = 0; i < net->count; i++)
		if (net->links[i].index == index)
			return &net->links[i];
	return NULL;
}

static int take_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	struct network *net = data;
	struct net_link *link = &net->links[net->count];
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWLINK || net->count == MOST_LINKS)
		return MNL_CB_OK;
	link->index = info->ifi_index;
	link->up = info->ifi_flags & IFF_UP;
	link->loopback = info->ifi_flags & IFF_LOOPBACK;
	mnl_attr_for_each(attr, nlh, sizeof(*info)) {
		if (mnl_attr_get_type(attr) == IFLA_IFNAME)
			snprintf(link->name, sizeof(link->name), "%s", mnl_attr_get_str(attr));
		if (mnl_attr_get_type(attr) == IFLA_MASTER)
			link->port = true;	/* a VRF's member has addresses, see below */
	}
	net->count++;
	return MNL_CB_OK;
}

static void add_subnet(struct net_link *link, const char *address, unsigned int bits)
{
	char text[INET6_ADDRSTRLEN + 8];
	struct fw_range own, subnet;

	snprintf(text, sizeof(text), "%s/%u", address, bits);
	if (link->subnet_count == MOST_SUBNETS || !fw_range_read(text, &subnet) ||
	    !fw_range_read(address, &own) || !strncmp(address, "fe80:", 5))
		return;
	link->port = false;
	link->subnets[link->subnet_count] = subnet;
	link->address[link->subnet_count++] = own;
}

static int take_address(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(nlh);
	char text[INET6_ADDRSTRLEN] = "";
	const struct nlattr *attr, *bytes = NULL;
	struct net_link *link;

	if (nlh->nlmsg_type != RTM_NEWADDR)
		return MNL_CB_OK;
	link = find(data, info->ifa_index);
	mnl_attr_for_each(attr, nlh, sizeof(*info))
		if (mnl_attr_get_type(attr) == IFA_LOCAL ||
		    (mnl_attr_get_type(attr) == IFA_ADDRESS && !bytes))
			bytes = attr;
	if (link && bytes &&
	    inet_ntop(info->ifa_family, mnl_attr_get_payload(bytes), text, sizeof(text)))
		add_subnet(link, text, info->ifa_prefixlen);
	return MNL_CB_OK;
}

static void mark_uplink(struct network *net, int index)
{
	struct net_link *link = find(net, index);

	if (link && !link->loopback)
		link->uplink = true;
}

static int take_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *info = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWROUTE || info->rtm_dst_len || info->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*info)) {
		const struct rtnexthop *hop = mnl_attr_get_payload(attr);
		int rest = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == RTA_OIF)
			mark_uplink(data, mnl_attr_get_u32(attr));
		if (mnl_attr_get_type(attr) != RTA_MULTIPATH)
			continue;
		for (; RTNH_OK(hop, rest); rest -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop))
			mark_uplink(data, hop->rtnh_ifindex);
	}
	return MNL_CB_OK;
}

static bool dump(struct mnl_socket *socket, uint16_t type, uint8_t family, mnl_cb_t take,
		 struct network *net)
{
	char buffer[32768];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	uint8_t *body;
	int len, more = 1;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = time(NULL);
	body = mnl_nlmsg_put_extra_header(nlh, type == RTM_GETADDR ? sizeof(struct ifaddrmsg) :
					  type == RTM_GETROUTE ? sizeof(struct rtmsg) :
					  sizeof(struct ifinfomsg));
	body[0] = family;
	if (mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0)
		return false;
	while (more > 0) {
		len = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (len < 0)
			return false;
		more = mnl_cb_run(buffer, len, 0, 0, take, net);
	}
	return !more;
}

bool network_load(struct network *net)
{
	struct mnl_socket *socket = mnl_socket_open(NETLINK_ROUTE);
	bool done;

	if (!socket || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return false;
	done = dump(socket, RTM_GETLINK, AF_UNSPEC, take_link, net) &&
	       dump(socket, RTM_GETADDR, AF_UNSPEC, take_address, net) &&
	       dump(socket, RTM_GETROUTE, AF_INET, take_route, net);
	/* a kernel without IPv6 has no routes of it */
	if (done)
		dump(socket, RTM_GETROUTE, AF_INET6, take_route, net);
	mnl_socket_close(socket);
	return done;
}

static void read_link(struct network *net, char *line)
{
	struct net_link *link = &net->links[net->count];
	char *word = strtok(line, " \t"), *slash;

	if (!word || word[0] == '#' || net->count == MOST_LINKS)
		return;
	snprintf(link->name, sizeof(link->name), "%s", word);
	link->index = ++net->count;
	link->up = true;
	while ((word = strtok(NULL, " \t"))) {
		slash = strchr(word, '/');
		if (slash)
			*slash = '\0';
		link->uplink |= !strcmp(word, "default");
		link->port |= !strcmp(word, "port");
		if (slash)
			add_subnet(link, word, atoi(slash + 1));
	}
}

void network_read(struct network *net, char *text)
{
	char *line, *end;

	for (line = text; line && *line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		read_link(net, line);
	}
}

bool network_has(const struct network *net, const struct fw_range *address)
{
	unsigned int i, j;

	for (i = 0; i < net->count; i++)
		for (j = 0; j < net->links[i].subnet_count; j++)
			if (fw_in_range(address, &net->links[i].address[j]) == FW_YES)
				return true;
	return false;
}

const struct fw_range *link_subnet(const struct net_link *link, uint8_t family)
{
	unsigned int i;

	for (i = 0; i < link->subnet_count; i++)
		if (link->subnets[i].family == family)
			return &link->subnets[i];
	return NULL;
}

bool link_is_lan(const struct net_link *link)
{
	return link->up && !link->loopback && !link->port && link->subnet_count;
}

bool link_is_virtual(const struct net_link *link)
{
	static const char * const names[] = {
		"docker", "veth", "virbr", "lxc", "lxd", "cni", "flannel", "podman", "cali",
		"vnet", "kube", "weave", "incus", "dummy",
	};
	size_t i;

	/* OpenWrt calls its bridges br-lan, br-guest; Docker by twelve digits */
	if (!strncmp(link->name, "br-", 3))
		return strlen(link->name) == 15 && strspn(link->name + 3, "0123456789abcdef") == 12;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncmp(link->name, names[i], strlen(names[i])))
			return true;
	return false;
}
