// SPDX-License-Identifier: GPL-2.0-only
#include <linux/socket.h>
#include <string.h>
#include "planner.h"
#include "sip/edit.h"

static bool is_moved(const struct sip_host *host, const struct planner_move *move)
{
	u8 form = move->family == AF_INET ? SIP_HOST_IP4 : SIP_HOST_IP6;

	return host->form == form && !memcmp(&host->addr, &move->from, sizeof(move->from));
}

static bool has_port(const struct sip_host *host)
{
	return host->field != SIP_FIELD_SDP_ORIGIN &&
	       host->field != SIP_FIELD_SDP_CONNECTION &&
	       host->field != SIP_FIELD_SDP_RTCP &&
	       host->field != SIP_FIELD_VIA_RECEIVED &&
	       host->field != SIP_FIELD_VIA_MADDR &&
	       host->field != SIP_FIELD_URI_MADDR;
}

/* A candidate's port cannot be left out, nor can one be put in. */
static u16 moved_port(const struct sip_host *host, const struct planner_move *move)
{
	u16 port = host->port + move->shift;

	if (!has_port(host))
		return 0;
	return host->spaced && !port ? host->port : port;
}

static u16 moved_media(const struct sdp_media *media, const struct planner_move *move)
{
	return media->port ? (u16)(media->port + move->media) : 0;
}

void planner_cross(struct planner_move *move, enum planner_cross cross)
{
	move->cross = cross;
	if (cross == PLANNER_INWARD)
		sipalg_nat64_embed(&move->nat64, &move->from, &move->to);
	else if (!sipalg_nat64_extract(&move->nat64, &move->from, &move->to))
		move->cross = PLANNER_STAYS;
}

/* What crosses outward is read as IPv4 first, as src/nat/nat64.c does. */
static void move_host(struct sipalg_plan *plan, const struct sip_host *host,
		      const struct planner_move *move)
{
	struct sip_host seen = *host;

	if (move->cross == PLANNER_INWARD) {
		sipalg_plan_host(plan, host, AF_INET, &move->from, moved_port(host, move));
		return;
	}
	if (move->cross == PLANNER_OUTWARD) {
		seen.written = seen.form;
		seen.form = SIP_HOST_IP4;
		seen.addr = move->to;
		sipalg_plan_host(plan, &seen, AF_INET, &move->to, moved_port(host, move));
		return;
	}
	sipalg_plan_host(plan, host, move->family, &move->to, moved_port(host, move));
}

/* Somebody behind a translator, whom no message of these tests names. */
static void set_reader(struct sipalg_plan *plan, const struct planner_move *move)
{
	if (move->cross != PLANNER_INWARD)
		return;
	plan->reader.nat64 = move->nat64;
	memset(&plan->reader.self, 0xff, sizeof(plan->reader.self));
	plan->reader.ip6 = true;
	plan->reader.text_len = 5;
	memcpy(plan->reader.text, "[::1]", 5);
}

u32 planner_translate(const struct sip_msg *msg, const struct planner_move *move,
		      char out[PLANNER_ROOM])
{
	static struct sipalg_plan plan;
	struct sip_span span;
	unsigned int i;
	int rendered;

	sipalg_plan_init(&plan);
	set_reader(&plan, move);
	for (i = 0; i < msg->host_count; i++)
		if (is_moved(&msg->hosts[i], move))
			move_host(&plan, &msg->hosts[i], move);
	for (i = 0; i < msg->media_count; i++)
		if (moved_media(&msg->media[i], move) != msg->media[i].port)
			sipalg_plan_number(&plan, msg->media[i].digits,
					   moved_media(&msg->media[i], move));
	if (!sipalg_plan_finish(&plan, msg))
		return 0;
	if (!plan.edit_count) {
		memcpy(out, msg->data, msg->len);
		return msg->len;
	}

	span = sipalg_plan_span(&plan);
	memcpy(out, msg->data, span.off);
	rendered = sipalg_plan_render(&plan, msg->data, out + span.off, PLANNER_ROOM - span.off -
				      (msg->len - span.off - span.len));
	if (rendered < 0)
		return 0;
	memcpy(out + span.off + rendered, msg->data + span.off + span.len,
	       msg->len - span.off - span.len);
	return msg->len - span.len + rendered;
}

static bool text_equal(const struct sip_msg *a, struct sip_span in_a,
		       const struct sip_msg *b, struct sip_span in_b)
{
	return in_a.len == in_b.len &&
	       !memcmp(sip_span_ptr(a, in_a), sip_span_ptr(b, in_b), in_a.len);
}

