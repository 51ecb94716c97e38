/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The index of a SIP message: what parse finds and decide reads.
 *
 * The parser walks the bytes once and leaves spans (offset, length) and
 * decoded values here. It allocates nothing, knows no skb and no conntrack,
 * and so compiles in user space too. An index is valid as long as the bytes it
 * refers to do not move; none is kept.
 *
 * Offsets count from the first byte of the message; a message has at most
 * SIP_MAX_MESSAGE bytes, so 16 bits hold every offset and length.
 */
#ifndef SIPALG_SIP_MSG_H
#define SIPALG_SIP_MSG_H

#include <linux/types.h>
#include <linux/netfilter.h>
#include <linux/socket.h>
#include "sip/headers.def"
#include "sip/methods.def"

#define SIP_MAX_MESSAGE		65535
#define SIP_MAX_HOSTS		256	/* addresses in one message, SDP included */
#define SIP_MAX_MEDIA		64	/* m= lines: ceiling of max-media-per-call */
#define SIP_MAX_CONTACTS	64	/* Contact values whose expires= matters */

/**
 * struct sip_span - a piece of the message
 * @off: offset of its first byte in the message
 * @len: its length in bytes; 0: not there
 */
struct sip_span {
	u16 off;
	u16 len;
};

#define SIP_METHOD_ID(X, id, flags)	SIP_METHOD_##id,
enum sip_method {
	SIP_METHOD_UNKNOWN,	/* well-formed token, none of methods.def */
	SIP_METHODS(SIP_METHOD_ID, _)
	SIP_METHOD_MAX
};

#define SIP_NO_FIELD_ID(X, id, name, compact)
#define SIP_FIELD_ID(X, id, ...)	SIP_FIELD_##id,

/* Where a host stands. The rules for what may happen to it hang on this. */
enum sip_field {
	SIP_FIELDS(SIP_FIELD_ID, _)
	SIP_HEADERS(SIP_NO_FIELD_ID, SIP_FIELD_ID, _)
	SDP_FIELDS(SIP_FIELD_ID, _)
	SIP_FIELD_MAX
};

enum sip_host_form {
	SIP_HOST_NAME, /* a domain name: never translated, may be mapped back */
	SIP_HOST_IP4,
	SIP_HOST_IP6,
	SIP_HOST_NONE, /* no host: SIP_FIELD_VIA_RPORT */
};

enum sip_transport {		/* ;transport= of a URI (RFC 3261 19.1.1) */
	SIP_TRANSPORT_NONE,	/* not written */
	SIP_TRANSPORT_UDP,
	SIP_TRANSPORT_TCP,
	SIP_TRANSPORT_OTHER,	/* tls, ws, sctp, ... */
};

/**
 * struct sip_host - one "host" or "host:port" as it stands in the message
 * @host: the host as written, brackets of an IPv6 reference included; empty
 *	for SIP_FIELD_VIA_RPORT
 * @digits: the digits of the port, empty where none is written. In a URI and
 *	in a Via the colon stands right before them unless @spaced
 * @port: the port as a number in host byte order; 0: none written
 * @field: enum sip_field
 * @form: enum sip_host_form
 * @written: enum sip_host_form of the literal that stands in the message, where
 *	@form and @addr have become those of the address that it stands for
 *	(nat/nat64.h, nat/outer.h); SIP_HOST_NAME: they are as written
 * @type: bytes from the digit of "IP4" or "IP6" to @host in a session
 *	description; 0: there is none
 * @value: which value of its header (all lines of that name counted through)
 *	it belongs to, 0 being the topmost; 255 for all from the 256th on.
 *	In a session description: the number of the m= section it stands in,
 *	1 being the first; 0 for the session part
 * @bracketed: written as [v6]
 * @spaced: something other than a bare colon separates host and port (Via
 *	allows white space there; a=candidate has fields): replace @host and
 *	@digits one by one, never as one piece
 * @secure: the URI is sips:
 * @transport: enum sip_transport of its URI
 * @addr: the decoded address, network byte order; IPv4 leaves the rest zero
 */
struct sip_host {
	struct sip_span host;
	struct sip_span digits;
	u16 port;
	u8 field;
	u8 form;
	u8 value;
	u8 bracketed:1,
	   spaced:1,
	   secure:1,
	   transport:2;
	u8 written;
	u8 type;
	union nf_inet_addr addr;
};

/**
 * sip_default_port() - what a URI without port means
 * @secure: it is sips:
 *
 * RFC 3261 19.1.2.
 *
 * Return: the port in host byte order.
 */
static inline u16 sip_default_port(bool secure)
{
	return secure ? 5061 : 5060;
}

/**
 * sip_host_port() - the port that a host stands for
 * @host: of a URI or Via
 *
 * Return: the one that is written, else the default, in host byte order.
 */
