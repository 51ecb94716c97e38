// SPDX-License-Identifier: GPL-2.0-only
/* Session descriptions, alone and inside multiparts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "guard.h"
#include "index.h"
#include "tap.h"
#include "tests.h"

static struct sip_msg msg;

#define HEADER	"INVITE tel:1 SIP/2.0\r\nv: SIP/2.0/UDP h\r\nf: <tel:1>\r\nt: <tel:2>\r\n" \
	"i: c\r\nCSeq: 1 INVITE\r\nContent-Type: "
#define SDP	"v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\n"
#define CONN	"c=IN IP4 10.0.0.1\r\n"

/* The lines of the index from "sdp" on, without that line; "malformed" etc. */
static char *parse(const char *type, const char *body)
{
	char text[8192];
	char *got, *sdp;
	size_t len;

	len = snprintf(text, sizeof(text), HEADER "%s\r\n\r\n%s", type, body);
	got = index_text(sip_parse(guard_behind(text, len), len, &msg), &msg);
	if (!strncmp(got, "ok", 2) && index_flaw(&msg)) {
		tap_note("%s", index_flaw(&msg));
		strcpy(got, "flaw\n");
	}
	sdp = strstr(got, "host via 0 name h\n");
	if (sdp)
		memmove(got, strchr(sdp, '\n') + 1, strlen(strchr(sdp, '\n') + 1) + 1);
	return got;
}