static u8 moved_form(const struct sip_host *host, const struct planner_move *move)
{
	if (move->cross == PLANNER_STAYS)
		return host->form;
	return move->cross == PLANNER_INWARD ? SIP_HOST_IP6 : SIP_HOST_IP4;
}

/* RFC 3261 25.1: brackets in URIs and sent-by; none in received=, none in SDP. */
static bool moved_brackets(const struct sip_host *host, const struct planner_move *move)
{
	if (move->cross == PLANNER_STAYS)
		return host->bracketed;
	return move->cross == PLANNER_INWARD && host->field != SIP_FIELD_VIA_RECEIVED &&
	       host->field < SIP_FIELD_SDP_ORIGIN;
}

/* The type before an address that has crossed is its own. */
static bool type_fits(const struct sip_msg *msg, const struct sip_host *host)
{
	return !host->type || msg->data[host->host.off - host->type] ==
			      (host->form == SIP_HOST_IP6 ? '6' : '4');
}

static const char *host_flaw(const struct sip_msg *before, const struct sip_msg *after,
			     unsigned int i, const struct planner_move *move)
{
	const struct sip_host *a = &before->hosts[i], *b = &after->hosts[i];

	if (a->field != b->field || a->value != b->value || a->secure != b->secure)
		return "a host is in another place";
	if (!is_moved(a, move))
		return text_equal(before, a->host, after, b->host) && a->port == b->port ?
		       NULL : "a host that has not moved is another";
	if (b->form != moved_form(a, move) || b->bracketed != moved_brackets(a, move))
		return "a host is of another form";
	if (move->cross != PLANNER_STAYS && !type_fits(after, b))
		return "an address has the type of the other family";
	if (memcmp(&b->addr, &move->to, sizeof(move->to)))
		return "a host has moved elsewhere";
	if (has_port(a) && b->port != moved_port(a, move))
		return "a host has another port than was planned";
	return NULL;
}

static const char *media_flaw(const struct sip_msg *before, const struct sip_msg *after,
			      unsigned int i, const struct planner_move *move)
{
	const struct sdp_media *a = &before->media[i], *b = &after->media[i];

	if (b->port != moved_media(a, move))
		return "a stream has another port than was planned";
	if (a->port_count != b->port_count || a->connection != b->connection ||
	    a->rtcp_port != b->rtcp_port || a->kind != b->kind ||
	    a->transport != b->transport || a->direction != b->direction ||
	    a->setup != b->setup || a->candidates != b->candidates)
		return "a stream is described otherwise";
	return NULL;
}

static const char *length_flaw(const struct sip_msg *before, const struct sip_msg *after)
{
	u32 rest_before = before->len - before->header_len;
	u32 rest_after = after->len - after->header_len;

	if (before->has_content_length != after->has_content_length)
		return "Content-Length has come or gone";
	if (before->has_content_length && before->content_length_value > SIP_MAX_MESSAGE)
		return text_equal(before, before->content_length, after, after->content_length) ?
		       NULL : "an absurd Content-Length has become another";
	if (before->has_content_length && after->content_length_value + rest_before !=
					  before->content_length_value + rest_after)
		return "Content-Length has not grown with the body";
	return NULL;
}

static const char *never_flaw(const struct sip_msg *before, const struct sip_msg *after)
{
	if (!text_equal(before, before->call_id, after, after->call_id) ||
	    !text_equal(before, before->from_tag, after, after->from_tag) ||
	    !text_equal(before, before->to_tag, after, after->to_tag) ||
	    !text_equal(before, before->branch, after, after->branch))
		return "Call-ID, a tag or the branch is another";
	if (before->request != after->request || before->method != after->method ||
	    before->status != after->status || before->cseq != after->cseq ||
	    before->expires != after->expires ||
	    before->session_expires != after->session_expires ||
	    before->contact_star != after->contact_star)
		return "another kind of message";
	return NULL;
}

const char *planner_flaw(const struct sip_msg *before, const struct planner_move *move,
			 const struct sip_msg *after)
{
	const char *flaw = never_flaw(before, after) ?: length_flaw(before, after);
	unsigned int i;

	if (flaw)
		return flaw;
	if (before->host_count != after->host_count ||
	    before->contact_count != after->contact_count ||
	    before->media_count != after->media_count)
		return "there are more hosts, Contacts or streams, or fewer";
	for (i = 0; i < before->host_count && !flaw; i++)
		flaw = host_flaw(before, after, i, move);
	for (i = 0; i < before->media_count && !flaw; i++)
		flaw = media_flaw(before, after, i, move);
	return flaw;
}
