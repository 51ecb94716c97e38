// SPDX-License-Identifier: GPL-2.0-only
/*
 * The forms a header may take. Each case is a header put into a message that
 * has no other address, and the lines of the index that it must yield.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "guard.h"
#include "index.h"
#include "tap.h"
#include "tests.h"

static struct sip_msg msg;

#define START	"INVITE tel:1 SIP/2.0\r\n"
#define VIA	"Via: SIP/2.0/UDP h\r\n"
#define PARTIES	"From: <tel:1>;tag=a\r\nTo: <tel:2>\r\n"
#define NUMBERS	"Call-ID: c\r\nCSeq: 1 INVITE\r\n"
#define BASE	"ok INVITE 1\ncall-id c\nfrom-tag a\nhost via 0 name h\n"

static char *parse(const char *text)
{
	size_t len = strlen(text);

	return index_text(sip_parse(guard_behind(text, len), len, &msg), &msg);
}

/* Removes from @text the lines that stand in BASE. */
static void remove_base(char *text)
{
	char *to = text, *line = text, *next;
	char copy[512];

	for (; *line; line = next) {
		next = strchr(line, '\n') + 1;
		snprintf(copy, sizeof(copy), "%.*s", (int)(next - line), line);
		if (strstr(BASE, copy))
			continue;
		memmove(to, line, next - line);
		to += next - line;
	}
	*to = '\0';
}

