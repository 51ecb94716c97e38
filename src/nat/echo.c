// SPDX-License-Identifier: GPL-2.0-only
/* A table of bounded size, swept by a timer as long as there is anything in it. */
#include <linux/siphash.h>
#include <linux/slab.h>
#include "core/compat.h"
#include "core/net.h"
#include "nat/echo.h"

#define MOST_ECHOES	16384	/* of a namespace: 2 MB */
#define MOST_OF_HOST	4096
#define SWEEP_INTERVAL	(32 * HZ)
#define FOREIGN_TIME	(24 * 3600 * HZ)

/* What an echo is found by: all of it is hashed, gaps are zero. */
struct echo_key {
	u64 call_id;
	u64 branch;
	union nf_inet_addr inside;
	u32 cseq;
	u16 port;
	u16 zone;
	u8 field;
	u8 value;
};

struct echo {
	struct hlist_node node;
	u64 key;
	unsigned long until;
	atomic_t *held;
	struct sipalg_form form;
};

void sipalg_form_read(struct sipalg_form *form, const struct sip_msg *msg,
		      const struct sip_host *host, bool public)
{
	*form = (struct sipalg_form){ .port = host->port, .public = public };
	if (host->host.len > SIPALG_ECHO_TEXT)
		return;
	form->len = host->host.len;
	memcpy(form->text, sip_span_ptr(msg, host->host), form->len);
}

static u64 span_hash(const struct sipalg_net *sn, const struct sip_msg *msg,
		     struct sip_span span)
{
	return siphash(sip_span_ptr(msg, span), span.len, &sn->key);
}

static u64 transaction_key(const struct sipalg_flow *flow,
			   const struct sip_msg *msg,
			   const union nf_inet_addr *inside,
			   const struct sip_host *host)
{
	struct echo_key key;

	memset(&key, 0, sizeof(key));
	key.call_id = span_hash(flow->sn, msg, msg->call_id);
	key.branch = span_hash(flow->sn, msg, msg->branch);
	key.inside = *inside;
	key.zone = flow->zone;
	key.cseq = msg->cseq;
	key.field = host->field;
	key.value = host->value;
	return siphash(&key, sizeof(key), &flow->sn->key);
}

/*
 * A route comes back under another header, in another place. What a registrar
 * gives as Service-Route holds for every dialog (RFC 3608).
 */
static u64 route_key(const struct sipalg_flow *flow, const struct sip_msg *msg,
		     const struct sip_host *host, bool any_dialog)
{
	struct echo_key key;

	memset(&key, 0, sizeof(key));
	if (!any_dialog)
		key.call_id = span_hash(flow->sn, msg, msg->call_id);
	key.inside = host->addr;
	key.zone = flow->zone;
	key.port = sip_host_port(host);
	key.field = SIP_FIELD_ROUTE;
	return siphash(&key, sizeof(key), &flow->sn->key);
}

static struct hlist_head *bucket(struct sipalg_net *sn, u64 key)
{
	return &sn->echoes[key >> (64 - SIPALG_ECHO_HASH_BITS)];
}

/* Caller holds the lock. */
static void echo_free(struct sipalg_net *sn, struct echo *echo)
{
	hlist_del(&echo->node);
	atomic_dec(echo->held);
	WRITE_ONCE(sn->echo_count, sn->echo_count - 1);
	atomic_long_sub(sizeof(*echo), &sn->memory);
	kfree(echo);
}

/* Caller holds the lock. */
static struct echo *find(struct sipalg_net *sn, u64 key)
{
	struct echo *echo;

	hlist_for_each_entry(echo, bucket(sn, key), node)
		if (echo->key == key)
			return echo;
	return NULL;
}

/* Hosts that share a counter cannot be aimed at. */
static atomic_t *counter(struct sipalg_net *sn, const union nf_inet_addr *inside)
{
	u64 hash = siphash(inside, sizeof(*inside), &sn->key);

	return &sn->echoes_held[hash >> (64 - SIPALG_OWN_PORTS_BITS)];
}

/* Caller holds the lock. NULL: it has its share. */
static struct echo *echo_alloc(struct sipalg_net *sn,
			       const union nf_inet_addr *inside, u64 key)
{
	atomic_t *held = counter(sn, inside);
	struct echo *echo;

	if (READ_ONCE(sn->dying) || sn->echo_count >= MOST_ECHOES ||
	    atomic_read(held) >= MOST_OF_HOST)
		return NULL;
	echo = kzalloc(sizeof(*echo), GFP_ATOMIC);
	if (!echo)
		return NULL;
	echo->key = key;
	echo->held = held;
	atomic_inc(held);
	hlist_add_head(&echo->node, bucket(sn, key));
	atomic_long_add(sizeof(*echo), &sn->memory);
	if (!sn->echo_count)
		mod_timer(&sn->echo_timer, jiffies + SWEEP_INTERVAL);
	WRITE_ONCE(sn->echo_count, sn->echo_count + 1);
	return echo;
}

