// SPDX-License-Identifier: GPL-2.0-only
/*
 * Active: what the module tells is written. Standby: what is written is restored.
 *
 * A standby that has missed something, or does not know whether it has, reads all
 * records, and removes from the module what is not among them. So does an active one the
 * other way round: records that the module has no object for are removed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sync.h"

#define BEAT		1000	/* ms */
#define SWEEP_AFTER	500	/* ms after a promotion: until then all is told once more */

static struct {
	bool standby;
	uint32_t epoch;
	uint64_t number;	/* of the newest change, written or read */
	bool in_step;		/* standby: all records were read, and all changes since */
	bool refused;		/* active: the server does not take what is written */
	bool unwritten;		/* active: something could not be written */
	bool outvoted;		/* another router was promoted later */
	bool handed_over;
	uint64_t sweep_at;	/* 0: not at all */
	uint64_t next_beat;
	int64_t offset;		/* the other's clock is ahead of ours by that */
	bool offset_known;
	uint64_t failed;
	const char *trouble;
} pair = { .standby = true };

/* Keys, sorted when they are looked for. */
struct keys {
	struct key {
		char *bytes;
		size_t len;
		uint64_t sequence;
	} *key;
	size_t count, room;
};

static void keys_add(const struct object *object, void *data)
{
	struct keys *keys = data;
	struct key *key;

	if (keys->count == keys->room) {
		keys->room = keys->room ? 2 * keys->room : 1024;
		keys->key = realloc(keys->key, keys->room * sizeof(*keys->key));
		if (!keys->key)
			abort();
	}
	key = &keys->key[keys->count++];
	key->bytes = malloc(object->key_len ?: 1);
	if (!key->bytes)
		abort();
	memcpy(key->bytes, object->key, object->key_len);
	key->len = object->key_len;
	key->sequence = object->sequence;
}

static int keys_compare(const void *a, const void *b)
{
	const struct key *one = a, *other = b;

	if (one->len != other->len)
		return one->len < other->len ? -1 : 1;
	return memcmp(one->bytes, other->bytes, one->len);
}

static void keys_sort(struct keys *keys)
{
	if (keys->count)
		qsort(keys->key, keys->count, sizeof(*keys->key), keys_compare);
}

static bool keys_have(const struct keys *keys, const struct key *key)
{
	return keys->count && bsearch(key, keys->key, keys->count, sizeof(*key), keys_compare);
}

static void keys_free(struct keys *keys)
{
	while (keys->count)
		free(keys->key[--keys->count].bytes);
	free(keys->key);
}

/* All keys of the module; it may have changed underneath. */
static int keys_of_kernel(struct keys *keys)
{
	int err, tries = 5;

	do {
		keys_free(keys);
		memset(keys, 0, sizeof(*keys));
		err = kernel_dump(keys_add, keys);
	} while (err == -EINTR && tries--);
	keys_sort(keys);
	return err;
}

static uint32_t age_of(uint64_t clock)
{
	int64_t age = (int64_t)(clock_ms() + pair.offset) - (int64_t)clock;

	if (!pair.offset_known || age < 0)
		return 0;
	return age > UINT32_MAX ? UINT32_MAX : age;
}

static void trouble(const char *sentence)
{
	say_once(&pair.trouble, sentence);
}

static void flush_kernel(void)
{
	uint32_t failed;
	int err = kernel_flush(&failed);

	pair.failed += failed;
	if (err == -ESTALE)
		pair.in_step = false;
	else if (err)
		trouble("the module does not take the records: see dmesg");
	else if (failed)
		trouble("records cannot be restored: another version of the module, or no memory");
}

/* A record that is read: they are restored in the order in which they need each other. */
struct reading {
	char kind;
	struct keys *keys;
};

static void restore_kind(const struct object *object, void *data)
{
	const struct reading *reading = data;

	if (!object->key_len || *(const char *)object->key != reading->kind)
		return;
	keys_add(object, reading->keys);
	kernel_restore(object, pair.epoch, age_of(object->clock));
}