static const struct value_case {
	const char *title;
	const char *header;
	const char *expected;
} values[] = {
	/* Via */
	{ "H-8 Via with white space everywhere",
	  "Via: SIP / 2.0\t/ UDP \t10.0.0.1 : 5060 ; maddr = 10.0.0.2 ;rport ; received\t=10.0.0.3\r\n",
	  "host via 1 ip4 10.0.0.1 : 5060\nhost via-maddr 1 ip4 10.0.0.2\n"
	  "host via-received 1 ip4 10.0.0.3\n" },
	{ "H-8 Via folded at every place that may be",
	  "Via:\r\n SIP\r\n\t/\r\n 2.0\r\n /\r\n UDP\r\n  10.0.0.1\r\n :\r\n 5060\r\n ;\r\n rport\r\n =\r\n 7\r\n",
	  "host via 1 ip4 10.0.0.1 : 5060\nhost via-rport 1 port 7\n" },
	{ "H-8 several Via in one line and several lines",
	  "v: SIP/2.0/TCP a:1,SIP/2.0/TLS b ,\r\n SIP/2.0/UDP c\r\nVIA : SIP/2.0/SCTP d\r\n",
	  "host via 1 name a:1\nhost via 2 name b\nhost via 3 name c\nhost via 4 name d\n" },
	{ "IPv6 in Via and received, with and without brackets (RFC 5118 4.5)",
	  "Via: SIP/2.0/UDP [2001:db8::1]:5060;received=[2001:db8::2];rport=1,"
	  "SIP/2.0/UDP [2001:db8::3];received=2001:db8::4;maddr=2001:db8::5\r\n",
	  "host via 1 ip6 [2001:db8::1]:5060\nhost via-received 1 ip6 [2001:db8::2]\n"
	  "host via-rport 1 port 1\nhost via 2 ip6 [2001:db8::3]\n"
	  "host via-received 2 ip6 2001:db8::4\nhost via-maddr 2 ip6 2001:db8::5\n" },
	{ "R-3581 rport without value is no port",
	  "Via: SIP/2.0/UDP 10.0.0.1;rport;branch=b;x=\"a;rport=5\\\",\";rport=99999\r\n",
	  "host via 1 ip4 10.0.0.1\n" },
	{ "RFC 2543 Via: no magic cookie, hidden, unknown transport",
	  "Via: SIP/2.0/Carrier-Pigeon 10.0.0.1;hidden;branch=1\r\n",
	  "host via 1 ip4 10.0.0.1\n" },
	/* name-addr and addr-spec */
	{ "S3-58 Contact without scheme and brackets",
	  "Contact: 733@10.66.66.122\r\n", "host contact 0 ip4 10.66.66.122\n" },
	{ "S3-58 Record-Route without brackets",
	  "Record-Route: sip:acme@10.66.66.122:5060\r\n",
	  "host record-route 0 ip4 10.66.66.122:5060\n" },
	{ "addr-spec: parameters belong to the header",
	  "Contact: sip:a@10.0.0.1:5070;expires=60;maddr=10.0.0.2\r\n",
	  "host contact 0 ip4 10.0.0.1:5070\ncontact 0 expires 60\n" },
	{ "name-addr: parameters inside and outside",
	  "Contact: <sip:a@10.0.0.1;expires=5;maddr=10.0.0.2>;expires=60\r\n",
	  "host contact 0 ip4 10.0.0.1\nhost uri-maddr 0 ip4 10.0.0.2\ncontact 0 expires 60\n" },
	{ "quoted display name with everything that structures a header",
	  "Contact: \"<sip:x@10.0.0.9>;a=b, \\\"c\\\\\" <sip:a@10.0.0.1>,\r\n"
	  "\t\"\"<sip:10.0.0.2:1> ; q=0.5\r\n",
	  "host contact 0 ip4 10.0.0.1\nhost contact 1 ip4 10.0.0.2:1\n" },
	{ "display name of tokens, folded",
	  "Contact: Alice\r\n van der\tM. <sip:a@10.0.0.1>\r\n", "host contact 0 ip4 10.0.0.1\n" },
	{ "user part with all its characters",
	  "Contact: <sip:a;b=c,d?e/f&g=h+i$j%40k:p@10.0.0.1>\r\n", "host contact 0 ip4 10.0.0.1\n" },
	{ "H-8 several Contact in one line and several lines",
	  "Contact: <sip:10.0.0.1> , sip:10.0.0.2;q=1,<tel:5>;expires=3\r\nm:<sips:10.0.0.3>\r\n",
	  "host contact 0 ip4 10.0.0.1\nhost contact 1 ip4 10.0.0.2\n"
	  "host contact 3 ip4 10.0.0.3 secure\ncontact 2 expires 3\ncontact 2 foreign\n" },
	{ "Contact: * (RFC 3261 10.2.2)", "m : *\r\n", "contact *\n" },
	{ "Contact's expires: only numbers, clamped",
	  "Contact: <sip:a>;expires=-1,<sip:b>;expires=99999999999999999999,"
	  "<sip:c>;expires=,<sip:d>;expires=1x,<sip:e>;expires=\"7\",<sip:f>;EXPIRES = 0\r\n",
	  "host contact 0 name a\nhost contact 1 name b\nhost contact 2 name c\n"
	  "host contact 3 name d\nhost contact 4 name e\nhost contact 5 name f\n"
	  "contact 1 expires 4294967295\ncontact 5 expires 0\n" },
	{ "other schemes give no host",
	  "Contact: <mailto:a@10.0.0.1>, <http://10.0.0.1/>,<urn:uuid:1>\r\n",
	  "contact 0 foreign\ncontact 1 foreign\ncontact 2 foreign\n" },
	{ "white space inside the angle brackets is forgiven",
	  "Contact: < sip:a@10.0.0.1 >\r\n", "host contact 0 ip4 10.0.0.1\n" },
	{ "H-6 an address in user part, display name and parameters stays",
	  "Contact: \"10.0.0.1\" <sip:10.0.0.1@x;p=10.0.0.1?h=10.0.0.1>;+x=\"<10.0.0.1>\"\r\n",
	  "host contact 0 name x\n" },
	/* Every other header with addresses */
	{ "Route", "Route: <sip:10.0.0.1;lr>,<sip:10.0.0.2;lr>\r\n",
	  "host route 0 ip4 10.0.0.1\nhost route 1 ip4 10.0.0.2\n" },
	{ "R-3327 Path, R-3608 Service-Route",
	  "Path: <sip:10.0.0.1>\r\nService-Route: <sip:10.0.0.2>\r\n",
	  "host path 0 ip4 10.0.0.1\nhost service-route 0 ip4 10.0.0.2\n" },
	{ "R-3515 Refer-To: escaped headers stay",
	  "Refer-To: <sip:b@10.0.0.1?Replaces=5%4010.0.0.9%3Bto-tag%3D1>\r\nb: <sip:10.0.0.2>;cid=1\r\n",
	  "host refer-to 0 ip4 10.0.0.1\nhost referred-by 0 ip4 10.0.0.2\n" },
	{ "compact r and b", "r:sip:10.0.0.1\r\nB\t: <sip:10.0.0.2>\r\n",
	  "host refer-to 0 ip4 10.0.0.1\nhost referred-by 0 ip4 10.0.0.2\n" },
	{ "P-Asserted-Identity and P-Preferred-Identity",
	  "P-Asserted-Identity: \"A\" <sip:a@10.0.0.1>, <tel:+1>\r\nP-Preferred-Identity: sip:10.0.0.2\r\n",
	  "host p-asserted-identity 0 ip4 10.0.0.1\nhost p-preferred-identity 0 ip4 10.0.0.2\n" },
	{ "Diversion and History-Info",
	  "Diversion: <sip:a@10.0.0.1>;reason=no-answer\r\n"
	  "History-Info: <sip:b@10.0.0.2?Reason=SIP%3Bcause%3D302>;index=1,<sip:c@10.0.0.3>;index=1.1\r\n",
	  "host diversion 0 ip4 10.0.0.1\nhost history-info 0 ip4 10.0.0.2\n"
	  "host history-info 1 ip4 10.0.0.3\n" },
	{ "H-6 H-7 headers whose addresses are nobody's business",
	  "Authorization: Digest realm=\"10.0.0.1\",uri=\"sip:10.0.0.1\"\r\n"
	  "Proxy-Authorization: Digest uri=\"sip:10.0.0.1\"\r\nWarning: 399 10.0.0.1 \"x\"\r\n"
	  "User-Agent: 10.0.0.1\r\nX-Contact: <sip:10.0.0.1>\r\nSubject: <sip:10.0.0.1>\r\n"
	  "Replaces: c@10.0.0.1;to-tag=1;from-tag=2\r\nAlert-Info: <http://10.0.0.1/>\r\n", "" },
	/* What is broken and not needed yields nothing and does no harm. */
	{ "H-24 broken Diversion", "Diversion: \"x <sip:10.0.0.1>\r\n", "" },
	{ "H-24 a parameter without a closing quote, and one behind junk",
	  "Contact: <sip:10.0.0.1>;x=\"y\r\nRoute: <sip:10.0.0.2>;x=y \"\r\nPath: <sip:10.0.0.3>;x=y \"z\"\r\n"
	  "Diversion: \"\\\r\n", "host path 0 ip4 10.0.0.3\n" },
	{ "H-24 Contact without >", "Contact: <sip:a@10.0.0.1\r\n", "" },
	{ "H-24 a broken value takes the rest of its line along, not the values before",
	  "Contact: <sip:10.0.0.1>, <sip:10.0.0.2> junk, <sip:10.0.0.3>\r\n",
	  "host contact 0 ip4 10.0.0.1\n" },
	{ "H-24 empty values", "Contact: \r\nRoute: , \r\nPath:\r\n", "" },
	{ "H-24 bad ports give no host",
	  "Route: <sip:10.0.0.1:99999>,<sip:10.0.0.2:>,<sip:10.0.0.3:5x>,<sip:10.0.0.4:0005>\r\n",
	  "host route 3 ip4 10.0.0.4:0005\n" },
	{ "H-24 a line without a colon, a name that is none",
	  "garbage\r\n@\\: x\r\n: y\r\n", "" },
	{ "a NUL in a value that nobody needs is tested in the corpus", "Subject: \x01\x7f\xff\r\n", "" },
	{ "a bare CR is no line end", "Subject: a\rContact: <sip:10.0.0.1>\r\n", "" },
	{ "bare LF are line ends", "Path: <sip:10.0.0.1>\nRoute:\n <sip:10.0.0.2>\n",
	  "host path 0 ip4 10.0.0.1\nhost route 0 ip4 10.0.0.2\n" },
	/* Numbers */
	{ "Expires", "Expires: 3600\r\n", "expires 3600\n" },
	{ "Expires beyond 2^32 and 2^64", "Expires: 18446744073709551617\r\n", "expires 4294967295\n" },
	{ "Expires that is no number", "Expires: -1\r\nExpires: 1 Jan\r\n", "" },
	{ "S4-1 Session-Expires and Min-SE",
	  "Session-Expires: 1800;refresher=uac\r\nMin-SE: 90;x=y\r\n",
	  "session-expires 1800\nrefresher uac\nmin-se 90\n" },
	{ "S4-1 compact x, spaced", "x : 1800 ; a=b ; Refresher = UAS\r\n",
	  "session-expires 1800\nrefresher uas\n" },
	{ "S4-12 Session-Expires 2^32", "x:4294967296\r\n", "session-expires 4294967295\n" },
	{ "S4-12 Session-Expires 0 is a number, the smallest", "x:0\r\n", "session-expires 1\n" },
	{ "S4-12 Session-Expires negative, no number",
	  "x:-1\r\nMin-SE:-90\r\nx:abc\r\nMin-SE: 90x\r\n", "" },
	{ "Identity", "y: abc\r\n", "identity\n" },
	{ "S3-58 H-8 every letter of a name in either case",
	  "cOnTaCt: <sIp:10.0.0.1>;eXpIrEs=1\r\n", "host contact 0 ip4 10.0.0.1\ncontact 0 expires 1\n" },
};