static void keep(struct sipalg_net *sn, const union nf_inet_addr *inside,
		 u64 key, const struct sipalg_form *form, unsigned long time)
{
	struct echo *echo;

	spin_lock_bh(&sn->echo_lock);
	echo = find(sn, key) ?: echo_alloc(sn, inside, key);
	if (echo) {
		echo->form = *form;
		echo->until = jiffies + time;
	}
	spin_unlock_bh(&sn->echo_lock);
}

static bool look(struct sipalg_net *sn, u64 key, struct sipalg_form *form,
		 unsigned long prolong)
{
	struct echo *echo;

	/* most networks never have any */
	if (!READ_ONCE(sn->echo_count))
		return false;
	spin_lock_bh(&sn->echo_lock);
	echo = find(sn, key);
	if (echo && form)
		*form = echo->form;
	if (echo && prolong)
		echo->until = jiffies + prolong;
	spin_unlock_bh(&sn->echo_lock);
	return echo;
}

/* An INVITE may ring for as long as timer C lets it (RFC 3261 16.6). */
static unsigned long answer_time(const struct sipalg_net *sn,
				 const struct sip_msg *msg)
{
	unsigned long time = sipalg_64_t1(sn);

	if (msg->method == SIP_METHOD_INVITE)
		time += 60 * HZ * (unsigned long)sipalg_setting(sn, SIPALG_C_TIMEOUT);
	return time;
}

void sipalg_echo_add(const struct sipalg_flow *flow, const struct sip_msg *msg,
		     const union nf_inet_addr *inside,
		     const struct sip_host *host,
		     const struct sipalg_form *form)
{
	keep(flow->sn, inside, transaction_key(flow, msg, inside, host), form,
	     answer_time(flow->sn, msg));
}

bool sipalg_echo_find(const struct sipalg_flow *flow, const struct sip_msg *msg,
		      const union nf_inet_addr *inside,
		      const struct sip_host *host, struct sipalg_form *form)
{
	if (!READ_ONCE(flow->sn->echo_count))
		return false;
	return look(flow->sn, transaction_key(flow, msg, inside, host), form, 0);
}

void sipalg_echo_add_foreign(const struct sipalg_flow *flow,
			     const struct sip_msg *msg,
			     const struct sip_host *host)
{
	bool any_dialog = host->field == SIP_FIELD_SERVICE_ROUTE;
	struct sipalg_form form;

	sipalg_form_read(&form, msg, host, true);
	keep(flow->sn, &host->addr, route_key(flow, msg, host, any_dialog),
	     &form, FOREIGN_TIME);
}

static bool is_foreign(const struct sipalg_flow *flow, const struct sip_msg *msg,
		       const struct sip_host *host, unsigned long prolong)
{
	if (!READ_ONCE(flow->sn->echo_count))
		return false;
	return look(flow->sn, route_key(flow, msg, host, false), NULL, prolong) ||
	       look(flow->sn, route_key(flow, msg, host, true), NULL, 0);
}

bool sipalg_echo_is_foreign(const struct sipalg_flow *flow,
			    const struct sip_msg *msg,
			    const struct sip_host *host)
{
	return is_foreign(flow, msg, host, 0);
}

bool sipalg_echo_keep_foreign(const struct sipalg_flow *flow,
			      const struct sip_msg *msg,
			      const struct sip_host *host)
{
	return is_foreign(flow, msg, host, FOREIGN_TIME);
}

static void sweep(struct timer_list *timer)
{
	struct sipalg_net *sn = timer_container_of(sn, timer, echo_timer);
	struct hlist_node *next;
	struct echo *echo;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sn->echoes); i++) {
		if (hlist_empty(&sn->echoes[i]))
			continue;
		spin_lock(&sn->echo_lock);
		hlist_for_each_entry_safe(echo, next, &sn->echoes[i], node)
			if (time_after_eq(jiffies, echo->until))
				echo_free(sn, echo);
		spin_unlock(&sn->echo_lock);
	}
	spin_lock(&sn->echo_lock);
	if (sn->echo_count && !READ_ONCE(sn->dying))
		mod_timer(&sn->echo_timer, jiffies + SWEEP_INTERVAL);
	spin_unlock(&sn->echo_lock);
}

int sipalg_echoes_init(struct sipalg_net *sn)
{
	unsigned int i;

	spin_lock_init(&sn->echo_lock);
	for (i = 0; i < ARRAY_SIZE(sn->echoes); i++)
		INIT_HLIST_HEAD(&sn->echoes[i]);
	timer_setup(&sn->echo_timer, sweep, 0);
	return 0;
}

void sipalg_echoes_exit(struct sipalg_net *sn)
{
	struct hlist_node *next;
	struct echo *echo;
	unsigned int i;

	timer_delete_sync(&sn->echo_timer);
	spin_lock_bh(&sn->echo_lock);
	for (i = 0; i < ARRAY_SIZE(sn->echoes); i++)
		hlist_for_each_entry_safe(echo, next, &sn->echoes[i], node)
			echo_free(sn, echo);
	spin_unlock_bh(&sn->echo_lock);
}
