/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Framing: where a message begins and ends.
 *
 * A datagram is a message (RFC 3261 18.3). In a stream Content-Length gives the
 * end, and line ends may stand between messages (RFC 5626 3.5.1).
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
 * sip_frame_datagram() - classify a datagram
 * @data: first byte of the payload
 * @len: bytes of payload
 *
 * Tests only whether it begins with a SIP start line; the parser checks the
 * rest.
 *
 * Return: SIP_FRAME_MESSAGE, SIP_FRAME_KEEPALIVE or SIP_FRAME_FOREIGN.
 */
enum sip_frame sip_frame_datagram(const char *data, u32 len);

/**
 * sip_frame_stream() - find the next message of a stream
 * @data: first byte at a message boundary
 * @len: bytes there are
 * @max_len: longest message that is accepted, in bytes (setting max-message)
 * @frame_len: out: see enum sip_frame
 *
 * A stream message without Content-Length has no body (RFC 3261 18.3). Two
 * Content-Length headers that differ, or one that is no number, make the
 * stream SIP_FRAME_FOREIGN: the next boundary cannot be known. A start that
 * can still become SIP ("INV") is SIP_FRAME_MORE.
 *
 * Linear in @len. Any context.
 *
 * Return: see enum sip_frame.
 */
enum sip_frame sip_frame_stream(const char *data, u32 len, u32 max_len,
				u32 *frame_len);

/**
 * sip_frame_expected() - is this beginning one that only SIP has
 * @data: first byte of what sip_frame_stream() has called SIP_FRAME_MORE
 * @len: bytes there are
 *
 * Return: true if it may be waited for the rest at its sender's expense: there
 * is a start line of SIP, or the beginning of one with a method that is known.
 */
bool sip_frame_expected(const char *data, u32 len);

/**
 * sip_frame_opaque() - can nothing in the body need to be changed
 * @data: first byte of a message
 * @len: bytes there are; the body may be missing, or a part of it
 *
 * Return: true if the headers are complete and announce neither a session
 * description nor a multipart body.
 */
bool sip_frame_opaque(const char *data, u32 len);

#endif
