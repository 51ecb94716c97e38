// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the running module: libFuzzer inside the user-mode kernel, with the edges
 * of the module as its counters (cover.c).
 *
 * An input is steps, each a byte that says what it is (enum kind) and its bytes,
 * with SEPARATOR between them. Packets go into the router from interfaces whose
 * other ends answer nothing: what a phone, a provider and their TCP would say is in
 * the input, and nowhere else. After each input calls are ended, registrations
 * forgotten, connections flushed; then nothing may be left (see must_be_empty()).
 *
 * start.py makes the network, with these addresses.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>
#include <linux/sipalg.h>
#include "cover.h"

#define SEPARATOR	0xff	/* is in no message */
#define STANDS_FOR_SEPARATOR	0xfe	/* in an attribute */
#define MOST_STEPS	64
#define MOST_BYTES	1400	/* of a packet */
#define ROOM		2048
#define REQUEST_ROOM	65536
#define LAST_EPOCH	((1u << 24) - 1)	/* no router of a pair has passed it */

enum kind {
	UDP_OUT, UDP_IN, UDP6_OUT, UDP6_IN,	/* signalling: the payload */
	TCP_OUT, TCP_IN,		/* two digits how (see tcp()), the payload */
	MEDIA_OUT, MEDIA_IN,		/* four bytes: ports */
	CLOCK,				/* two bytes: seconds */
	REQUEST,			/* a command, attributes (see put_attributes()) */
	ICMP_IN,			/* an error: what of the last packet it says */
	SETTING_SET,			/* two bytes: which, its value */
	PAIR,				/* one of enum pair_step */
	UDP64_OUT, UDP64_IN,		/* signalling of a translator's phone (NAT64) */
	KINDS
};

/* What a router of a pair does, and its daemon, which is here. */
enum pair_step {
	TAKE,		/* all objects are asked for, and kept */
	FORGET,		/* calls end, connections are flushed */
	RESTORE,	/* as a standby it is told them; two bytes: where, a byte: which is wrong */
	PROMOTE,
	LISTEN,		/* it tells of each change */
	PAIR_STEPS
};

enum side { PHONE, PROVIDER, SIDES };

/* By what a packet goes. A translator has made IPv4 of what its phone says of IPv6. */
enum network { IP4, IP6, NAT64, NETWORKS };

/**
 * struct end - a party, and the interface that leads from it to the router
 * @ip: its address
 * @peer: to whom it sends: the provider's peer is the router's public address
 * @socket: a packet socket there
 * @link: the header of its frames
 * @seq: of its TCP connection: the next byte that it sends
 * @seen: and the next that it expects
 * @open: there is a connection
 */
struct end {
	const char *ip[NETWORKS];
	const char *peer[NETWORKS];
	int socket;
	struct ethhdr link;
	uint32_t seq;
	uint32_t seen;
	int open;
};

static struct end ends[SIDES] = {
	[PHONE] = {
		.ip = { "192.168.1.10", "2001:db8:1::10", "100.64.0.10" },
		.peer = { "203.0.113.50", "2001:db8:ffff::50", "203.0.113.50" },
		.link = { .h_dest = { 2, 0, 0, 0, 0, 2 }, .h_source = { 2, 0, 0, 0, 0, 1 } },
	},
	[PROVIDER] = {
		.ip = { "203.0.113.50", "2001:db8:ffff::50", "203.0.113.50" },
		.peer = { "203.0.113.1", "2001:db8:1::10", "203.0.113.1" },
		.link = { .h_dest = { 2, 0, 0, 0, 0, 4 }, .h_source = { 2, 0, 0, 0, 0, 3 } },
	},
};

/* libFuzzer takes these for edges of its own. */
__attribute__((section("__libfuzzer_extra_counters")))
static uint8_t counters[SIPALG_FUZZ_EDGES];

static int cover, genl, ctnetlink, ear = -1, family;
static uint8_t objects[REQUEST_ROOM / 2];	/* as attributes */
static size_t objects_len;
static uint8_t last[ROOM];	/* the last packet that has come out of the router */
static size_t last_len;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t most, unsigned int seed);

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(2);
}

/* -- packets ------------------------------------------------------------------ */