/* What the module has and nobody else. */
static int remove_others(struct keys *records)
{
	struct keys own = {};
	size_t i;
	int err = keys_of_kernel(&own);

	keys_sort(records);
	for (i = 0; !err && i < own.count; i++) {
		const struct key *key = &own.key[i];
		const struct object gone = {
			.key = key->bytes,
			.key_len = key->len,
			.sequence = key->sequence + 1,
		};

		if (*key->bytes != 'k' && !keys_have(records, key))
			kernel_restore(&gone, pair.epoch, 0);
	}
	keys_free(&own);
	return err;
}

static int read_all(struct keys *records)
{
	static const char kinds[] = "kmrct";
	struct reading reading = { .keys = records };
	size_t i;

	for (i = 0; kinds[i]; i++) {
		reading.kind = kinds[i];
		if (store_each(restore_kind, &reading))
			return -1;
		flush_kernel();
	}
	return 0;
}

static void learn_clock(uint64_t clock)
{
	int64_t offset = (int64_t)clock - (int64_t)clock_ms();

	/* what comes late shows the other's clock as if it were behind */
	if (!pair.offset_known || offset > pair.offset)
		pair.offset = offset;
	pair.offset_known = true;
}

static void take_epoch(uint32_t epoch)
{
	if (epoch > pair.epoch) {
		pair.epoch = epoch;
		pair.offset_known = false;
	}
}

/* From the stream's end on, then all there is: nothing is missed between the two. */
static void resynchronise(void)
{
	struct keys records = {};
	uint64_t clock;
	uint32_t epoch;

	if (store_epoch(&epoch, &clock) || store_follow())
		return;
	take_epoch(epoch);
	if (clock)
		learn_clock(clock);
	pair.number = 0;
	pair.in_step = true;
	/* without any record nobody has been active: what is here stays */
	if (read_all(&records) || (records.count && remove_others(&records)))
		pair.in_step = false;
	flush_kernel();
	keys_free(&records);
	if (pair.in_step)
		say("in step: all records are restored");
}

static void changed(const struct change *change)
{
	if (change->epoch < pair.epoch)
		return;
	if (change->epoch > pair.epoch ||
	    (pair.number && change->number != pair.number + 1))
		pair.in_step = false;
	pair.number = change->number;
	if (change->beat)
		learn_clock(change->object.clock);
	else if (pair.in_step)
		kernel_restore(&change->object, pair.epoch, age_of(change->object.clock));
}

void pair_store(void)
{
	if (store_read(changed)) {
		pair.in_step = false;
		return;
	}
	if (pair.standby)
		flush_kernel();
}

static void told(const struct object *object)
{
	if (pair.standby)
		return;
	if (store_write(object, pair.epoch, ++pair.number))
		pair.unwritten = true;
}

/* What could not be written is told once more, when it can be. */
static void flush_store(void)
{
	int err = store_flush();

	pair.refused = err > 0;
	if (err)
		pair.unwritten = true;
}

void pair_kernel(void)
{
	bool lost;

	if (kernel_read(told, &lost))
		trouble("the module is not there any more");
	if (pair.standby)
		return;
	if (lost)
		pair.unwritten = true;
	flush_store();
}

struct sweeping {
	struct keys own;
	struct keys stale;
};

static void note_stale(const struct object *object, void *data)
{
	struct sweeping *sweeping = data;
	const struct key key = { .bytes = (char *)object->key, .len = object->key_len };

	if (!keys_have(&sweeping->own, &key))
		keys_add(object, &sweeping->stale);
}

/* Records that this router has no object for. Return: false: not all are known. */
static bool sweep(void)
{
	struct sweeping sweeping = {};
	bool known = !keys_of_kernel(&sweeping.own) && !store_each(note_stale, &sweeping);
	size_t i;

	if (known)
		for (i = 0; i < sweeping.stale.count; i++) {
			const struct object gone = {
				.key = sweeping.stale.key[i].bytes,
				.key_len = sweeping.stale.key[i].len,
				.sequence = sweeping.stale.key[i].sequence + 1,
			};

			store_write(&gone, pair.epoch, ++pair.number);
		}
	flush_store();
	keys_free(&sweeping.own);
	keys_free(&sweeping.stale);
	return known;
}