static bool value_is_read(const struct value_case *c)
{
	char text[4096];
	char *got;
	bool good;

	snprintf(text, sizeof(text), START VIA "%s" PARTIES NUMBERS "\r\n", c->header);
	got = parse(text);
	good = !strncmp(got, "ok ", 3) && !index_flaw(&msg);
	remove_base(got);
	good = good && !strcmp(got, c->expected);
	if (!good)
		tap_differ(got, c->expected);
	free(got);
	return good;
}

/* Whole headers that decide whether a message can be understood. */
static const struct message_case {
	const char *title;
	const char *text;
	const char *expected;	/* how the index begins */
} messages[] = {
	{ "the message that the cases above are built on", START VIA PARTIES NUMBERS "\r\n", BASE },
	{ "no blank line", START VIA PARTIES NUMBERS, "malformed" },
	{ "no Via", START PARTIES NUMBERS "\r\n", "malformed" },
	{ "no From and To", START VIA NUMBERS "\r\n", "malformed" },
	{ "no To", START VIA "From: <tel:1>\r\n" NUMBERS "\r\n", "malformed" },
	{ "no Call-ID", START VIA PARTIES "CSeq: 1 INVITE\r\n\r\n", "malformed" },
	{ "no CSeq", START VIA PARTIES "Call-ID: c\r\n\r\n", "malformed" },
	{ "empty Call-ID", START VIA PARTIES "CSeq: 1 INVITE\r\nCall-ID: \r\n\r\n", "malformed" },
	{ "Call-ID with a space", START VIA PARTIES "CSeq: 1 INVITE\r\nCall-ID: a b\r\n\r\n", "malformed" },
	{ "broken Via", START "Via: SIP/2.0/UDP\r\n" PARTIES NUMBERS "\r\n", "malformed" },
	{ "Via without host", START "Via: SIP/2.0/UDP ;branch=x\r\n" PARTIES NUMBERS "\r\n", "malformed" },
	{ "Via without transport", START "Via: SIP/2.0 / h\r\n" PARTIES NUMBERS "\r\n", "malformed" },
	{ "Via without name", START "Via: /2.0/UDP h\r\n" PARTIES NUMBERS "\r\n", "malformed" },
	{ "Via with an open quote", START "Via: SIP/2.0/UDP h;x=\"\r\n" PARTIES NUMBERS "\r\n", "malformed" },
	{ "a status followed by no space", "SIP/2.0 200x\r\n" VIA PARTIES NUMBERS "\r\n", "malformed" },
	{ "a method that is no token", "IN(ITE tel:1 SIP/2.0\r\n" VIA PARTIES NUMBERS "\r\n", "malformed" },
	{ "a broken Via below a sound one", START VIA "Via: x\r\n" PARTIES NUMBERS "\r\n", "malformed" },
	{ "Via's port is none", START "Via: SIP/2.0/UDP h:99999\r\n" PARTIES NUMBERS "\r\n", "malformed" },
	{ "From without a closing quote",
	  START VIA "From: \"x <tel:1>\r\nTo: <tel:2>\r\n" NUMBERS "\r\n", "malformed" },
	{ "To without >", START VIA "From: <tel:1>\r\nTo: <tel:2\r\n" NUMBERS "\r\n", "malformed" },
	{ "two values in From", START VIA "From: <tel:1>, <tel:3>\r\nTo: <tel:2>\r\n" NUMBERS "\r\n",
	  "malformed" },
	{ "the same Call-ID, CSeq, From and To twice", START VIA PARTIES NUMBERS PARTIES NUMBERS "\r\n", BASE },
	{ "two Call-ID", START VIA PARTIES NUMBERS "i: d\r\n\r\n", "malformed" },
	{ "two From", START VIA PARTIES NUMBERS "f: <tel:1>;tag=b\r\n\r\n", "malformed" },
	{ "two CSeq", START VIA PARTIES NUMBERS "CSeq: 2 INVITE\r\n\r\n", "malformed" },
	{ "two CSeq that differ in zeros only", START VIA PARTIES NUMBERS "CSeq: 01 INVITE\r\n\r\n", BASE },
	{ "CSeq 2^31-1", START VIA PARTIES "Call-ID: c\r\nCSeq: 02147483647 INVITE\r\n\r\n",
	  "ok INVITE 2147483647" },
	{ "CSeq 2^31", START VIA PARTIES "Call-ID: c\r\nCSeq: 2147483648 INVITE\r\n\r\n", "malformed" },
	{ "CSeq 2^64+1", START VIA PARTIES "Call-ID: c\r\nCSeq: 18446744073709551617 INVITE\r\n\r\n",
	  "malformed" },
	{ "CSeq of another method", START VIA PARTIES "Call-ID: c\r\nCSeq: 1 BYE\r\n\r\n", "malformed" },
	{ "CSeq without method", START VIA PARTIES "Call-ID: c\r\nCSeq: 1\r\n\r\n", "malformed" },
	{ "CSeq without number", START VIA PARTIES "Call-ID: c\r\nCSeq: INVITE\r\n\r\n", "malformed" },
	{ "CSeq folded", START VIA PARTIES "Call-ID: c\r\nCSeq:\r\n 1\r\n\tINVITE\r\n\r\n", BASE },
	{ "an unknown method is a message", "FOO tel:1 SIP/2.0\r\n" VIA PARTIES "i:c\r\nCSeq: 1 FOO\r\n\r\n",
	  "ok (unknown) 1" },
	{ "lower case is another method", "invite tel:1 SIP/2.0\r\n" VIA PARTIES "i:c\r\nCSeq: 1 invite\r\n\r\n",
	  "ok (unknown) 1" },
	{ "RFC 3261 7.1 the version in lower case", "INVITE tel:1 sip/2.0\r\n" VIA PARTIES NUMBERS "\r\n", BASE },
	{ "line ends before the start line", "\r\n\n\r\n" START VIA PARTIES NUMBERS "\r\n", BASE },
	{ "a response", "SIP/2.0 200 OK\r\n" VIA PARTIES NUMBERS "\r\n", "ok 200 INVITE 1" },
	{ "a response without reason", "SIP/2.0 699\r\n" VIA PARTIES NUMBERS "\r\n", "ok 699 INVITE 1" },
	{ "status 99", "SIP/2.0 099 x\r\n" VIA PARTIES NUMBERS "\r\n", "malformed" },
	{ "status 700", "SIP/2.0 700 x\r\n" VIA PARTIES NUMBERS "\r\n", "malformed" },
	{ "status of four digits", "SIP/2.0 2000 x\r\n" VIA PARTIES NUMBERS "\r\n", "malformed" },
	{ "status of letters", "SIP/2.0 abc x\r\n" VIA PARTIES NUMBERS "\r\n", "malformed" },
	{ "no status", "SIP/2.0 \r\n" VIA PARTIES NUMBERS "\r\n", "not-sip" },
	{ "no URI", "INVITE SIP/2.0\r\n" VIA PARTIES NUMBERS "\r\n", "malformed" },
	{ "only a version", " SIP/2.0\r\n" VIA PARTIES NUMBERS "\r\n", "not-sip" },
	{ "HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "not-sip" },
	{ "another version", "INVITE tel:1 SIP/3.0\r\n" VIA PARTIES NUMBERS "\r\n", "not-sip" },
	{ "nothing", "", "not-sip" },
	{ "H-5 Content-Length padded and spaced", START VIA PARTIES NUMBERS "l :\t 0003 \r\n\r\nabcdef",
	  "ok INVITE 1\ncall-id c\nfrom-tag a\ncontent-length 0003\nbody 3 of 6\n" },
	{ "H-5 Content-Length larger than the datagram", START VIA PARTIES NUMBERS "l: 99999\r\n\r\nabc",
	  "ok INVITE 1\ncall-id c\nfrom-tag a\ncontent-length 99999\nbody 3 of 3\n" },
	{ "H-5 Content-Length of 2^64+1", START VIA PARTIES NUMBERS "l: 18446744073709551617\r\n\r\nabc",
	  "ok INVITE 1\ncall-id c\nfrom-tag a\ncontent-length 18446744073709551617\nbody 3 of 3\n" },
	{ "H-5 Content-Length folded", START VIA PARTIES NUMBERS "Content-Length:\r\n 2\r\n\r\nabc",
	  "ok INVITE 1\ncall-id c\nfrom-tag a\ncontent-length 2\nbody 2 of 3\n" },
	{ "H-5 no Content-Length", START VIA PARTIES NUMBERS "\r\nabc",
	  "ok INVITE 1\ncall-id c\nfrom-tag a\nbody 3 of 3\n" },
	{ "negative Content-Length", START VIA PARTIES NUMBERS "l: -3\r\n\r\nabc", "malformed" },
	{ "empty Content-Length", START VIA PARTIES NUMBERS "l:\r\n\r\nabc", "malformed" },
	{ "two Content-Length", START VIA PARTIES NUMBERS "l: 3\r\nl: 2\r\n\r\nabc", "malformed" },
	{ "Content-Length twice the same: an edit would change one", START VIA PARTIES NUMBERS
	  "l: 3\r\nContent-Length: 3\r\n\r\nabc", "malformed" },
};

static bool message_is_read(const struct message_case *c)
{
	char *got = parse(c->text);
	bool good = !strncmp(got, c->expected, strlen(c->expected));

	if (!good)
		tap_differ(got, c->expected);
	free(got);
	return good;
}

/*
 * H-8: the same message in all notations at once: long or compact names,
 * cases, white space before and after the colon, folds, line ends.
 */
static const struct {
	const char *name, *compact, *value;
} lines[] = {
	{ "Via", "v", "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;rport=5,SIP/2.0/TCP h;received=10.0.0.2" },
	{ "From", "f", "\"A, B\" <sip:a@10.0.0.3>;tag=1" },
	{ "To", "t", "sip:b@10.0.0.4;tag=2" },
	{ "Call-ID", "i", "x@10.0.0.1" },
	{ "CSeq", "CSEQ", "7 INVITE" },
	{ "Contact", "m", "<sip:10.0.0.5>;expires=3,sips:[2001:db8::1]:5061" },
	{ "Refer-To", "r", "<sip:10.0.0.6?a=b>" },
	{ "Referred-By", "b", "<sip:10.0.0.7>" },
	{ "Session-Expires", "x", "90;refresher=uas" },
	{ "Content-Type", "c", "application/sdp" },
	{ "Content-Length", "l", "40" },
};

static const struct {
	const char *colon, *end;
} notations[] = {
	{ ": ", "\r\n" }, { ":", "\r\n" }, { " : ", "\r\n" }, { "\t \t:\t", "\r\n" },
	{ ":\r\n ", "\r\n" }, { " :  \r\n\t\t", " \t\r\n" }, { ":\n ", "\n" }, { ": ", "\n" },
	{ ":\r\n \r\n ", "\r\n" },
};

static char *notation(size_t form)
{
	size_t n = form / 2, i;
	bool compact = form % 2;
	char text[4096] = "INVITE sip:b@10.0.0.9 SIP/2.0\r\n";
	size_t len = strlen(text);

	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%s%s%s",
				compact ? lines[i].compact : lines[i].name,
				notations[n].colon, lines[i].value, notations[n].end);
	snprintf(text + len, sizeof(text) - len, "%s%s", notations[n].end[0] == '\n' ? "\n" : "\r\n",
		 "c=IN IP4 10.0.0.8\r\nm=audio 4000 RTP/AVP 0");
	return parse(text);
}

