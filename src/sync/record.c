// SPDX-License-Identifier: GPL-2.0-only
/* What records are made of. */
#include <net/netfilter/nf_conntrack.h>
#include "core/sync_key.h"
#include "sync/record.h"

/* Attributes of an origin. */
enum {
	ORIGIN_ENDS = 1,
	ORIGIN_PROTOCOL,
	ORIGIN_ZONE,
	ORIGIN_MARK,
};

struct origin_protocol {
	u8 family;
	u8 l4proto;
};

struct origin_zone {
	u16 id;
	u8 flags;
	u8 dir;
};

#define ORIGIN_ADDRESSES	4
#define ADDRESS_BYTES		(1 + sizeof(union nf_inet_addr) + 2)
#define MOST_ADDRESSES		6

static bool parse(const void *data, int len, struct nlattr *attr[RECORD_ATTRS])
{
	const struct nlattr *pos;
	int left;

	memset(attr, 0, RECORD_ATTRS * sizeof(*attr));
	nla_for_each_attr(pos, data, len, left)
		if (nla_type(pos) < RECORD_ATTRS)
			attr[nla_type(pos)] = (struct nlattr *)pos;
	return !left;
}

int sipalg_record_parse(struct sipalg_record *record, const void *data, int len,
			u32 age)
{
	const u8 *version = data;

	if (len < RECORD_HEAD)
		return -EINVAL;
	if (*version != RECORD_VERSION)
		return -EPROTO;
	record->data = data + RECORD_HEAD;
	record->len = len - RECORD_HEAD;
	record->age = age;
	return parse(record->data, record->len, record->attr) ? 0 : -EINVAL;
}

bool sipalg_record_nest(const struct nlattr *nest,
			struct nlattr *attr[RECORD_ATTRS])
{
	return parse(nla_data(nest), nla_len(nest), attr);
}

int sipalg_record_begin(struct sk_buff *skb)
{
	u8 *head;

	if (skb_tailroom(skb) < RECORD_HEAD)
		return -EMSGSIZE;
	head = skb_put_zero(skb, RECORD_HEAD);
	*head = RECORD_VERSION;
	return 0;
}

bool sipalg_record_block(const struct nlattr *attr, void *to, int size, int unit)
{
	memset(to, 0, size);
	if (!attr)
		return true;
	if (nla_len(attr) % unit)
		return false;
	memcpy(to, nla_data(attr), min(nla_len(attr), size));
	return true;
}

int sipalg_record_put_hosts(struct sk_buff *skb, int type,
			    const union nf_inet_addr *ip, unsigned int count)
{
	u8 bytes[MOST_ADDRESSES * ADDRESS_BYTES];
	struct sipalg_key_writer writer = { .bytes = bytes };
	unsigned int i;

	for (i = 0; i < count; i++)
		if (memchr_inv(&ip[i], 0, sizeof(*ip)))
			sipalg_key_ip(&writer, &ip[i]);
		else
			sipalg_key_u8(&writer, 0);
	return nla_put(skb, type, writer.len, bytes);
}

bool sipalg_record_hosts(const struct nlattr *attr, union nf_inet_addr *ip,
			 unsigned int count)
{
	struct sipalg_key_reader reader = {};
	unsigned int i;

	memset(ip, 0, count * sizeof(*ip));
	if (!attr)
		return true;
	reader.bytes = nla_data(attr);
	reader.left = nla_len(attr);
	for (i = 0; i < count && reader.left; i++)
		sipalg_key_take_ip(&reader, &ip[i]);
	return !reader.bad;
}

int sipalg_record_put_ends(struct sk_buff *skb, int type,
			   const struct sipalg_addr *addr, unsigned int count)
{
	u8 bytes[MOST_ADDRESSES * ADDRESS_BYTES];
	struct sipalg_key_writer writer = { .bytes = bytes };
	unsigned int i;

	for (i = 0; i < count; i++) {
		sipalg_key_u16(&writer, ntohs(addr[i].port));
		sipalg_key_ip(&writer, &addr[i].ip);
	}
	return nla_put(skb, type, writer.len, bytes);
}

bool sipalg_record_ends(const struct nlattr *attr, struct sipalg_addr *addr,
			unsigned int count)
{
	struct sipalg_key_reader reader = {};
	unsigned int i;

	memset(addr, 0, count * sizeof(*addr));
	if (!attr)
		return true;
	reader.bytes = nla_data(attr);
	reader.left = nla_len(attr);
	for (i = 0; i < count && reader.left; i++) {
		addr[i].port = htons(sipalg_key_take_u16(&reader));
		sipalg_key_take_ip(&reader, &addr[i].ip);
	}
	return !reader.bad;
}