static uint32_t sum(uint32_t total, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	size_t i;

	for (i = 0; i < len; i++)
		total += i % 2 ? bytes[i] : bytes[i] << 8;
	return total;
}

static uint16_t fold(uint32_t total)
{
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return htons(~total);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static void drain(enum side side);

/* @l4: its header and payload, of which @check is the offset of the checksum */
static void send_packet(enum side side, enum network network, uint8_t protocol,
			uint8_t *l4, size_t len, size_t check)
{
	const struct end *end = &ends[side];
	const char *from = end->ip[network], *to = end->peer[network];
	uint8_t frame[ROOM], *ip = frame + ETH_HLEN;
	bool ip6 = network == IP6;
	size_t header = ip6 ? 40 : 20, addresses = ip6 ? 8 : 12;
	uint16_t folded;

	memcpy(frame, &end->link, ETH_HLEN);
	put16(frame + 12, ip6 ? ETH_P_IPV6 : ETH_P_IP);
	memset(ip, 0, header);
	if (ip6) {
		ip[0] = 0x60;
		put16(ip + 4, len);
		ip[6] = protocol;
		ip[7] = 64;
		inet_pton(AF_INET6, from, ip + 8);
		inet_pton(AF_INET6, to, ip + 24);
	} else {
		ip[0] = 0x45;
		put16(ip + 2, header + len);
		ip[8] = 64;
		ip[9] = protocol;
		inet_pton(AF_INET, from, ip + 12);
		inet_pton(AF_INET, to, ip + 16);
		folded = fold(sum(0, ip, header));
		memcpy(ip + 10, &folded, 2);
	}
	put16(l4 + check, 0);
	folded = fold(sum(sum(protocol == IPPROTO_ICMP ? 0 : protocol + len,
			      ip + addresses,
			      protocol == IPPROTO_ICMP ? 0 : header - addresses),
			  l4, len));
	memcpy(l4 + check, &folded, 2);
	memcpy(ip + header, l4, len);
	if (send(end->socket, frame, ETH_HLEN + header + len, 0) < 0)
		must(errno == ENOBUFS || errno == EMSGSIZE, "send");
	drain(PHONE);
	drain(PROVIDER);
}

static void udp(enum side side, enum network network, uint16_t from, uint16_t to,
		const uint8_t *data, size_t len)
{
	uint8_t l4[ROOM];

	put16(l4, from);
	put16(l4 + 2, to);
	put16(l4 + 4, 8 + len);
	memcpy(l4 + 8, data, len);
	send_packet(side, network, IPPROTO_UDP, l4, 8 + len, 6);
}

static void segment(enum side side, uint32_t seq, uint8_t flags, const uint8_t *data,
		    size_t len)
{
	uint8_t l4[ROOM] = {};

	put16(l4, side == PHONE ? 5070 : 5060);
	put16(l4 + 2, side == PHONE ? 5060 : 5070);
	put32(l4 + 4, seq);
	put32(l4 + 8, flags & 0x10 ? ends[side].seen : 0);
	l4[12] = 5 << 4;
	l4[13] = flags;
	put16(l4 + 14, 0xffff);
	memcpy(l4 + 20, data, len);
	send_packet(side, IP4, IPPROTO_TCP, l4, 20 + len, 16);
}

/* The masquerade keeps the phone's port, which nobody else has. */
static void connect_tcp(void)
{
	ends[PHONE].seq = 1000000;
	ends[PROVIDER].seq = 2000000;
	ends[PHONE].seen = ends[PROVIDER].seq + 1;
	ends[PROVIDER].seen = ends[PHONE].seq + 1;
	segment(PHONE, ends[PHONE].seq++, 0x02, NULL, 0);
	segment(PROVIDER, ends[PROVIDER].seq++, 0x12, NULL, 0);
	segment(PHONE, ends[PHONE].seq, 0x10, NULL, 0);
	ends[PHONE].open = 1;
}

/*
 * How: in the first byte what comes of the sequence (the next; again from some
 * bytes before; a hole; the next, and not counted on), and FIN, RST or URG; in the
 * second how far.
 */
static void tcp(enum side side, const uint8_t *data, size_t len)
{
	struct end *end = &ends[side];
	uint8_t how = len ? data[0] - '0' : 0, far = len > 1 ? data[1] : 0;
	uint8_t flags = 0x18;
	uint32_t seq;

	if (!ends[PHONE].open)
		connect_tcp();
	data += len < 2 ? len : 2;
	len -= len < 2 ? len : 2;
	seq = end->seq + ((how & 3) == 1 ? -far : (how & 3) == 2 ? far : 0);
	if (how & 4)
		flags |= how & 8 ? 0x04 : 0x01;
	else if (how & 8)
		flags |= 0x20;
	segment(side, seq, flags, data, len);
	if (!(how & 3))
		end->seq += len + (flags & 1);
	if (flags & 0x04)
		ends[PHONE].open = 0;
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

/* What has come out there: the other's TCP has got as far as that. */
static void take(enum side side, const uint8_t *ip, size_t len)
{
	const uint8_t *l4 = ip + 20;
	uint32_t end;
	size_t data;

	if (len < 40 || ip[0] != 0x45 || ip[9] != IPPROTO_TCP)
		return;
	data = len - 20 - (l4[12] >> 4) * 4;
	if (data > len)
		return;
	end = get32(l4 + 4) + data + !!(l4[13] & 3);
	if ((int32_t)(end - ends[side].seen) > 0)
		ends[side].seen = end;
}

static void drain(enum side side)
{
	struct sockaddr_ll from;
	uint8_t frame[ROOM];
	socklen_t size;
	ssize_t len;

	for (;;) {
		size = sizeof(from);
		len = recvfrom(ends[side].socket, frame, sizeof(frame), MSG_DONTWAIT,
			       (struct sockaddr *)&from, &size);
		if (len < 0)
			return;
		if (from.sll_pkttype == PACKET_OUTGOING || len <= ETH_HLEN)
			continue;
		last_len = len - ETH_HLEN;
		memcpy(last, frame + ETH_HLEN, last_len);
		take(side, last, last_len);
	}
}

/* Somebody on the way complains of the last packet, or of one that is like it. */
static void icmp(const uint8_t *data, size_t len)
{
	uint8_t l4[ROOM] = { 3, 3 };
	size_t quoted = last_len < 548 ? last_len : 548;

	memcpy(l4 + 8, last, quoted);
	if (len > 1)
		l4[8 + data[0] % 48] = data[1];
	send_packet(PROVIDER, IP4, IPPROTO_ICMP, l4, 8 + quoted, 2);
}

/* -- netlink ------------------------------------------------------------------ */

static int netlink_socket(int protocol)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW, protocol);

	must(fd >= 0 && !connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)), "netlink");
	return fd;
}