static void tell_all(void)
{
	pair.unwritten = false;
	pair.sweep_at = clock_ms() + SWEEP_AFTER;
	if (kernel_mark())
		trouble("the module is not there any more");
}

/* Two are active, and the other was promoted later: this one waits for its demotion. */
static void look_for_rival(void)
{
	uint64_t clock;
	uint32_t epoch;

	if (store_epoch(&epoch, &clock))
		return;
	if (epoch > pair.epoch && !pair.outvoted) {
		pair.outvoted = true;
		trouble("another router has been promoted later: this one is to be demoted");
	}
}

static void beat(void)
{
	pair.next_beat = clock_ms() + BEAT;
	look_for_rival();
	if (pair.outvoted || store_beat(pair.epoch, ++pair.number))
		return;
	flush_store();
	if (pair.refused)
		return;
	if (pair.unwritten && store_state() == STORE_HERE)
		tell_all();
	else
		trouble(NULL);
}

void pair_tick(void)
{
	int connected = store_connect();

	/* a server that was away, however short, may have nothing any more */
	if (connected) {
		pair.in_step = false;
		pair.unwritten = !pair.standby;
	}
	if (connected < 0)
		return;
	if (pair.standby) {
		if (!pair.in_step)
			resynchronise();
		return;
	}
	if (clock_ms() >= pair.next_beat)
		beat();
	if (pair.sweep_at && clock_ms() >= pair.sweep_at)
		pair.sweep_at = sweep() ? 0 : clock_ms() + SWEEP_AFTER;
}

int pair_begin(void)
{
	struct kernel_status status;
	int err = kernel_get(&status);

	if (err)
		return err;
	pair.epoch = status.epoch;
	return kernel_role(true, pair.epoch, false);
}

int pair_promote(void)
{
	uint64_t clock;
	uint32_t epoch;
	int err;

	if (!pair.standby)
		return 0;
	if (store_state() == STORE_HERE && !store_epoch(&epoch, &clock))
		take_epoch(epoch);
	err = kernel_role(false, pair.epoch + 1, true);
	if (err)
		return err;
	pair.standby = false;
	pair.epoch++;
	pair.number = 0;
	pair.outvoted = false;
	pair.handed_over = false;
	pair.next_beat = 0;
	trouble(NULL);
	store_trouble_over();
	tell_all();
	say("active, epoch %u", pair.epoch);
	return 0;
}

int pair_demote(void)
{
	int err = kernel_role(true, pair.epoch, false);

	if (err)
		return err;
	if (!pair.standby)
		say("standby");
	pair.standby = true;
	pair.handed_over = false;
	pair.outvoted = false;
	pair.in_step = false;
	pair.unwritten = false;
	pair.sweep_at = 0;
	trouble(NULL);
	store_trouble_over();
	return 0;
}

int pair_hand_over(void)
{
	struct kernel_status status;
	int tries = 50;

	if (pair.standby)
		return -EALREADY;
	do {
		pair_kernel();
		if (kernel_get(&status))
			return -EIO;
	} while (status.dirty && tries--);
	if (status.dirty || pair.unwritten || store_wait_replica(5000))
		return -ETIMEDOUT;
	pair.handed_over = true;
	return 0;
}

void pair_status(struct pair_status *status)
{
	struct kernel_status kernel = {};

	memset(status, 0, sizeof(*status));
	kernel_get(&kernel);
	status->standby = pair.standby;
	status->epoch = pair.epoch;
	status->dirty = kernel.dirty;
	status->connected = store_state() == STORE_HERE;
	if (status->connected)
		store_count(&status->records);
	status->behind = pair.standby ? !pair.in_step : kernel.dirty + pair.unwritten;
	status->trouble = store_trouble() ?: pair.trouble;
}

bool pair_is_ready(void)
{
	if (pair.handed_over || pair.outvoted || store_state() != STORE_HERE)
		return false;
	return !pair.standby || pair.in_step;
}