static const struct sdp_case {
	const char *title;
	const char *body;
	const char *expected;
} cases[] = {
	{ "S3-59 o=, c= and m=", SDP CONN "m=audio 4000 RTP/AVP 0 8\r\n",
	  "host o= 0 ip4 10.0.0.1\nhost c= 0 ip4 10.0.0.1\n"
	  "media audio 4000 rtp sendrecv at 10.0.0.1\n" },
	{ "S1-3 media level c= first, else session level",
	  CONN "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 10.0.0.2\r\nm=video 5000 RTP/AVP 0\r\n",
	  "host c= 0 ip4 10.0.0.1\nhost c= 1 ip4 10.0.0.2\n"
	  "media audio 4000 rtp sendrecv at 10.0.0.2\nmedia video 5000 rtp sendrecv at 10.0.0.1\n" },
	{ "S1-4 no c= at either level", SDP "m=audio 4000 RTP/AVP 0\r\n",
	  "host o= 0 ip4 10.0.0.1\nmedia audio 4000 rtp sendrecv no-connection\n" },
	{ "S3-13 multicast: the address without ttl and count",
	  "c=IN IP4 224.2.1.1/127/3\r\nm=audio 4000/2 RTP/AVP 0\r\n",
	  "host c= 0 ip4 224.2.1.1\nmedia audio 4000 rtp sendrecv at 224.2.1.1 count 2\n" },
	{ "multicast in IPv6", "c=IN IP6 FF15::101/3\r\nm=audio 4000 RTP/AVP 0\r\n",
	  "host c= 0 ip6 FF15::101\nmedia audio 4000 rtp sendrecv at FF15::101\n" },
	{ "repeated c=: the first one counts",
	  "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 224.2.1.1/127\r\nc=IN IP4 224.2.1.2/127\r\n",
	  "host c= 1 ip4 224.2.1.1\nhost c= 1 ip4 224.2.1.2\n"
	  "media audio 4000 rtp sendrecv at 224.2.1.1\n" },
	{ "H-9 FQDN, other family, other network types",
	  "o=- 1 1 IN IP4 host.example\r\nc=IN IP6 2001:db8::1\r\nm=audio 4000 RTP/AVP 0\r\n"
	  "c=IN IP4 media.example\r\nm=audio 4002 RTP/AVP 0\r\nc=ATM NSAP 47.0091\r\n",
	  "host o= 0 name host.example\nhost c= 0 ip6 2001:db8::1\nhost c= 1 name media.example\n"
	  "host c= 2 name 47.0091\nmedia audio 4000 rtp sendrecv at media.example\n"
	  "media audio 4002 rtp sendrecv at 47.0091\n" },
	{ "family marker and address differ: what is written counts",
	  "c=IN IP4 2001:db8::1\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP6 10.0.0.1\r\n",
	  "host c= 0 ip6 2001:db8::1\nhost c= 1 ip4 10.0.0.1\n"
	  "media audio 4000 rtp sendrecv at 10.0.0.1\n" },
	{ "H5 words behind the address",
	  "o=- 1 1 IN IP4 10.0.0.1 x 10.0.0.9\r\nc=IN IP4 10.0.0.1 x\r\nm=audio 4000 RTP/AVP 0\r\n"
	  "c=IN IP4 10.0.0.2/127 10.0.0.9/1\r\na=rtcp:4001 IN IP4 10.0.0.3 IN IP4 10.0.0.9\r\n",
	  "host o= 0 ip4 10.0.0.1\nhost c= 0 ip4 10.0.0.1\nhost c= 1 ip4 10.0.0.2\n"
	  "host a=rtcp 1 ip4 10.0.0.3\nmedia audio 4000 rtp sendrecv at 10.0.0.2 rtcp 4001 at 10.0.0.3\n" },
	{ "H5 a user name of several words, one that looks like types, a field left out",
	  "o=John van Doe 1 1 IN IP4 10.0.0.1\r\nc=IN IP4 10.0.0.1\r\n"
	  "o=IN IP4 1 IN IP4 10.0.0.2 y\r\no=- 1 IN IP4 10.0.0.3\r\n",
	  "host o= 0 ip4 10.0.0.1\nhost c= 0 ip4 10.0.0.1\nhost o= 0 ip4 10.0.0.2\n"
	  "host o= 0 ip4 10.0.0.3\n" },
	{ "H5 several c= of one section, TAB between fields",
	  "m=audio 4000 RTP/AVP 0\r\nc=IN\tIP4\t10.0.0.1\r\nc=IN IP4 10.0.0.1 second\r\n",
	  "host c= 1 ip4 10.0.0.1\nhost c= 1 ip4 10.0.0.1\nmedia audio 4000 rtp sendrecv at 10.0.0.1\n" },
	{ "H-9 0.0.0.0", "c=IN IP4 0.0.0.0\r\nm=audio 9 RTP/AVP 0\r\n",
	  "host c= 0 ip4 0.0.0.0\nmedia audio 9 rtp sendrecv at 0.0.0.0\n" },
	{ "an address with leading zeros is not translated",
	  "c=IN IP4 010.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\n",
	  "host c= 0 name 010.0.0.1\nmedia audio 4000 rtp sendrecv at 010.0.0.1\n" },
	{ "white space at line ends and between fields",
	  "o=-  1 1  IN  IP4  10.0.0.1 \r\nc=IN IP4  10.0.0.1\t\r\nm=audio 4000  RTP/AVP 0 \r\n",
	  "host o= 0 ip4 10.0.0.1\nhost c= 0 ip4 10.0.0.1\n"
	  "media audio 4000 rtp sendrecv at 10.0.0.1\n" },
	{ "bare LF, last line without end", "c=IN IP4 10.0.0.1\nm=audio 4000 RTP/AVP 0\na=sendonly",
	  "host c= 0 ip4 10.0.0.1\nmedia audio 4000 rtp sendonly at 10.0.0.1\n" },
	{ "S3-34 direction, session and media level",
	  "a=inactive\r\nm=audio 1000 RTP/AVP 0\r\nm=audio 1002 RTP/AVP 0\r\na=recvonly\r\n"
	  "m=audio 1004 RTP/AVP 0\r\na=sendrecv\r\n",
	  "media audio 1000 rtp inactive no-connection\nmedia audio 1002 rtp recvonly no-connection\n"
	  "media audio 1004 rtp sendrecv no-connection\n" },
	{ "R-3605 a=rtcp, with and without address",
	  CONN "m=audio 4000 RTP/AVP 0\r\na=rtcp:4007\r\nm=audio 4010 RTP/AVP 0\r\n"
	  "a=rtcp:53020 IN IP6 2001:2345::1\r\na=rtcp:1 IN IP4 10.9.9.9\r\n",
	  "host c= 0 ip4 10.0.0.1\nhost a=rtcp 2 ip6 2001:2345::1\n"
	  "media audio 4000 rtp sendrecv at 10.0.0.1 rtcp 4007\n"
	  "media audio 4010 rtp sendrecv at 10.0.0.1 rtcp 53020 at 2001:2345::1\n" },
	{ "a=rtcp that is none", "m=audio 4000 RTP/AVP 0\r\na=rtcp:x\r\na=rtcp:0\r\na=rtcp:99999\r\na=rtcp-fb:1 nack\r\n",
	  "media audio 4000 rtp sendrecv no-connection\n" },
	{ "H-16 rtcp-mux and rtcp-mux-only",
	  "m=audio 4000 RTP/AVP 0\r\na=rtcp-mux\r\nm=audio 4002 RTP/AVP 0\r\na=rtcp-mux-only\r\n"
	  "m=audio 4004 RTP/AVP 0\r\na=rtcp-muxx\r\n",
	  "media audio 4000 rtp sendrecv no-connection mux\nmedia audio 4002 rtp sendrecv no-connection mux\n"
	  "media audio 4004 rtp sendrecv no-connection\n" },
	{ "H-15 candidates",
	  "m=audio 4000 RTP/AVP 0\r\na=candidate:1 1 UDP 2130706431 10.0.1.1 8998 typ host\r\n"
	  "a=candidate:2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 10.0.1.1 rport 8998\r\n"
	  "a=candidate:3 1 udp 1 2001:db8::1 9 typ host\r\na=candidate:4 1 udp 1 x.local 9 typ host\r\n"
	  "a=candidate:5 broken\r\nm=audio 4002 RTP/AVP 0\r\n",
	  "host a=candidate 1 ip4 10.0.1.1 : 8998\nhost a=candidate 1 ip4 192.0.2.3 : 45664\n"
	  "host a=candidate 1 ip6 2001:db8::1 : 9\nhost a=candidate 1 name x.local : 9\n"
	  "media audio 4000 rtp sendrecv no-connection candidates\nmedia audio 4002 rtp sendrecv no-connection\n" },
	{ "R-4145 setup, session and media level",
	  "a=setup:actpass\r\nm=image 9 TCP/TLS/UDPTL t38\r\nm=image 9 TCP t38\r\na=setup:active\r\n"
	  "m=image 9 TCP t38\r\na=setup:passive\r\nm=image 9 TCP t38\r\na=setup:holdconn\r\n",
	  "media image 9 tcp sendrecv no-connection setup actpass\n"
	  "media image 9 tcp sendrecv no-connection setup active\n"
	  "media image 9 tcp sendrecv no-connection setup passive\n"
	  "media image 9 tcp sendrecv no-connection setup holdconn\n" },
	{ "kinds and transports",
	  "m=audio 1 RTP/AVP 0\r\nm=video 2 RTP/SAVPF 0\r\nm=audio 3 UDP/TLS/RTP/SAVP 0\r\n"
	  "m=text 4 RTP/AVPF 0\r\nm=image 5 udptl t38\r\nm=image 6 UDP/TLS/UDPTL t38\r\n"
	  "m=application 7 UDP/DTLS/SCTP webrtc-datachannel\r\nm=application 8 DTLS/SCTP 5000\r\n"
	  "m=message 9 TCP/TLS/MSRP *\r\nm=audio 10 TCP/RTP/AVP 0\r\nm=application 11 UDP/BFCP *\r\n"
	  "m=data 12 vat x\r\nm=audio 13 rtp/avp 0\r\nm=application 14 TCP/DTLS/SCTP x\r\n",
	  "media audio 1 rtp sendrecv no-connection\nmedia video 2 rtp sendrecv no-connection\n"
	  "media audio 3 rtp sendrecv no-connection\nmedia text 4 rtp sendrecv no-connection\n"
	  "media image 5 udp sendrecv no-connection\nmedia image 6 udp sendrecv no-connection\n"
	  "media application 7 udp sendrecv no-connection\nmedia application 8 udp sendrecv no-connection\n"
	  "media message 9 tcp sendrecv no-connection\nmedia audio 10 tcp sendrecv no-connection\n"
	  "media application 11 udp sendrecv no-connection\nmedia other 12 other sendrecv no-connection\n"
	  "media audio 13 rtp sendrecv no-connection\nmedia application 14 tcp sendrecv no-connection\n" },
	{ "unknown lines, empty lines and lines of one byte are passed over",
	  "v=0\r\n\r\nx\r\n=\r\ny=10.0.0.1\r\ni=10.0.0.1\r\nu=sip:10.0.0.1\r\nk=x\r\n" CONN
	  "a=\r\na=x10.0.0.1\r\na=fingerprint:10.0.0.1\r\n",
	  "host c= 0 ip4 10.0.0.1\n" },
	{ "no lines at all", "hello", "" },
	{ "port 65535", "m=audio 65535 RTP/AVP 0\r\n", "media audio 65535 rtp sendrecv no-connection\n" },
	{ "port 65536", "m=audio 65536 RTP/AVP 0\r\n", "malformed\n" },
	{ "no port", "m=audio RTP/AVP 0\r\n", "malformed\n" },
	{ "port count of nothing", "m=audio 4000/ RTP/AVP 0\r\n", "malformed\n" },
	{ "port count 0", "m=audio 4000/0 RTP/AVP 0\r\n", "malformed\n" },
	{ "no transport", "m=audio 4000\r\n", "malformed\n" },
	{ "c= without address", "c=IN\r\n", "malformed\n" },
	{ "c= with a ttl and no address", "c=IN IP4 /127\r\n", "malformed\n" },
	{ "empty c=", "c=\r\n", "malformed\n" },
	{ "o= that is none", "o=\r\no=x\r\n", "" },
};