/* The next attribute behind @at, NULL: none. */
static const struct nlattr *attribute_at(const uint8_t *at, const uint8_t *end)
{
	const struct nlattr *attribute = (const struct nlattr *)at;

	return at + NLA_HDRLEN <= end && attribute->nla_len >= NLA_HDRLEN ? attribute : NULL;
}

#define FOR_EACH_ATTRIBUTE(attribute, begin, end)				\
	for ((attribute) = attribute_at((begin), (end)); (attribute);		\
	     (attribute) = attribute_at((const uint8_t *)(attribute) +		\
					NLA_ALIGN((attribute)->nla_len), (end)))

/* @take: gets each attribute of the answers, or NULL */
static void talk(int socket, struct nlmsghdr *nlh,
		 void (*take)(const struct nlattr *attribute))
{
	static uint8_t room[65536];
	const struct nlattr *attribute;
	struct nlmsghdr *answer;
	ssize_t received;
	uint32_t len;

	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(socket, nlh, nlh->nlmsg_len, 0) < 0)
		return;
	while ((received = recv(socket, room, sizeof(room), MSG_DONTWAIT)) > 0) {
		len = received;
		for (answer = (struct nlmsghdr *)room; take && NLMSG_OK(answer, len);
		     answer = NLMSG_NEXT(answer, len)) {
			if (answer->nlmsg_type != family)
				continue;
			FOR_EACH_ATTRIBUTE(attribute,
					   (uint8_t *)answer + NLMSG_LENGTH(GENL_HDRLEN),
					   (uint8_t *)answer + answer->nlmsg_len)
				take(attribute);
		}
	}
}

