// SPDX-License-Identifier: GPL-2.0-only
/* The last messages of a call, drawn between its two parties and this router. */
#include <stdio.h>
#include <string.h>
#include "ctl.h"

/* One message, read. */
struct rung {
	uint32_t time;
	uint32_t cseq;
	uint32_t status;
	uint32_t edits;
	uint32_t fields;
	const char *word;
	const char *protocol;
	const char *reason;
	bool caller;
	bool retransmitted;
	bool dropped;
};

static void read_rung(const struct nlattr *nest, struct rung *rung)
{
	const struct nlattr *attrs[SIPALG_A_MESSAGE_MAX + 1];

	attrs_nested(nest, attrs, SIPALG_A_MESSAGE_MAX);
	rung->time = number_of(attrs[SIPALG_A_MESSAGE_TIME]);
	rung->cseq = number_of(attrs[SIPALG_A_MESSAGE_CSEQ]);
	rung->status = number_of(attrs[SIPALG_A_MESSAGE_STATUS]);
	rung->edits = number_of(attrs[SIPALG_A_MESSAGE_EDITS]);
	rung->fields = number_of(attrs[SIPALG_A_MESSAGE_FIELDS]);
	rung->word = word_of(attrs[SIPALG_A_MESSAGE_WORD]);
	rung->protocol = word_of(attrs[SIPALG_A_MESSAGE_PROTOCOL]);
	rung->reason = word_of(attrs[SIPALG_A_MESSAGE_REASON]);
	rung->caller = attrs[SIPALG_A_MESSAGE_CALLER];
	rung->retransmitted = attrs[SIPALG_A_MESSAGE_RETRANSMITTED];
	rung->dropped = attrs[SIPALG_A_MESSAGE_DROPPED];
}

/* What a field is called in the message, bit by bit. */
static const char * const field_names[] = {
	"Request-URI", "Via", "From", "To", "Contact", "Route", "Record-Route", "Refer-To",
	"Identity", "o=", "c=", "m=", "a=rtcp", "a=candidate",
};

static void fields_json(uint32_t fields)
{
	size_t i;

	json_open("changed", '[');
	for (i = 0; i < ARRAY_SIZE(field_names); i++)
		if (fields & 1u << i)
			json_word(NULL, field_names[i]);
	json_close(']');
}

/* As many as there is room for, and ".." for the rest. */
static const char *fields_text(uint32_t fields, char *text, size_t room)
{
	size_t i, used = 0, len;

	text[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(field_names); i++) {
		if (!(fields & 1u << i))
			continue;
		len = strlen(field_names[i]);
		if (used + 1 + len + (fields >> (i + 1) ? 3 : 0) > room) {
			strcpy(text + used, " ..");
			return text;
		}
		used += sprintf(text + used, " %s", field_names[i]);
	}
	return text;
}

static void rung_json(const struct rung *rung)
{
	json_open(NULL, '{');
	json_number("time_ms", rung->time);
	json_word("from", rung->caller ? "caller" : "callee");
	json_word("method", rung->word);
	json_number("status", rung->status);
	json_number("cseq", rung->cseq);
	json_word("protocol", rung->protocol);
	json_number("edits", rung->edits);
	fields_json(rung->fields);
	json_number("retransmitted", rung->retransmitted);
	json_number("dropped", rung->dropped);
	json_word("reason", rung->reason);
	json_close('}');
}

void ladder_json(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	struct rung rung;

	json_open("messages", '[');
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == SIPALG_A_MESSAGE) {
			read_rung(attr, &rung);
			rung_json(&rung);
		}
	json_close(']');
}

#define ARROW	15	/* columns; 80 hold two and the longest reason */

/* An arrow with the message's name in it. */
static void print_arrow(const struct rung *rung, bool shown)
{
	char name[32], line[ARROW + 1];
	size_t len;

	if (!shown) {
		printf("%*s", ARROW, "");
		return;
	}
	if (rung->status)
		snprintf(name, sizeof(name), " %u %.9s ", rung->status, rung->word);
	else
		snprintf(name, sizeof(name), " %.12s ", rung->word);
	len = strlen(name);
	if (len > ARROW)
		len = ARROW;
	memset(line, '-', ARROW);
	line[ARROW] = '\0';
	memcpy(line + (ARROW - len) / 2, name, len);
	if (rung->caller)
		line[ARROW - 1] = '>';
	else
		line[0] = '<';
	fputs(line, stdout);
}

#define DEED	37	/* columns that the arrows leave */

static void print_deed(const struct rung *rung)
{
	char text[160];

	if (rung->dropped)
		colour_begin(COLOUR_BAD);
	if (rung->dropped)
		printf(" dropped: %s", rung->reason);
	else if (*rung->reason)
		printf(" unchanged: %s", rung->reason);
	else
		fputs(fields_text(rung->fields, text, DEED - (rung->retransmitted ? 6 : 0)),
		      stdout);
	if (rung->dropped)
		colour_end();
	if (rung->retransmitted)
		printf(" again");
	putchar('\n');
}