static const struct multipart_case {
	const char *title;
	const char *type;
	const char *body;
	const char *expected;
} multiparts[] = {
#define PART	"Content-Type: application/sdp\r\n\r\nc=IN IP4 10.0.0.1"
#define FOUND	"host c= 0 ip4 10.0.0.1\n"
	{ "content type in any case, spaced, with parameters", "Application / SDP ; charset=x", CONN, FOUND },
	{ "other types are not looked at", "application/sdpx", CONN, "" },
	{ "RFC 8840 trickle-ice-sdpfrag stays", "application/trickle-ice-sdpfrag", CONN, "" },
	{ "no type", "", CONN, "" },
	{ "a compressed body is no text", "application/sdp\r\nContent-Encoding: gzip", CONN, "" },
	{ "identity is no encoding", "application/sdp\r\ne: Identity", CONN, FOUND },
	{ "H-4 multipart/mixed", "multipart/mixed;boundary=b1",
	  "preamble c=IN IP4 10.0.0.9\r\n--b1\r\nContent-Type: text/plain\r\n\r\nc=IN IP4 10.0.0.9\r\n"
	  "--b1\r\n" PART "\r\n--b1--\r\nc=IN IP4 10.0.0.9\r\n", FOUND },
	{ "H-4 quoted boundary with spaces around", "multipart/mixed ; x=y; boundary = \"b 1\"",
	  "--b 1\r\n" PART "\r\n--b 1--", FOUND },
	{ "H-4 bare LF, white space behind the delimiter", "multipart/mixed;boundary=b1",
	  "--b1 \t\nc:application/sdp\n\nc=IN IP4 10.0.0.1\n--b1--\n", FOUND },
	{ "H-4 a boundary that begins like another", "multipart/mixed;boundary=b1",
	  "--b12\r\n" PART "\r\n--b1\r\n" PART "\r\nc=IN IP4 10.0.0.2\r\n--b12\r\n--b1--",
	  FOUND "host c= 0 ip4 10.0.0.2\n" },
	{ "H-4 nested", "multipart/mixed;boundary=b1",
	  "--b1\r\nContent-Type: multipart/alternative;boundary=b2\r\n\r\n--b2\r\nContent-Type: text/plain\r\n"
	  "\r\nx\r\n--b2\r\n" PART "\r\n--b2--\r\n--b1--", FOUND },
	{ "H-4 behind a nested one", "multipart/mixed;boundary=b1",
	  "--b1\r\nContent-Type: multipart/alternative;boundary=b2\r\n\r\n--b2\r\n\r\nx\r\n--b2--\r\n"
	  "--b1\r\n" PART "\r\n--b1--", FOUND },
	{ "H-4 an outer delimiter ends an inner part that never ended", "multipart/mixed;boundary=b1",
	  "--b1\r\nContent-Type: multipart/x;boundary=b2\r\n\r\n--b2\r\n\r\nx\r\n--b1\r\n" PART
	  "\r\n--b2\r\nc=IN IP4 10.0.0.2\r\n--b1--", FOUND "host c= 0 ip4 10.0.0.2\n" },
	{ "H-4 no last delimiter", "multipart/mixed;boundary=b1", "--b1\r\n" PART, FOUND },
	{ "H-4 base64 is no text", "multipart/mixed;boundary=b1",
	  "--b1\r\nContent-Transfer-Encoding: base64\r\n" PART "\r\n--b1--", "" },
	{ "H-4 8bit is text", "multipart/mixed;boundary=b1",
	  "--b1\r\ncontent-transfer-encoding: 8bit\r\n" PART "\r\n--b1--", FOUND },
	{ "H-4 no boundary named", "multipart/mixed", "--\r\n" PART "\r\n----", "" },
	{ "H-4 empty boundary", "multipart/mixed;boundary=\"\"", "--\r\n" PART "\r\n----", "" },
	{ "H-4 a part without end of header", "multipart/mixed;boundary=b1", "--b1\r\nContent-Type: application/sdp", "" },
	{ "H-4 no part of that type", "multipart/mixed;boundary=b1", "--b1\r\n\r\n" CONN "--b1--", "" },
};