static void ask(int socket, uint8_t number, uint16_t flags, const void *attributes,
		size_t len, void (*take)(const struct nlattr *attribute))
{
	static uint8_t room[NLMSG_HDRLEN + GENL_HDRLEN + REQUEST_ROOM]
		__attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = (struct nlmsghdr *)room;
	struct genlmsghdr *header = NLMSG_DATA(nlh);

	memset(room, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	nlh->nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN + len);
	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = flags;
	header->cmd = number;
	header->version = SIPALG_FAMILY_VERSION;
	memcpy((uint8_t *)header + GENL_HDRLEN, attributes, len);
	talk(socket, nlh, take);
}

static void command(int socket, uint8_t number, uint16_t flags,
		    const void *attributes, size_t len)
{
	ask(socket, number, flags, attributes, len, NULL);
}

/* @data may be where it goes to. Returns how many bytes of @at are used, a multiple of four. */
static size_t put_attribute(uint8_t *at, uint16_t type, const void *data, size_t len)
{
	struct nlattr *attribute = (struct nlattr *)at;

	attribute->nla_type = type;
	attribute->nla_len = NLA_HDRLEN + len;
	memmove(attribute + 1, data, len);
	memset(at + NLA_HDRLEN + len, 0, NLA_ALIGN(len) - len);
	return NLA_ALIGN(attribute->nla_len);
}

/*
 * Of an input: a type, of which the highest bit says that there are others within, a
 * length, and that many bytes. Their lengths are always right, whatever else is not.
 */
static size_t put_attributes(uint8_t *at, size_t room, const uint8_t *data, size_t len)
{
	size_t used = 0, size, within;
	uint8_t *nested;

	for (; len >= 2; data += 2 + size, len -= 2 + size) {
		size = data[1] < len - 2 ? data[1] : len - 2;
		if (used + NLA_HDRLEN + NLA_ALIGN(size) > room)
			break;
		nested = at + used + NLA_HDRLEN;
		if (data[0] & 0x80) {
			within = put_attributes(nested, room - used - NLA_HDRLEN,
						data + 2, size);
			used += put_attribute(at + used, (data[0] & 0x1f) | NLA_F_NESTED,
					      nested, within);
		} else {
			used += put_attribute(at + used, data[0] & 0x1f, data + 2, size);
			for (within = 0; within < size; within++)
				if (nested[within] == STANDS_FOR_SEPARATOR)
					nested[within] = SEPARATOR;
		}
	}
	return used;
}

static void request(const uint8_t *data, size_t len)
{
	uint8_t attributes[ROOM];
	size_t used;

	if (!len)
		return;
	used = put_attributes(attributes, sizeof(attributes), data + 1, len - 1);
	command(genl, (data[0] & 0x7f) % (SIPALG_CMD_MAX + 2),
		data[0] & 0x80 ? NLM_F_DUMP : 0, attributes, used);
}

static const char * const settings[] = {
#define SETTING(id, name, when, help)	name,
#include "core/settings.def"
};

#define SETTINGS	(sizeof(settings) / sizeof(settings[0]))

/* Of some the value is a number, a word's number, or a bit for each method. */
static void set(uint8_t which, uint8_t value)
{
	const char *name = settings[which % SETTINGS];
	uint32_t number = value < 128 ? value : 1u << value % 32;
	uint8_t nested[128] = {}, outer[160] = {};
	size_t len;

	len = put_attribute(nested, SIPALG_A_SETTING_NAME, name, strlen(name) + 1);
	len += put_attribute(nested + len, SIPALG_A_SETTING_VALUE, &number, sizeof(number));
	len = put_attribute(outer, SIPALG_A_SETTING | NLA_F_NESTED, nested, len);
	command(genl, SIPALG_CMD_SETTING_SET, 0, outer, len);
}

static void flush_conntrack(void)
{
	struct {
		struct nlmsghdr nlh;
		struct nfgenmsg nfg;
	} all = {
		.nlh = {
			.nlmsg_len = sizeof(all),
			.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
		},
	};

	talk(ctnetlink, &all.nlh, NULL);
}

static void end_all(void)
{
	const struct nlattr all = { .nla_len = NLA_HDRLEN, .nla_type = SIPALG_A_ALL };

	command(genl, SIPALG_CMD_CALL_END, 0, &all, sizeof(all));
	flush_conntrack();
}

