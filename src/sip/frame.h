/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Framing: where does a message begin and end.
 *
 * A datagram is a message (RFC 3261 18.3). In a stream Content-Length is the
 * frame, and what stands between messages are line ends (RFC 5626 3.5.1).
 */
#ifndef SIPALG_SIP_FRAME_H
#define SIPALG_SIP_FRAME_H

#include <linux/types.h>

enum sip_frame {
	SIP_FRAME_MESSAGE,	/* one whole message of *frame_len bytes */
	SIP_FRAME_KEEPALIVE,	/* *frame_len bytes of CRLF, NUL or one STUN message */
	SIP_FRAME_MORE,		/* may become a message: at least *frame_len bytes miss */
	SIP_FRAME_FOREIGN,	/* not SIP: TLS, HTTP, junk (H-25, S3-10) */
	SIP_FRAME_TOO_LONG,	/* SIP, but longer than max_len */
};

/**
 * sip_frame_datagram() - is this datagram a SIP message
 * @data: first byte of the payload
 * @len: bytes of payload
 *
 * Looks at a few bytes only: does it begin with a SIP start line. Whether
 * the message is sound is the parser's question.
 *
 * Return: SIP_FRAME_MESSAGE, SIP_FRAME_KEEPALIVE or SIP_FRAME_FOREIGN.
 */
enum sip_frame sip_frame_datagram(const char *data, u32 len);

/**
 * sip_frame_stream() - what comes next in a stream
 * @data: first byte at a message boundary
 * @len: bytes there are
 * @max_len: longest message that is accepted, in bytes (setting max-message)
 * @frame_len: out: see enum sip_frame
 *
 * A stream message without Content-Length has no body (RFC 3261 18.3). Two
 * Content-Length headers that differ, or one that is no number, make the
 * stream SIP_FRAME_FOREIGN: where it goes on cannot be known. A start that
 * can still become SIP ("INV") is SIP_FRAME_MORE.
 *
 * Linear in @len. Any context.
 *
 * Return: see enum sip_frame.
 */
enum sip_frame sip_frame_stream(const char *data, u32 len, u32 max_len,
				u32 *frame_len);

/**
 * sip_frame_opaque() - can nothing in the body need to be changed
 * @data: first byte of a message
 * @len: bytes there are; the body may be missing, or a part of it
 *
 * Return: true if the headers are all there and announce neither a session
 * description nor parts of which one might be it.
 */
bool sip_frame_opaque(const char *data, u32 len);

#endif
