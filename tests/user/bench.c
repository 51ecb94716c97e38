// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cycles per byte of parsing, and of walking the bytes once as lower bound.
 * Each figure is the median of many runs, the spread the middle half of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>
#include "corpus.h"
#include "sip/frame.h"
#include "sip/msg.h"

#define RUNS	20001

static struct sip_msg msg;
static char text[SIP_MAX_MESSAGE];
static volatile unsigned long sink;

static int ascending(const void *a, const void *b)
{
	unsigned long x = *(const unsigned long *)a, y = *(const unsigned long *)b;

	return (x > y) - (x < y);
}

static void parse(size_t len)
{
	sink = sip_parse(text, len, &msg);
}

static void frame(size_t len)
{
	u32 frame_len;

	sink = sip_frame_stream(text, len, SIP_MAX_MESSAGE, &frame_len);
}

static void walk(size_t len)
{
	unsigned long sum = 0, word;
	size_t i;

	for (i = 0; i + 8 <= len; i += 8) {
		memcpy(&word, text + i, 8);
		sum += word;
	}
	sink = sum;
}

static void measure(const char *name, const char *what, void (*run)(size_t), size_t len)
{
	static unsigned long cycles[RUNS];
	int i;

	for (i = 0; i < RUNS; i++) {
		unsigned long start = __rdtsc();

		run(len);
		cycles[i] = __rdtsc() - start;
	}
	qsort(cycles, RUNS, sizeof(*cycles), ascending);
	printf("%-24s %-6s %6zu bytes %7lu cycles (%lu..%lu) %6.2f a byte\n", name, what, len,
	       cycles[RUNS / 2], cycles[RUNS / 4], cycles[RUNS * 3 / 4],
	       (double)cycles[RUNS / 2] / len);
}

static void message(const char *name, size_t len)
{
	if (sip_parse(text, len, &msg) != SIP_OK) {
		fprintf(stderr, "bench: %s is no message\n", name);
		exit(1);
	}
	measure(name, "walk", walk, len);
	measure(name, "frame", frame, len);
	measure(name, "parse", parse, len);
}

static void from_corpus(const char *dir, const char *name)
{
	struct corpus_message file;

	corpus_read(dir, name, &file);
	memcpy(text, file.data, file.len);
	message(name, file.len);
	corpus_free(&file);
}

#define HEADER(method, type) \
	method " sip:bob@203.0.113.5:5060 SIP/2.0\r\n" \
	"Via: SIP/2.0/UDP 192.168.1.10:5060;rport;branch=z9hG4bKPjd7d0a2a4f3c5\r\n" \
	"Max-Forwards: 70\r\nFrom: \"Alice\" <sip:alice@203.0.113.5>;tag=8f3a2b1c9d4e5f60\r\n" \
	"To: <sip:bob@203.0.113.5>\r\nCall-ID: 6f0c1d2e3a4b5c6d7e8f90a1b2c3d4e5\r\n" \
	"CSeq: 4711 " method "\r\nContact: <sip:alice@192.168.1.10:5060;ob>\r\n" \
	"Content-Type: " type "\r\n\r\n"

static void twenty_streams(void)
{
	size_t len = sprintf(text, HEADER("INVITE", "application/sdp")
			     "v=0\r\no=- 1 1 IN IP4 192.168.1.10\r\ns=-\r\nc=IN IP4 192.168.1.10\r\nt=0 0\r\n");
	int i;

	for (i = 0; i < 20; i++)
		len += sprintf(text + len, "m=audio %d RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\n"
			       "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
			       "a=fmtp:101 0-15\r\na=sendrecv\r\n", 40000 + 2 * i);
	message("20 streams", len);
}

static void long_notify(void)
{
	size_t len = sprintf(text, HEADER("NOTIFY", "application/dialog-info+xml"));

	while (len < 64000)
		len += sprintf(text + len, "<dialog id=\"%zu\"><state>confirmed</state></dialog>\r\n", len);
	message("64 kB NOTIFY", len);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 1;
	}
	from_corpus(argv[1], "s3-22-invite.sip");
	from_corpus(argv[1], "s3-23-200.sip");
	from_corpus(argv[1], "s3-22-bye.sip");
	from_corpus(argv[1], "s3-22-register.sip");
	from_corpus(argv[1], "s3-22-options.sip");
	from_corpus(argv[1], "s3-19-ipv6.sip");
	twenty_streams();
	long_notify();
	return 0;
}