/* -- the other router of a pair ------------------------------------------------- */

static size_t put_sync(uint8_t *at, uint16_t type, uint32_t value)
{
	uint8_t nested[NLA_HDRLEN + sizeof(value)];

	put_attribute(nested, type, &value, sizeof(value));
	return put_attribute(at, SIPALG_A_SYNC | NLA_F_NESTED, nested, sizeof(nested));
}

static void set_role(int socket, uint32_t role)
{
	uint8_t attributes[32];

	command(socket, SIPALG_CMD_SYNC_SET, 0, attributes,
		put_sync(attributes, SIPALG_A_SYNC_ROLE, role));
}

static void keep_object(const struct nlattr *attribute)
{
	size_t size = NLA_ALIGN(attribute->nla_len);

	if ((attribute->nla_type & NLA_TYPE_MASK) != SIPALG_A_SYNC_OBJECT ||
	    objects_len + size > sizeof(objects))
		return;
	memcpy(objects + objects_len, attribute, size);
	objects_len += size;
}

static void take_objects(void)
{
	objects_len = 0;
	ask(genl, SIPALG_CMD_SYNC_OBJECT_GET, NLM_F_DUMP, "", 0, keep_object);
}

/* Its epoch is the last one, which whatever an input has set does not pass. */
static void restore(const uint8_t *damage, size_t len)
{
	static uint8_t attributes[REQUEST_ROOM];
	size_t used = put_sync(attributes, SIPALG_A_SYNC_EPOCH, LAST_EPOCH);

	memcpy(attributes + used, objects, objects_len);
	for (; objects_len && len >= 3; damage += 3, len -= 3)
		attributes[used + (damage[0] << 8 | damage[1]) % objects_len] = damage[2];
	set_role(genl, SIPALG_SYNC_ROLE_STANDBY);
	command(genl, SIPALG_CMD_SYNC_RESTORE, 0, attributes, used + objects_len);
}

static void listen_to_router(void)
{
	const struct nlattr flag = { .nla_len = NLA_HDRLEN, .nla_type = SIPALG_A_SYNC_LISTEN };
	uint8_t attributes[32];

	if (ear < 0)
		ear = netlink_socket(NETLINK_GENERIC);
	command(ear, SIPALG_CMD_SYNC_SET, 0, attributes,
		put_attribute(attributes, SIPALG_A_SYNC | NLA_F_NESTED, &flag, sizeof(flag)));
}

static void pair(const uint8_t *data, size_t len)
{
	switch (data[0] % PAIR_STEPS) {
	case TAKE:
		take_objects();
		break;
	case FORGET:
		end_all();
		break;
	case RESTORE:
		restore(data + 1, len - 1);
		break;
	case PROMOTE:
		set_role(genl, SIPALG_SYNC_ROLE_ACTIVE);
		break;
	case LISTEN:
		listen_to_router();
		break;
	}
}

/* -- the end of an input ------------------------------------------------------ */

/* A processor with nothing to do looks which timers have passed. */
static void put_forward(unsigned long seconds)
{
	must(!ioctl(cover, SIPALG_FUZZ_PUT_FORWARD, seconds), "put the clock forward");
	usleep(1);
}

static unsigned int left;	/* how many gauges are not at zero, and one of them */
static char left_name[64];
static long long left_value;

static void look_at_gauge(const struct nlattr *nest)
{
	const uint8_t *begin = (const uint8_t *)(nest + 1);
	uint32_t kind = SIPALG_COUNTER_KIND_COUNTER;
	const struct nlattr *attribute;
	const char *name = "";
	uint64_t value = 0;

	if ((nest->nla_type & NLA_TYPE_MASK) != SIPALG_A_COUNTER)
		return;
	FOR_EACH_ATTRIBUTE(attribute, begin, (const uint8_t *)nest + nest->nla_len) {
		switch (attribute->nla_type & NLA_TYPE_MASK) {
		case SIPALG_A_COUNTER_NAME:
			name = (const char *)(attribute + 1);
			break;
		case SIPALG_A_COUNTER_VALUE:
			memcpy(&value, attribute + 1, sizeof(value));
			break;
		case SIPALG_A_COUNTER_KIND:
			memcpy(&kind, attribute + 1, sizeof(kind));
			break;
		}
	}
	if (kind != SIPALG_COUNTER_KIND_GAUGE || !value || !strcmp(name, "peak"))
		return;
	left++;
	snprintf(left_name, sizeof(left_name), "%s", name);
	left_value = value;
}