static bool sdp_is_read(const char *type, const char *body, const char *expected)
{
	char *got = parse(type, body);
	bool good = !strcmp(got, expected);

	if (!good)
		tap_differ(got, expected);
	free(got);
	return good;
}

/* Exactly what the index holds, and one more. */
static enum sip_result many(const char *header, const char *line, int count)
{
	static char text[65536];
	size_t len = snprintf(text, sizeof(text), HEADER "application/sdp\r\n%s\r\n", header);

	while (count--)
		len += snprintf(text + len, sizeof(text) - len, "%s\r\n", line);
	return sip_parse(guard_behind(text, len), len, &msg);
}

static enum sip_result many_routes(int count)
{
	static char text[65536];
	size_t len = snprintf(text, sizeof(text), HEADER "x/y\r\n");

	while (count--)
		len += snprintf(text + len, sizeof(text) - len, "Route: <sip:10.0.0.1>\r\n");
	len += snprintf(text + len, sizeof(text) - len, "\r\n");
	return sip_parse(guard_behind(text, len), len, &msg);
}

/* So many that are none, and one that is. */
static bool many_contacts(int count)
{
	static char header[2048];
	size_t len = snprintf(header, sizeof(header), "m: <tel:1>");

	while (--count)
		len += snprintf(header + len, sizeof(header) - len, ",<tel:1>");
	snprintf(header + len, sizeof(header) - len, ",<sip:10.0.0.1>\r\n");
	return many(header, "m=audio 4000 RTP/AVP 0", 1) == SIP_OK &&
	       msg.contact_count == SIP_MAX_CONTACTS;
}

