// SPDX-License-Identifier: GPL-2.0-only
/* A list of dialogs, in the order in which they were opened. */
#include <linux/bitops.h>
#include <linux/slab.h>
#include "call/dialog.h"
#include "core/call.h"
#include "core/net.h"
#include "media/media.h"
#include "sip/text.h"

static void dialog_free(struct sipalg_call *call, struct sipalg_dialog *dialog)
{
	list_del(&dialog->list);
	atomic_long_sub(sizeof(*dialog) + dialog->tag_len, &call->sn->memory);
	kfree(dialog);
}

/* All but its tag is 0; the caller puts it into the list. */
static struct sipalg_dialog *dialog_alloc(struct sipalg_call *call,
					  const char *tag, u16 len)
{
	struct sipalg_dialog *dialog = kzalloc(sizeof(*dialog) + len, GFP_ATOMIC);

	if (!dialog)
		return NULL;
	dialog->tag_len = len;
	memcpy(dialog->tag, tag, len);
	atomic_long_add(sizeof(*dialog) + len, &call->sn->memory);
	return dialog;
}

void sipalg_dialogs_free(struct sipalg_call *call)
{
	struct sipalg_dialog *dialog, *next;

	list_for_each_entry_safe(dialog, next, &call->dialogs, list)
		dialog_free(call, dialog);
}

struct sipalg_dialog *sipalg_dialog_find(const struct sipalg_call *call,
					 const struct sip_msg *msg,
					 struct sip_span tag)
{
	const char *text = sip_span_ptr(msg, tag);
	struct sipalg_dialog *dialog;

	list_for_each_entry(dialog, &call->dialogs, list)
		if (dialog->tag_len == tag.len &&
		    text_exact(dialog->tag, text, tag.len))
			return dialog;
	return NULL;
}

/* From 1, the lowest that no dialog has; beyond SIPALG_MAX_DIALOGS: none is left. */
static u16 unused_number(const struct sipalg_call *call)
{
	const struct sipalg_dialog *dialog;
	unsigned long used = BIT(0);

	BUILD_BUG_ON(SIPALG_MAX_DIALOGS > 30);
	list_for_each_entry(dialog, &call->dialogs, list)
		used |= BIT(dialog->fork);
	return ffz(used);
}

static struct sipalg_dialog *first_ringing(const struct sipalg_call *call)
{
	struct sipalg_dialog *dialog;

	list_for_each_entry(dialog, &call->dialogs, list)
		if (!dialog->confirmed)
			return dialog;
	return NULL;
}

u16 sipalg_dialog_next(const struct sipalg_call *call, const struct sip_msg *msg,
		       struct sip_span tag)
{
	const struct sipalg_dialog *replaced;
	bool answered = msg->status / 100 == 2;
	u16 fork;

	if (tag.len > SIPALG_MAX_TAG || (!tag.len && !answered))
		return 0;
	fork = unused_number(call);
	if (fork <= SIPALG_MAX_DIALOGS)
		return fork;
	replaced = answered ? first_ringing(call) : NULL;
	return replaced ? replaced->fork : 0;
}

struct sipalg_dialog *sipalg_dialog_open(struct sipalg_call *call,
					 const struct sip_msg *msg,
					 struct sip_span tag)
{
	u16 fork = sipalg_dialog_next(call, msg, tag);
	struct sipalg_dialog *dialog;

	dialog = fork ? dialog_alloc(call, sip_span_ptr(msg, tag), tag.len) : NULL;
	if (!dialog)
		return NULL;
	if (unused_number(call) != fork) {
		sipalg_media_forget(call, fork);
		dialog_free(call, first_ringing(call));
	}
	dialog->fork = fork;
	list_add_tail(&dialog->list, &call->dialogs);
	return dialog;
}

bool sipalg_dialog_restore(struct sipalg_call *call,
			   const struct sipalg_dialog *from, const char *tag)
{
	struct sipalg_dialog *dialog = dialog_alloc(call, tag, from->tag_len);

	if (!dialog)
		return false;
	dialog->words = from->words;
	dialog->shorts = from->shorts;
	dialog->bytes = from->bytes;
	list_add_tail(&dialog->list, &call->dialogs);
	return true;
}

void sipalg_dialog_close(struct sipalg_call *call, struct sipalg_dialog *dialog)
{
	dialog_free(call, dialog);
}