static struct sipalg_addr src_of(const struct nf_conntrack_tuple *tuple)
{
	return (struct sipalg_addr){ tuple->src.u3, tuple->src.u.all };
}

static struct sipalg_addr dst_of(const struct nf_conntrack_tuple *tuple)
{
	return (struct sipalg_addr){ tuple->dst.u3, tuple->dst.u.all };
}

int sipalg_record_put_origin(struct sk_buff *skb, int type,
			     const struct sipalg_origin *origin)
{
	struct sipalg_addr ends[ORIGIN_ADDRESSES];
	struct origin_protocol protocol;
	struct origin_zone zone;
	struct nlattr *nest;

	ends[0] = src_of(&origin->tuple[IP_CT_DIR_ORIGINAL]);
	ends[1] = dst_of(&origin->tuple[IP_CT_DIR_ORIGINAL]);
	ends[2] = src_of(&origin->tuple[IP_CT_DIR_REPLY]);
	ends[3] = dst_of(&origin->tuple[IP_CT_DIR_REPLY]);
	protocol.family = origin->tuple[0].src.l3num;
	protocol.l4proto = origin->tuple[0].dst.protonum;
	zone.id = origin->zone.id;
	zone.flags = origin->zone.flags;
	zone.dir = origin->zone.dir;

	nest = nla_nest_start(skb, type);
	if (!nest ||
	    sipalg_record_put_ends(skb, ORIGIN_ENDS, ends, ORIGIN_ADDRESSES) ||
	    put_block(skb, ORIGIN_PROTOCOL, &protocol) ||
	    (zone.id && put_block(skb, ORIGIN_ZONE, &zone)) ||
	    (origin->mark && nla_put_u32(skb, ORIGIN_MARK, origin->mark)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

int sipalg_record_put_origin_of(struct sk_buff *skb, int type,
				const struct nf_conn *ct)
{
	struct sipalg_origin origin;

	if (!ct)
		return 0;
	sipalg_origin_of(ct, &origin);
	return sipalg_record_put_origin(skb, type, &origin);
}

static void set_tuple(struct nf_conntrack_tuple *tuple,
		      const struct origin_protocol *protocol,
		      const struct sipalg_addr ends[2], u8 dir)
{
	memset(tuple, 0, sizeof(*tuple));
	tuple->src.l3num = protocol->family;
	tuple->src.u3 = ends[0].ip;
	tuple->src.u.all = ends[0].port;
	tuple->dst.u3 = ends[1].ip;
	tuple->dst.u.all = ends[1].port;
	tuple->dst.protonum = protocol->l4proto;
	tuple->dst.dir = dir;
}

bool sipalg_record_origin(const struct nlattr *nest,
			  struct sipalg_origin *origin)
{
	struct sipalg_addr ends[ORIGIN_ADDRESSES];
	struct nlattr *attr[RECORD_ATTRS];
	struct origin_protocol protocol;
	struct origin_zone zone;

	if (!nest || !sipalg_record_nest(nest, attr) ||
	    !sipalg_record_ends(attr[ORIGIN_ENDS], ends, ORIGIN_ADDRESSES) ||
	    !record_block(attr[ORIGIN_PROTOCOL], &protocol, 1) ||
	    !record_block(attr[ORIGIN_ZONE], &zone, sizeof(zone)) ||
	    !sipalg_record_block(attr[ORIGIN_MARK], &origin->mark,
				 sizeof(origin->mark), sizeof(origin->mark)))
		return false;
	if ((protocol.family != AF_INET && protocol.family != AF_INET6) ||
	    (protocol.l4proto != IPPROTO_UDP && protocol.l4proto != IPPROTO_TCP))
		return false;
	set_tuple(&origin->tuple[IP_CT_DIR_ORIGINAL], &protocol, &ends[0],
		  IP_CT_DIR_ORIGINAL);
	set_tuple(&origin->tuple[IP_CT_DIR_REPLY], &protocol, &ends[2],
		  IP_CT_DIR_REPLY);
	origin->zone = (struct nf_conntrack_zone){
		.id = zone.id,
		.flags = zone.flags & NF_CT_FLAG_MARK,
		.dir = zone.id ? zone.dir & NF_CT_DEFAULT_ZONE_DIR :
				 NF_CT_DEFAULT_ZONE_DIR,
	};
	return true;
}
