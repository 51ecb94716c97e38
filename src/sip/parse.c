// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parses a message into its index, in one pass over the header.
 *
 * Of a header that is not needed only the end is searched. Start line, Call-ID,
 * CSeq, From, To, Via and Content-Length must be valid. Any other invalid header
 * is ignored, and its bytes stay unchanged (H-24).
 */
#include "sip/host.h"
#include "sip/line.h"
#include "sip/multipart.h"
#include "sip/names.h"
#include "sip/uri.h"
#include "sip/value.h"

#define CSEQ_MAX	0x7fffffff

/* What must be known while the headers pass by, but not afterwards. */
struct reader {
	struct sip_msg *msg;
	const struct sip_asked *asked;
	struct sip_span start_method;	/* of a request, as written */
	struct sip_span cseq_method;
	struct sip_span cseq;		/* whole values, to compare repeated ones */
	struct sip_span from;
	struct sip_span to;
	const char *content_type;
	const char *content_type_end;
	bool encoded;			/* Content-Encoding: the body is not text */
	u8 values[SIP_FIELD_MAX];	/* how many values of a header so far */
};

/* The number of the next value in @field; see &struct sip_host. */
static u8 value_next(struct reader *reader, enum sip_field field)
{
	u8 value = reader->values[field];

	if (value < U8_MAX)
		reader->values[field]++;
	return value;
}

static bool is_asked(const struct reader *reader, enum sip_field field)
{
	const struct sip_asked *asked = reader->asked;

	return !asked ||
	       asked->rule[field] & (reader->msg->request ? asked->request : asked->response);
}

static bool span_equal(const struct sip_msg *msg, struct sip_span span,
		       const char *p, const char *end)
{
	return span.len == end - p && !memcmp(sip_span_ptr(msg, span), p, span.len);
}

/* SIP-Version SP Status-Code SP Reason-Phrase; a missing reason is forgiven. */
static bool status_line(struct reader *reader, const char *p, const char *end)
{
	u32 status;

	p = text_skip(p + 8, end, TEXT_SPACE);
	if (text_skip(p, end, TEXT_DIGIT) - p != 3)
		return false;
	p = text_number(p, end, &status);
	if (status < 100 || status > 699 || (p < end && *p != ' '))
		return false;
	reader->msg->status = status;
	return true;
}

/*
 * Method SP Request-URI SP SIP-Version. More than one SP between them is
 * forgiven (RFC 4475 3.1.2.9), white space inside the URI is not.
 */
static bool request_line(struct reader *reader, const char *p, const char *end)
{
	struct sip_msg *msg = reader->msg;
	const char *behind = text_skip(p, end, TEXT_TOKEN);
	const char *uri, *uri_end = text_trim(p, end - 8);
	u16 index;

	if (behind == p || *behind != ' ')
		return false;
	msg->request = true;
	msg->method = sip_method_find(p, behind - p);
	reader->start_method = sip_span_of(msg, p, behind);

	uri = text_skip(behind, uri_end, TEXT_SPACE);
	if (uri == uri_end || *uri == '/' || text_until_low(uri, uri_end) != uri_end ||
	    text_until_control(uri_end, end) != end)
		return false;
	msg->uri = sip_span_of(msg, uri, uri_end);
	return sip_uri_read(msg, uri, uri_end, SIP_FIELD_REQUEST_URI, 0,
			    &index) != SIP_URI_BAD;
}

/* On SIP_OK *@next is the first header line. */
static enum sip_result start_line(struct reader *reader, const char *p, const char *end,
				  const char **next)
{
	const char *stop;
	bool good;

	/* Line ends before a message are passed over (RFC 3261 7.5). */
	while (p < end && (*p == '\r' || *p == '\n'))
		p++;
	if (p == end || !text_in(*p, TEXT_TOKEN))
		return SIP_NOT_SIP;

	stop = text_line_end(p, end);
	if (!sip_line_claims_sip(p, stop))
		return SIP_NOT_SIP;
	if (stop == end)
		return SIP_MALFORMED;
	*next = sip_line_behind(stop);
	stop = text_trim(p, stop);
	if (text_begins(p, stop, "sip/2.0 "))
		good = status_line(reader, p, stop);
	else
		good = request_line(reader, p, stop);
	return good ? SIP_OK : SIP_MALFORMED;
}

static bool via(struct reader *reader, const char *p, const char *end)
{
	for (;;) {
		p = sip_via_read(reader->msg, p, end,
				 value_next(reader, SIP_FIELD_VIA));
		if (!p || p == end)
			return p;
		p++;
	}
}