static inline u16 sip_host_port(const struct sip_host *host)
{
	return host->port ?: sip_default_port(host->secure);
}

/**
 * sip_host_family() - which family an address is of
 * @host: a host
 *
 * What is read of one family must be used as that: an IPv6 address begins with
 * bytes that are an IPv4 address as well.
 *
 * Return: AF_INET, AF_INET6, or AF_UNSPEC for what is no address.
 */
static inline u8 sip_host_family(const struct sip_host *host)
{
	switch (host->form) {
	case SIP_HOST_IP4:
		return AF_INET;
	case SIP_HOST_IP6:
		return AF_INET6;
	default:
		return AF_UNSPEC;
	}
}

#define SIP_LITERALS	2	/* the sender's address, and the receiver's */

/**
 * struct sip_literal - an IPv4 address as it stands in the message
 * @off: offset of its first byte
 * @len: its length in bytes; 0: not there
 * @ip: network byte order
 */
struct sip_literal {
	u16 off;
	u8 len;
	__be32 ip;
};

#define SIP_NO_INDEX	0xffff	/* "none" where an index into an array stands */

/**
 * struct sip_contact - one value of Contact, for registrations
 * @host: index into &sip_msg.hosts, SIP_NO_INDEX for tel: and the like
 * @has_expires: the parameter is there
 * @expires: its value in seconds, clamped to U32_MAX
 */
struct sip_contact {
	u16 host;
	bool has_expires;
	u32 expires;
};

enum sdp_kind {			/* <media> of m= */
	SDP_KIND_OTHER,
	SDP_KIND_AUDIO,
	SDP_KIND_VIDEO,
	SDP_KIND_IMAGE,
	SDP_KIND_TEXT,
	SDP_KIND_APPLICATION,
	SDP_KIND_MESSAGE,
};

enum sdp_transport {		/* <proto> of m=, by what travels in the packets */
	SDP_TRANSPORT_OTHER,	/* not known: nothing is opened for it */
	SDP_TRANSPORT_RTP,	/* RTP/AVP, RTP/SAVPF, UDP/TLS/RTP/SAVP, ...: RTP and RTCP */
	SDP_TRANSPORT_UDP,	/* udptl, UDP/TLS/UDPTL, UDP/DTLS/SCTP, ...: one UDP port */
	SDP_TRANSPORT_TCP,	/* TCP/..., including TCP/RTP/AVP (RFC 4145, 4571) */
};

enum sdp_direction {		/* in bits: 1 send, 2 receive */
	SDP_INACTIVE = 0,
	SDP_SENDONLY = 1,
	SDP_RECVONLY = 2,
	SDP_SENDRECV = 3,
};

enum sdp_setup {		/* a=setup (RFC 4145) */
	SDP_SETUP_NONE,
	SDP_SETUP_ACTIVE,
	SDP_SETUP_PASSIVE,
	SDP_SETUP_ACTPASS,
	SDP_SETUP_HOLDCONN,
};

/**
 * struct sdp_media - one m= section
 * @digits: the digits of the port in m=
 * @port: that port, host byte order; 0: stream rejected or removed
 * @port_count: n of "port/n", otherwise 1
 * @connection: index into &sip_msg.hosts of the first c= that holds for the
 *	section: its own, else the session's, else SIP_NO_INDEX (S1-3)
 * @rtcp_digits: the digits of the port in a=rtcp (RFC 3605)
 * @rtcp_port: that port, host byte order; 0: no a=rtcp
 * @rtcp_host: index of a=rtcp's own address, or SIP_NO_INDEX
 * @kind: enum sdp_kind
 * @transport: enum sdp_transport
 * @direction: enum sdp_direction; the section's own attribute, else the
 *	session's, else SDP_SENDRECV
 * @setup: enum sdp_setup; own, else the session's
 * @rtcp_mux: a=rtcp-mux (or rtcp-mux-only) is there (RFC 5761, 8858)
 * @candidates: the section has a=candidate lines (RFC 8839)
 */
struct sdp_media {
	struct sip_span digits;
	u16 port;
	u16 port_count;
	u16 connection;
	struct sip_span rtcp_digits;
	u16 rtcp_port;
	u16 rtcp_host;
	u8 kind;
	u8 transport;
	u8 direction;
	u8 setup;
	u8 rtcp_mux:1,
	   candidates:1;
};

enum sip_refresher { SIP_REFRESHER_NONE, SIP_REFRESHER_UAC, SIP_REFRESHER_UAS };

