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
 * struct sip_frame_scan - how far the headers of a stream message are known
 * @line: offset of the line that is being looked at
 * @at: it does not end before this offset
 * @body: offset behind the blank line; 0: that has not come yet
 * @length: what Content-Length says
 * @has_length: there is one
 * @bad_length: there are two that differ, or it is no number
 * @is_sip: the start line is there and one of SIP's
 *
 * All zero at a message boundary.
 */
struct sip_frame_scan {
	u32 line;
	u32 at;
	u32 body;
	u32 length;
	bool has_length;
	bool bad_length;
	bool is_sip;
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
 * sip_frame_headers() - look for the end of the headers, from where it stopped
 * @data: first byte at a message boundary
 * @len: bytes there are, no fewer than the last time
 * @scan: in and out
 *
 * However many pieces a message comes in, each byte is looked at once.
 *
 * Return: true if the blank line is there.
 */
bool sip_frame_headers(const char *data, u32 len, struct sip_frame_scan *scan);

/* sip_frame_stream() of a message of which a part has been looked at already. */
enum sip_frame sip_frame_resume(const char *data, u32 len, u32 max_len,
				struct sip_frame_scan *scan, u32 *frame_len);

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
