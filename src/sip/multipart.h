/* SPDX-License-Identifier: GPL-2.0-only */
/* Where in a body the session description is. */
#ifndef SIPALG_SIP_MULTIPART_H
#define SIPALG_SIP_MULTIPART_H

#include "sip/msg.h"

/**
 * sip_body_find_sdp() - find the session description in a body
 * @msg: the message; &sip_msg.body says where the body stands
 * @type: first byte of the value of Content-Type
 * @type_end: behind its last byte
 *
 * The body itself if it is application/sdp; of a multipart body the first
 * part of that type, nested multiparts included (RFC 2046 5.1, RFC 5621, H-4).
 * A part with a transfer encoding (base64, quoted-printable) is not text and
 * so not found. Linear in the length of the body. Any context.
 *
 * Return: where it stands, empty if there is none.
 */
struct sip_span sip_body_find_sdp(const struct sip_msg *msg, const char *type,
				  const char *type_end);

#endif