#define MLINE	"m=audio 4000 RTP/AVP 0"

void sdp_tests(void)
{
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		tap(sdp_is_read("application/sdp", cases[i].body, cases[i].expected),
		    "SDP: %s", cases[i].title);
	for (i = 0; i < sizeof(multiparts) / sizeof(*multiparts); i++)
		tap(sdp_is_read(multiparts[i].type, multiparts[i].body, multiparts[i].expected),
		    "body: %s", multiparts[i].title);

	tap(many("", MLINE, SIP_MAX_MEDIA) == SIP_OK && msg.media_count == SIP_MAX_MEDIA &&
	    !index_flaw(&msg), "as many m= lines as the index holds");
	tap(many("", MLINE, SIP_MAX_MEDIA + 1) == SIP_TOO_MANY, "one m= line too many");
	tap(many("", "c=IN IP4 10.0.0.1", SIP_MAX_HOSTS - 1) == SIP_OK &&
	    msg.host_count == SIP_MAX_HOSTS && !index_flaw(&msg), "as many hosts as the index holds");
	tap(many("", "c=IN IP4 10.0.0.1", SIP_MAX_HOSTS) == SIP_TOO_MANY, "one host too many in SDP");
	tap(many_routes(SIP_MAX_HOSTS - 1) == SIP_OK && msg.hosts[SIP_MAX_HOSTS - 1].value == 254,
	    "as many Route values as the index holds");
	tap(many_routes(SIP_MAX_HOSTS) == SIP_TOO_MANY, "one host too many in the header");
	tap(many_contacts(SIP_MAX_CONTACTS) && msg.host_count == 2,
	    "Contact values beyond the array still give their host");
}