/*
 * What is still there days after the end has been lost, or has been counted wrong. One
 * timer arms another, and the kernel frees some of it behind our back.
 */
static void must_be_empty(void)
{
	unsigned int tries;

	for (tries = 0; tries < 100; tries++) {
		left = 0;
		ask(genl, SIPALG_CMD_STATS_GET, NLM_F_DUMP, "", 0, look_at_gauge);
		if (!left)
			return;
		put_forward(3600);
		usleep(1000);
	}
	fprintf(stderr, "left: %s %lld\n", left_name, left_value);
	abort();
}

static void forget_all(void)
{
	set_role(genl, SIPALG_SYNC_ROLE_ACTIVE);
	command(genl, SIPALG_CMD_SETTING_RESET, 0, NULL, 0);
	end_all();
	/* registrations, mappings and echoes end by themselves, most within a day */
	put_forward(SIPALG_FUZZ_FURTHEST);
	put_forward(SIPALG_FUZZ_FURTHEST);
	must_be_empty();
	ends[PHONE].open = 0;
	last_len = 0;
	objects_len = 0;
	if (ear >= 0)
		close(ear);
	ear = -1;
}

/* -- steps -------------------------------------------------------------------- */

static void step(const uint8_t *data, size_t len)
{
	enum kind kind = *data++ % KINDS;

	len--;
	if (len > MOST_BYTES)
		len = MOST_BYTES;
	switch (kind) {
	case UDP_OUT:
	case UDP_IN:
		udp(kind == UDP_OUT ? PHONE : PROVIDER, IP4, 5060, 5060, data, len);
		break;
	case UDP6_OUT:
	case UDP6_IN:
		udp(kind == UDP6_OUT ? PHONE : PROVIDER, IP6, 5060, 5060, data, len);
		break;
	case TCP_OUT:
	case TCP_IN:
		tcp(kind == TCP_OUT ? PHONE : PROVIDER, data, len);
		break;
	case MEDIA_OUT:
	case MEDIA_IN:
		if (len >= 4)
			udp(kind == MEDIA_OUT ? PHONE : PROVIDER, IP4, data[0] << 8 | data[1],
			    data[2] << 8 | data[3], data, len);
		break;
	case CLOCK:
		if (len >= 2)
			put_forward(data[0] << 8 | data[1]);
		break;
	case REQUEST:
		request(data, len);
		break;
	case ICMP_IN:
		icmp(data, len);
		break;
	case SETTING_SET:
		if (len >= 2)
			set(data[0], data[1]);
		break;
	case PAIR:
		if (len)
			pair(data, len);
		break;
	case UDP64_OUT:		/* a port that the other phone does not have */
		udp(PHONE, NAT64, 5062, 5060, data, len);
		break;
	case UDP64_IN:
		udp(PROVIDER, NAT64, 5060, 5062, data, len);
		break;
	case KINDS:
		break;
	}
}

/* The steps of an input: where each begins, and behind the last its end. */
static unsigned int steps_of(const uint8_t *data, size_t len, size_t *begin)
{
	unsigned int count = 0;
	size_t i;

	begin[count++] = 0;
	for (i = 0; i < len && count < MOST_STEPS; i++)
		if (data[i] == SEPARATOR)
			begin[count++] = i + 1;
	begin[count] = len + 1;
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t begin[MOST_STEPS + 1];
	unsigned int i, count;

	if (len > SIPALG_FUZZ_INPUT)
		return -1;
	must(write(cover, data, len) == (ssize_t)len, "write");
	count = steps_of(data, len, begin);
	for (i = 0; i < count; i++)
		if (begin[i] + 1 < begin[i + 1])
			step(data + begin[i], begin[i + 1] - 1 - begin[i]);
	forget_all();
	must(read(cover, counters, sizeof(counters)) == sizeof(counters), "read");
	return 0;
}

/* -- mutation ----------------------------------------------------------------- */