/* Offsets have 16 bits. */
static enum sip_result long_message(size_t len)
{
	static char text[SIP_MAX_MESSAGE + 1];

	memset(text, 'x', sizeof(text));
	memcpy(text, START VIA PARTIES NUMBERS "\r\n", strlen(START VIA PARTIES NUMBERS "\r\n"));
	return sip_parse(guard_behind(text, len), len, &msg);
}

void form_tests(void)
{
	char *first = notation(0), *got;
	size_t i;

	tap(long_message(SIP_MAX_MESSAGE) == SIP_OK && !index_flaw(&msg), "S3-35 the longest message");
	tap(long_message(SIP_MAX_MESSAGE + 1) == SIP_MALFORMED, "one byte more than offsets can say");

	for (i = 0; i < sizeof(messages) / sizeof(*messages); i++)
		tap(message_is_read(&messages[i]), "%s", messages[i].title);
	for (i = 0; i < sizeof(values) / sizeof(*values); i++)
		tap(value_is_read(&values[i]), "%s", values[i].title);

	tap(strstr(first, "\nmedia audio 4000 rtp sendrecv at 10.0.0.8\n"), "H-8 plain notation");
	for (i = 1; i < 2 * sizeof(notations) / sizeof(*notations); i++) {
		got = notation(i);
		if (!tap(!strcmp(first, got), "H-8 notation %zu yields the same index", i))
			tap_differ(got, first);
		free(got);
	}
	free(first);
}