/* What was dropped ends at the router. */
static void print_rung(const struct rung *rung)
{
	printf("%5u.%03u |", rung->time / 1000, rung->time % 1000);
	print_arrow(rung, rung->caller || !rung->dropped);
	putchar(rung->dropped ? 'X' : '|');
	print_arrow(rung, !rung->caller || !rung->dropped);
	putchar('|');
	print_deed(rung);
}

static void title(const struct rung *rung, char *text, size_t size)
{
	if (rung->status)
		snprintf(text, size, "%u %s", rung->status, rung->word);
	else
		snprintf(text, size, "%s", rung->word);
}

/* What became of it, for a diagram. */
static const char *deed(const struct rung *rung, char *text, size_t size)
{
	if (rung->dropped)
		snprintf(text, size, " dropped: %s", rung->reason);
	else if (*rung->reason)
		snprintf(text, size, " unchanged: %s", rung->reason);
	else
		fields_text(rung->fields, text, size - 8);
	return text;
}

/* Bytes from the wire: nothing that a diagram's language would read. */
static void print_plain(const char *text)
{
	for (; *text; text++)
		putchar(strchr("<>&\"'#;%{}\\`", *text) || *text < 0x20 || *text > 0x7e ?
			'?' : *text);
}

static void mermaid_party(const char *letter, const char *label, const struct nlattr *user,
			  const struct nlattr *address, const struct nlattr *written)
{
	char name[NAME_TEXT], text[ENDPOINT_TEXT];

	printf("    participant %s as %s ", letter, label);
	print_plain(name_text(user, name, sizeof(name)));
	printf(" %s%s%s\n", endpoint_text(address, text, sizeof(text)), written ? " = " : "",
	       written ? word_of(written) : "");
}

static void mermaid_rung(const struct rung *rung)
{
	const char *from = rung->caller ? "caller" : "callee";
	const char *to = rung->caller ? "callee" : "caller";
	char name[48], text[160];

	title(rung, name, sizeof(name));
	printf("    %s%srouter: %s%s\n", from, rung->dropped ? "-x" : "->>", name,
	       rung->retransmitted ? " again" : "");
	deed(rung, text, sizeof(text));
	if (*text)
		printf("    Note over router:%s\n", text);
	if (!rung->dropped)
		printf("    router->>%s: %s\n", to, name);
}

#define SVG_TIME	95
#define SVG_LEFT	200
#define SVG_MIDDLE	420
#define SVG_RIGHT	640
#define SVG_STEP	34
#define SVG_TOP		70
#define SVG_LETTER	8	/* wide, no less than any monospaced font of 13 px */
#define SVG_NAME	26	/* letters between two columns */

static void svg_text(int x, int y, const char *anchor, const char *text)
{
	printf("<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">", x, y, anchor);
	print_plain(text);
	puts("</text>");
}

static void svg_party(int x, int bottom, const char *label, const char *name,
		      const struct nlattr *written)
{
	svg_text(x, written ? 14 : 24, "middle", label);
	svg_text(x, written ? 29 : 42, "middle", name);
	if (written)
		svg_text(x, 44, "middle", word_of(written));
	printf("<line x1=\"%d\" y1=\"50\" x2=\"%d\" y2=\"%d\" stroke=\"#888\"/>\n", x, x, bottom);
}

static void svg_arrow(int from, int to, int y, const char *colour, const char *text)
{
	printf("<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"%s\" marker-end=\"url(#head)\"/>\n",
	       from, y, to > from ? to - 3 : to + 3, y, colour);
	svg_text((from + to) / 2, y - 5, "middle", text);
}

/* What stands beside it. */
static const char *svg_deed(const struct rung *rung, char *text, size_t size)
{
	deed(rung, text, size);
	if (rung->retransmitted)
		strcat(text, " again");
	return text + (*text == ' ');
}

/* Where a message ends that goes no further. */
static void svg_cross(int x, int y)
{
	printf("<path d=\"M%d,%d l10,10 m-10,0 l10,-10\" stroke=\"#c00\" stroke-width=\"2\"/>\n",
	       x - 5, y - 5);
}

static void svg_rung(const struct rung *rung, int y)
{
	int from = rung->caller ? SVG_LEFT : SVG_RIGHT, to = rung->caller ? SVG_RIGHT : SVG_LEFT;
	char name[48], text[160];

	title(rung, name, sizeof(name));
	name[SVG_NAME] = '\0';
	snprintf(text, sizeof(text), "%u.%03u", rung->time / 1000, rung->time % 1000);
	svg_text(SVG_TIME, y, "end", text);
	svg_arrow(from, SVG_MIDDLE, y, rung->dropped ? "#c00" : "#036", name);
	if (rung->dropped)
		svg_cross(SVG_MIDDLE, y);
	else
		svg_arrow(SVG_MIDDLE, to, y, "#036", name);
	svg_text(SVG_RIGHT + 12, y, "start", svg_deed(rung, text, sizeof(text)));
}

static const char *who(const struct nlattr *user, const struct nlattr *address, char *text,
		       size_t size)
{
	char endpoint[ENDPOINT_TEXT];

	name_text(user, text, size);
	if (!*text)
		snprintf(text, size, "%s", endpoint_text(address, endpoint, sizeof(endpoint)));
	if (strlen(text) > SVG_NAME)
		strcpy(text + SVG_NAME - 2, "..");
	return text;
}

/* How many there are, and how wide what stands beside the widest is. */
static unsigned int measure_rungs(const struct nlmsghdr *nlh, size_t *widest)
{
	const struct nlattr *attr;
	unsigned int count = 0;
	struct rung rung;
	char text[160];
	size_t len;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != SIPALG_A_MESSAGE)
			continue;
		read_rung(attr, &rung);
		len = strlen(svg_deed(&rung, text, sizeof(text)));
		*widest = len > *widest ? len : *widest;
		count++;
	}
	return count;
}