/* Another order, one twice, one less. @a, @b: which; spans include the separator */
static size_t rearrange(uint8_t *data, size_t len, size_t most, const size_t *begin,
			unsigned int a, unsigned int b, unsigned int how)
{
	size_t from = begin[a], size = begin[a + 1] - 1 - from;
	uint8_t one[ROOM];

	if (size >= sizeof(one))
		return len;
	memcpy(one, data + from, size);
	if (how % 3) {		/* it goes from there */
		size_t gap = begin[a + 1] <= len ? size + 1 : size;

		memmove(data + from, data + from + gap, len - from - gap);
		len -= gap;
		if (how % 3 == 1)
			return len;
		if (b > a)
			b = a;
	}
	from = begin[b];
	if (len + size + 1 > most || from > len)
		return len;
	memmove(data + from + size + 1, data + from, len - from);
	memcpy(data + from, one, size);
	data[from + size] = SEPARATOR;
	return len + size + 1;
}

/* libFuzzer's own, within one step. */
static size_t mutate_one(uint8_t *data, size_t len, size_t most, const size_t *begin,
			 unsigned int which)
{
	size_t from = begin[which], end = begin[which + 1] - 1, size;
	uint8_t one[2 * ROOM], *rest = data + end;
	size_t room = sizeof(one), left = len - end;

	if (end - from > ROOM)
		return LLVMFuzzerMutate(data, len, most);
	memcpy(one, data + from, end - from);
	if (room > most - len + (end - from))
		room = most - len + (end - from);
	size = LLVMFuzzerMutate(one, end - from, room);
	memmove(data + from + size, rest, left);
	memcpy(data + from, one, size);
	return from + size + left;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t most, unsigned int seed)
{
	size_t begin[MOST_STEPS + 1];
	unsigned int count = steps_of(data, len, begin);

	if (seed % 4 == 0 && count > 1 && count < MOST_STEPS)
		return rearrange(data, len, most, begin, seed / 4 % count,
				 seed / 256 % count, seed / 65536);
	return mutate_one(data, len, most, begin, seed / 4 % count);
}

/* -- the beginning ------------------------------------------------------------ */

static void enter(const char *space)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", space);
	fd = open(path, O_RDONLY);
	must(fd >= 0 && !setns(fd, CLONE_NEWNET), path);
	close(fd);
}

static int packet_socket(const char *space)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd;

	enter(space);
	fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
	at.sll_ifindex = if_nametoindex("eth0");
	must(fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof(at)), "packet socket");
	return fd;
}

static int family_number(void)
{
	struct {
		struct nlmsghdr nlh;
		struct genlmsghdr header;
		struct nlattr attribute;
		char name[8];
	} ask = {
		.nlh = {
			.nlmsg_len = sizeof(ask),
			.nlmsg_type = GENL_ID_CTRL,
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.header = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
		.attribute = {
			.nla_len = NLA_HDRLEN + sizeof(SIPALG_FAMILY_NAME),
			.nla_type = CTRL_ATTR_FAMILY_NAME,
		},
		.name = SIPALG_FAMILY_NAME,
	};
	uint8_t answer[8192];
	const struct nlattr *attribute;
	ssize_t len;

	must(send(genl, &ask, sizeof(ask), 0) > 0, "ask for the family");
	len = recv(genl, answer, sizeof(answer), 0);
	FOR_EACH_ATTRIBUTE(attribute, answer + NLMSG_LENGTH(GENL_HDRLEN), answer + len)
		if (attribute->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(uint16_t *)(attribute + 1);
	must(0, "the module's family");
	return 0;
}

/* How much of the module all inputs together have run. */
static void tell_blocks(void)
{
	printf("blocks: %d\n", ioctl(cover, SIPALG_FUZZ_BLOCKS, 0));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	cover = open("/proc/" SIPALG_FUZZ_NAME, O_RDWR);
	must(cover >= 0 && !atexit(tell_blocks), "/proc/" SIPALG_FUZZ_NAME);
	ends[PHONE].socket = packet_socket("phone");
	ends[PROVIDER].socket = packet_socket("provider");
	enter("router");
	genl = netlink_socket(NETLINK_GENERIC);
	ctnetlink = netlink_socket(NETLINK_NETFILTER);
	family = family_number();
	return 0;
}