/**
 * struct sip_msg - the index of one message
 * @data: its first byte
 * @len: its length in bytes: all of it, trailing bytes beyond Content-Length
 *	in a datagram included
 * @request: a request, else a response
 * @method: of a request: its own; of a response: CSeq's (enum sip_method)
 * @status: of a response: 100..699; of a request: 0
 * @cseq: sequence number, 0..2^31-1 (RFC 3261 8.1.1.5)
 * @uri: of a request: its Request-URI
 * @call_id: value without surrounding white space
 * @from_tag: value of the tag parameter of From
 * @to_tag: the same of To
 * @from_uri: URI of From
 * @to_uri: URI of To; of a REGISTER the address of record (RFC 3261 10.2)
 * @branch: branch parameter of the topmost Via
 * @rport: it has rport, empty or not (RFC 3581)
 * @contact_star: "Contact: *" (RFC 3261 10.2.2)
 * @has_expires: an Expires header is there and a number
 * @expires: its seconds, clamped to U32_MAX
 * @session_expires: seconds of Session-Expires (RFC 4028, compact x), clamped
 *	to 1..U32_MAX; 0: absent or not a number (S4-12)
 * @min_se: the same of Min-SE
 * @refresher: enum sip_refresher
 * @identity: an Identity header is there (RFC 8224): a change of what it
 *	signs will be noticed by the far end
 * @has_content_length: the header is there (long or compact form)
 * @content_length: its digits
 * @content_length_value: their value, clamped to U32_MAX
 * @header_len: bytes up to and including the blank line
 * @body: what Content-Length declares of the bytes that are there; all the
 *	rest of a datagram where it is absent
 * @sdp: the session description: the body, or its part of type
 *	application/sdp in a multipart body (S-H-4); empty: none
 * @sdp_direction: enum sdp_direction of the session level
 * @literals: IPv4 addresses that were read last
 * @next_literal: the one of them that goes next
 * @hosts: every host found, in the order of the bytes
 * @contacts: the Contact values
 * @media: the m= sections, in order
 */
struct sip_msg {
	const char *data;
	u32 len;

	bool request;
	u8 method;
	u16 status;
	u32 cseq;

	struct sip_span uri;
	struct sip_span call_id;
	struct sip_span from_tag;
	struct sip_span to_tag;
	struct sip_span from_uri;
	struct sip_span to_uri;
	struct sip_span branch;
	bool rport;

	bool contact_star;
	bool has_expires;
	u32 expires;
	u32 session_expires;
	u32 min_se;
	u8 refresher;
	bool identity;

	bool has_content_length;
	struct sip_span content_length;
	u32 content_length_value;

	u16 header_len;
	struct sip_span body;
	struct sip_span sdp;
	u8 sdp_direction;

	struct sip_literal literals[SIP_LITERALS];
	u8 next_literal;

	u16 host_count;
	u16 contact_count;
	u16 media_count;
	struct sip_host hosts[SIP_MAX_HOSTS];
	struct sip_contact contacts[SIP_MAX_CONTACTS];
	struct sdp_media media[SIP_MAX_MEDIA];
};

/* Result of parsing. */
enum sip_result {
	SIP_OK,			/* a message, the index is whole */
	SIP_NOT_SIP,		/* does not claim to be SIP: keepalive, STUN, TLS, junk */
	SIP_MALFORMED,		/* claims SIP/2.0 but cannot be understood (C14 c) */
	SIP_TOO_MANY,		/* understood, but has more hosts or m= than the index holds */
};

/**
 * struct sip_asked - of which fields somebody will ask for the hosts
 * @rule: by enum sip_field
 * @request: bits of @rule of a field that is asked for in a request
 * @response: the same in a response
 */
struct sip_asked {
	const u8 *rule;
	u8 request;
	u8 response;
};

/**
 * sip_parse_asked() - index one message as far as somebody asks for it
 * @data: first byte
 * @len: bytes in the message; framing has found them (frame.h)
 * @msg: filled; whole only for SIP_OK
 * @asked: headers that only name somebody (From, To, P-Asserted-Identity and
 *	their like) may be passed over where they are not asked for; NULL: none is
 *
 * Linear in @len, never reads outside [data, data + len), assumes no NUL at
 * the end. Any context.
 *
 * Return: SIP_OK or why not.
 */
enum sip_result sip_parse_asked(const char *data, u32 len, struct sip_msg *msg,
				const struct sip_asked *asked);

/* The whole of it. */
static inline enum sip_result sip_parse(const char *data, u32 len, struct sip_msg *msg)
{
	return sip_parse_asked(data, len, msg, NULL);
}

/**
 * sdp_parse() - index a session description; sip_parse() calls it
 * @msg: the message so far; &sip_msg.sdp says where the description stands
 *
 * RFC 4566/8866 with LF tolerated. Lines it does not know are passed over;
 * a description without m= lines is fine.
 *
 * Return: SIP_OK, SIP_MALFORMED or SIP_TOO_MANY.
 */
enum sip_result sdp_parse(struct sip_msg *msg);

static inline const char *sip_span_ptr(const struct sip_msg *msg, struct sip_span span)
{
	return msg->data + span.off;
}

#endif