static bool call_id(struct sip_msg *msg, const char *p, const char *end)
{
	if (msg->call_id.len)
		return span_equal(msg, msg->call_id, p, end);
	msg->call_id = sip_span_of(msg, p, end);
	return p < end && text_until_space(p, end) == end;
}

static bool cseq(struct reader *reader, const char *p, const char *end)
{
	struct sip_msg *msg = reader->msg;
	const char *behind;
	u32 number;

	if (reader->cseq.len && span_equal(msg, reader->cseq, p, end))
		return true;
	reader->cseq = sip_span_of(msg, p, end);
	behind = text_number(p, end, &number);
	if (!behind || number > CSEQ_MAX)
		return false;
	p = text_skip(behind, end, TEXT_SPACE);
	if (p == behind || p == end || text_skip(p, end, TEXT_TOKEN) != end)
		return false;
	if (reader->cseq_method.len)
		return number == msg->cseq && span_equal(msg, reader->cseq_method, p, end);

	msg->cseq = number;
	reader->cseq_method = sip_span_of(msg, p, end);
	if (msg->request)
		return span_equal(msg, reader->start_method, p, end);
	msg->method = sip_method_find(p, end - p);
	return true;
}

/* Twice is malformed even if both agree: an edit would change only one. */
static bool content_length(struct sip_msg *msg, const char *p, const char *end)
{
	if (msg->has_content_length ||
	    text_number(p, end, &msg->content_length_value) != end)
		return false;
	msg->has_content_length = true;
	msg->content_length = sip_span_of(msg, p, end);
	return true;
}

/* From and To, which there must be exactly one of. */
static bool party(struct reader *reader, enum sip_field field,
		  struct sip_span *seen, struct sip_span *tag, const char *p,
		  const char *end)
{
	struct sip_msg *msg = reader->msg;
	struct sip_address address;

	if (seen->len && !span_equal(msg, *seen, p, end))
		return false;
	*seen = sip_span_of(msg, p, end);
	address.unasked = !is_asked(reader, field);
	if (!sip_address_read(msg, p, end, field, value_next(reader, field), &address))
		return false;
	*tag = address.tag;
	if (field == SIP_FIELD_TO)
		msg->to_uri = address.uri;
	else
		msg->from_uri = address.uri;
	return true;
}

static void contact_add(struct sip_msg *msg, const struct sip_address *address)
{
	if (msg->contact_count == SIP_MAX_CONTACTS)
		return;
	msg->contacts[msg->contact_count++] = (struct sip_contact){
		.host = address->host,
		.has_expires = address->has_expires,
		.expires = address->expires,
	};
}

/* A list of addresses that the message can be understood without. */
static void addresses(struct reader *reader, enum sip_field field,
		      const char *p, const char *end)
{
	struct sip_msg *msg = reader->msg;
	struct sip_address address;
	u16 host_count;

	if (field == SIP_FIELD_CONTACT && end - p == 1 && *p == '*') {
		msg->contact_star = true;
		return;
	}
	address.unasked = false;
	for (;; p++) {
		host_count = msg->host_count;
		p = sip_address_read(msg, p, end, field, value_next(reader, field), &address);
		if (!p) {
			msg->host_count = host_count;
			return;
		}
		if (field == SIP_FIELD_CONTACT)
			contact_add(msg, &address);
		if (p == end)
			return;
	}
}

/*
 * delta-seconds, alone or before parameters. Returns where they begin, NULL
 * if the value is no number.
 */
static const char *seconds(const char *p, const char *end, u32 *number)
{
	p = text_number(p, end, number);
	if (!p)
		return NULL;
	p = text_skip(p, end, TEXT_SPACE);
	return p == end || *p == ';' ? p : NULL;
}

static void expires(struct sip_msg *msg, const char *p, const char *end)
{
	u32 number;

	if (msg->has_expires || !seconds(p, end, &number))
		return;
	msg->has_expires = true;
	msg->expires = number;
}

static void min_se(struct sip_msg *msg, const char *p, const char *end)
{
	u32 number;

	if (seconds(p, end, &number))
		msg->min_se = number;
}

static void session_expires(struct sip_msg *msg, const char *p, const char *end)
{
	struct sip_param param;
	u32 number;

	p = seconds(p, end, &number);
	if (!p)
		return;
	msg->session_expires = number ?: 1;	/* 0 would say: absent (S4-12) */
	while (p && p < end && *p == ';') {
		p = sip_param_read(p + 1, end, &param);
		if (!p || !text_is(param.name, param.name_len, "refresher"))
			continue;
		if (text_is(param.value, param.value_len, "uac"))
			msg->refresher = SIP_REFRESHER_UAC;
		else if (text_is(param.value, param.value_len, "uas"))
			msg->refresher = SIP_REFRESHER_UAS;
	}
}

