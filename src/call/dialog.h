/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dialogs of a call: one for each tag of a callee (RFC 3261 12, forking S3-56).
 */
#ifndef SIPALG_DIALOG_H
#define SIPALG_DIALOG_H

#include "sip/msg.h"

struct sipalg_call;
struct sipalg_dialog;

/**
 * sipalg_dialog_find() - find the dialog of a message by the callee's tag
 * @call: locked
 * @msg: the message
 * @tag: the tag's span; empty: none
 *
 * Return: the dialog, or NULL.
 */
struct sipalg_dialog *sipalg_dialog_find(const struct sipalg_call *call,
					 const struct sip_msg *msg,
					 struct sip_span tag);

/**
 * sipalg_dialog_next() - which dialog would a message open?
 * @call: locked
 * @msg: the message
 * @tag: the callee's tag, of which there is no dialog yet
 *
 * A callee without a tag has one dialog, opened by its 2xx only (RFC 3261
 * 12.1.2). If there are too many dialogs, a 2xx replaces one that only rang.
 *
 * Return: its number, or 0: none.
 */
u16 sipalg_dialog_next(const struct sipalg_call *call, const struct sip_msg *msg,
		       struct sip_span tag);

/**
 * sipalg_dialog_open() - open it
 * @call: locked
 * @msg: the message
 * @tag: the callee's tag
 *
 * Return: the dialog, its number is that of sipalg_dialog_next(); or NULL: none, or
 * no memory.
 */
struct sipalg_dialog *sipalg_dialog_open(struct sipalg_call *call,
					 const struct sip_msg *msg,
					 struct sip_span tag);

/**
 * sipalg_dialog_restore() - a dialog of a restored call
 * @call: locked
 * @from: all of it but its tag
 * @tag: the tag, &sipalg_dialog.tag_len bytes
 *
 * Return: false: no memory.
 */
bool sipalg_dialog_restore(struct sipalg_call *call,
			   const struct sipalg_dialog *from, const char *tag);

/**
 * sipalg_dialog_close() - the message that has opened a dialog does not leave
 * @call: locked
 * @dialog: that dialog; who has given way to it is gone
 */
void sipalg_dialog_close(struct sipalg_call *call, struct sipalg_dialog *dialog);

/**
 * sipalg_dialogs_free() - free all
 * @call: locked, or no longer referenced elsewhere
 */
void sipalg_dialogs_free(struct sipalg_call *call);

#endif