static void svg_begin(const struct nlmsghdr *nlh, const struct nlattr **call)
{
	size_t widest = SVG_NAME / 2;
	int bottom = SVG_TOP + SVG_STEP * measure_rungs(nlh, &widest);
	char name[NAME_TEXT];

	printf("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%zu\" height=\"%d\" font-family=\"monospace\" font-size=\"13\">\n"
	       "<defs><marker id=\"head\" markerWidth=\"8\" markerHeight=\"8\" refX=\"6\" refY=\"3\" orient=\"auto\"><path d=\"M0,0 L6,3 L0,6 z\"/></marker></defs>\n"
	       "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
	       SVG_RIGHT + 20 + SVG_LETTER * widest, bottom + 20);
	svg_party(SVG_LEFT, bottom, "caller",
		  who(call[SIPALG_A_CALL_FROM], call[SIPALG_A_CALL_SOURCE], name, sizeof(name)),
		  call[SIPALG_A_CALL_SOURCE_WRITTEN]);
	svg_party(SVG_MIDDLE, bottom, "router", "", NULL);
	svg_party(SVG_RIGHT, bottom, "callee",
		  who(call[SIPALG_A_CALL_TO], call[SIPALG_A_CALL_DESTINATION], name, sizeof(name)),
		  call[SIPALG_A_CALL_DESTINATION_WRITTEN]);
}

/* Whose messages speak of another address than its packets have. */
static void print_written(const char *label, const struct nlattr *address,
			  const struct nlattr *written)
{
	char text[ENDPOINT_TEXT];

	if (written)
		printf("\n%16s %s writes itself %s", label,
		       endpoint_text(address, text, sizeof(text)), word_of(written));
}

static void begin(const struct nlmsghdr *nlh, enum ladder form, const struct nlattr *call)
{
	const struct nlattr *attrs[SIPALG_A_CALL_MAX + 1];

	attrs_nested(call, attrs, SIPALG_A_CALL_MAX);
	if (form == LADDER_SVG) {
		svg_begin(nlh, attrs);
	} else if (form == LADDER_MERMAID) {
		puts("sequenceDiagram");
		mermaid_party("caller", "caller", attrs[SIPALG_A_CALL_FROM],
			      attrs[SIPALG_A_CALL_SOURCE], attrs[SIPALG_A_CALL_SOURCE_WRITTEN]);
		puts("    participant router");
		mermaid_party("callee", "callee", attrs[SIPALG_A_CALL_TO],
			      attrs[SIPALG_A_CALL_DESTINATION],
			      attrs[SIPALG_A_CALL_DESTINATION_WRITTEN]);
	} else {
		print_written("caller", attrs[SIPALG_A_CALL_SOURCE],
			      attrs[SIPALG_A_CALL_SOURCE_WRITTEN]);
		print_written("callee", attrs[SIPALG_A_CALL_DESTINATION],
			      attrs[SIPALG_A_CALL_DESTINATION_WRITTEN]);
		printf("\n%9s caller%*srouter%*scallee\n", "seconds", ARROW - 5, "", ARROW - 5, "");
	}
}

void ladder_print(const struct nlmsghdr *nlh, enum ladder form, const struct nlattr *call)
{
	const struct nlattr *attr;
	struct rung rung;
	int y = SVG_TOP;

	begin(nlh, form, call);
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) != SIPALG_A_MESSAGE)
			continue;
		read_rung(attr, &rung);
		if (form == LADDER_SVG)
			svg_rung(&rung, y);
		else if (form == LADDER_MERMAID)
			mermaid_rung(&rung);
		else
			print_rung(&rung);
		y += SVG_STEP;
	}
	if (form == LADDER_SVG)
		puts("</svg>");
}