/*
 * @names: it only names somebody. Returns whether the message can still be
 * understood.
 */
static bool address_header(struct reader *reader, enum sip_field field, bool names,
			   const char *p, const char *end)
{
	struct sip_msg *msg = reader->msg;

	if (field == SIP_FIELD_FROM)
		return party(reader, field, &reader->from, &msg->from_tag, p,
			     end);
	if (field == SIP_FIELD_TO)
		return party(reader, field, &reader->to, &msg->to_tag, p, end);
	if (!names || is_asked(reader, field) || is_asked(reader, SIP_FIELD_URI_MADDR))
		addresses(reader, field, p, end);
	return true;
}

/* A HEADER() of headers.def without a case here does not compile. */
#define NO_CASE(X, id, name, compact)
#define ADDRESS_CASE(X, id, name, compact, rules, ...)			\
	case SIP_HEADER_##id:						\
		return address_header(reader, SIP_FIELD_##id,		\
				      (rules) & SIP_IDENTITY, p, end);

/* Returns whether the message can still be understood. */
static bool header(struct reader *reader, const struct sip_line *line)
{
	const char *p = line->value, *end = line->value_end;
	enum sip_header header = sip_header_find(line->name, line->name_len);
	struct sip_msg *msg = reader->msg;

	switch (header) {
	case SIP_HEADER_OTHER:
		return true;
	case SIP_HEADER_VIA:
		return via(reader, p, end);
	case SIP_HEADER_CALL_ID:
		return call_id(msg, p, end);
	case SIP_HEADER_CSEQ:
		return cseq(reader, p, end);
	case SIP_HEADER_CONTENT_LENGTH:
		return content_length(msg, p, end);
	case SIP_HEADER_CONTENT_TYPE:
		reader->content_type = p;
		reader->content_type_end = end;
		return true;
	case SIP_HEADER_CONTENT_ENCODING:
		reader->encoded = !text_is(p, end - p, "identity");
		return true;
	case SIP_HEADER_EXPIRES:
		expires(msg, p, end);
		return true;
	case SIP_HEADER_SESSION_EXPIRES:
		session_expires(msg, p, end);
		return true;
	case SIP_HEADER_MIN_SE:
		min_se(msg, p, end);
		return true;
	case SIP_HEADER_IDENTITY:
		msg->identity = true;
		return true;
	SIP_HEADERS(NO_CASE, ADDRESS_CASE, _)
	case SIP_HEADER_MAX:
		break;
	}
	return true;
}

/* Returns the first byte of the body, NULL if the header cannot be understood. */
static const char *headers(struct reader *reader, const char *p, const char *end)
{
	struct sip_line line = { .next = p };

	while (sip_line_walk(&line, end))
		if (!header(reader, &line) || reader->msg->host_count > SIP_MAX_HOSTS)
			return NULL;
	return line.next;
}

static bool is_complete(const struct reader *reader)
{
	return reader->msg->call_id.len && reader->cseq_method.len &&
	       reader->from.len && reader->to.len &&
	       reader->values[SIP_FIELD_VIA];
}

static enum sip_result body(struct reader *reader, const char *p, const char *end)
{
	struct sip_msg *msg = reader->msg;

	/* Less than declared may be there, more may follow (H-5). */
	if (msg->has_content_length && msg->content_length_value < (size_t)(end - p))
		end = p + msg->content_length_value;
	msg->body = sip_span_of(msg, p, end);
	if (p == end || !reader->content_type || reader->encoded)
		return SIP_OK;

	msg->sdp = sip_body_find_sdp(msg, reader->content_type, reader->content_type_end);
	return msg->sdp.len ? sdp_parse(msg) : SIP_OK;
}

enum sip_result sip_parse_asked(const char *data, u32 len, struct sip_msg *msg,
				const struct sip_asked *asked)
{
	struct reader reader = { .msg = msg, .asked = asked };
	const char *end = data + len;
	const char *p;
	enum sip_result result;

	/* The arrays are large, and their counts say what of them is filled. */
	memset(msg, 0, offsetof(struct sip_msg, hosts));
	msg->data = data;
	msg->len = len;
	msg->sdp_direction = SDP_SENDRECV;
	if (len > SIP_MAX_MESSAGE)
		return SIP_MALFORMED;

	result = start_line(&reader, data, end, &p);
	if (result != SIP_OK)
		return result;
	p = headers(&reader, p, end);
	if (msg->host_count > SIP_MAX_HOSTS)
		return SIP_TOO_MANY;
	if (!p || !is_complete(&reader))
		return SIP_MALFORMED;
	msg->header_len = p - data;
	return body(&reader, p, end);
}
