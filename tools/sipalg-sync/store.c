// SPDX-License-Identifier: GPL-2.0-only
/*
 * The server: a hash of records by their keys, and a stream of what has changed.
 *
 *	sipalg:records	key -> sequence, clock (8 bytes each), record
 *	sipalg:changes	e epoch, n number; k key, s sequence, and v as above unless it has
 *			ended; or h, the clock of the sender
 *	sipalg:epoch	the newest promotion, and the clock of its last beat
 *
 * Nothing of it is for a disk: Call-IDs are personal data.
 */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include "sync.h"

#if HIREDIS_MAJOR >= 1
#include <hiredis/hiredis_ssl.h>
#endif

#define RECORDS		"sipalg:records"
#define CHANGES		"sipalg:changes"
#define EPOCH		"sipalg:epoch"
#define STREAM_LENGTH	"20000"
#define HEAD		16	/* bytes before a record */
#define MOST_VALUE	(64 << 10)
#define PATIENCE	1	/* seconds */

static redisContext *commands, *stream;
static unsigned int pending;	/* replies to commands that were sent together */
static enum store_state state;
static char last_id[64];
static const char *said;

enum store_state store_state(void)
{
	return state;
}

const char *store_trouble(void)
{
	return said;
}

void store_trouble_over(void)
{
	if (state == STORE_HERE)
		said = NULL;
}

static void away(enum store_state why, const char *sentence)
{
	if (commands)
		redisFree(commands);
	if (stream)
		redisFree(stream);
	commands = NULL;
	stream = NULL;
	pending = 0;
	state = why;
	say_once(&said, sentence);
}

static int lost(void)
{
	away(STORE_AWAY, "the server does not answer any more");
	return -1;
}

static redisContext *connect_to(const char *address)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
	char host[256];
	const char *port;

	if (!strncmp(address, "unix:", 5))
		return redisConnectUnixWithTimeout(address + 5, patience);
	port = strrchr(address, ':');
	if (!port || port - address >= (long)sizeof(host))
		return NULL;
	snprintf(host, sizeof(host), "%.*s", (int)(port - address), address);
	if (host[0] == '[') {	/* IPv6 */
		memmove(host, host + 1, strlen(host));
		host[strcspn(host, "]")] = 0;
	}
	return redisConnectWithTimeout(host, atoi(port + 1), patience);
}

#if HIREDIS_MAJOR >= 1
static bool encrypt(redisContext *context)
{
	static redisSSLContext *tls;

	if (!config.redis_tls_ca)
		return true;
	if (!tls) {
		redisInitOpenSSL();
		tls = redisCreateSSLContext(config.redis_tls_ca, NULL, NULL, NULL, NULL,
					    NULL);
	}
	return tls && redisInitiateSSLWithContext(context, tls) == REDIS_OK;
}
#else
static bool encrypt(redisContext *context)
{
	(void)context;
	return !config.redis_tls_ca;
}
#endif

static enum store_state judge(redisReply *reply)
{
	enum store_state judged = STORE_HERE;

	if (!reply)
		return STORE_AWAY;
	/* one that loads what its master has sent it is there in a moment */
	if (reply->type == REDIS_REPLY_ERROR)
		judged = strncmp(reply->str, "LOADING", 7) ? STORE_REFUSED : STORE_AWAY;
	freeReplyObject(reply);
	return judged;
}

/* A wrong password, or none where one is wanted, shows here. */
static enum store_state login(redisContext *context)
{
	enum store_state judged = STORE_HERE;

	if (config.redis_password)
		judged = judge(redisCommand(context, "AUTH %s", config.redis_password));
	return judged == STORE_HERE ? judge(redisCommand(context, "PING")) : judged;
}

static redisContext *open_one(void)
{
	const struct timeval patience = { .tv_sec = PATIENCE };
	redisContext *context = connect_to(config.redis_address);
	enum store_state judged;

	if (!context || context->err) {
		if (context)
			redisFree(context);
		away(STORE_AWAY, "the server is not there: see redis-address, and systemctl status redis-server");
		return NULL;
	}
	redisSetTimeout(context, patience);
	if (!encrypt(context)) {
		redisFree(context);
		away(STORE_REFUSED, "the server's TLS does not fit redis-tls-ca, or this build's hiredis has none");
		return NULL;
	}
	judged = login(context);
	if (judged == STORE_HERE)
		return context;
	redisFree(context);
	away(judged, judged == STORE_REFUSED ? "the server refuses: see redis-password" :
	     "the server is not ready yet");
	return NULL;
}

int store_connect(void)
{
	if (state == STORE_HERE)
		return 0;
	commands = open_one();
	if (!commands)
		return -1;
	stream = open_one();
	if (!stream)
		return -1;
	state = STORE_HERE;
	said = NULL;
	return 1;
}

int store_fd(void)
{
	return stream ? stream->fd : -1;
}

/* NULL: the connection is lost. An error of the server's is a reply. */
static redisReply *ask(int argc, const char **argv, const size_t *len)
{
	redisReply *reply;

	if (!commands || store_flush() < 0)
		return NULL;
	reply = redisCommandArgv(commands, argc, argv, len);
	if (!reply)
		lost();
	return reply;
}

static redisReply *ask_words(const char *one, const char *two)
{
	const char *argv[] = { one, two };

	return ask(2, argv, NULL);
}

int store_epoch(uint32_t *epoch, uint64_t *clock)
{
	redisReply *reply = ask_words("GET", EPOCH);

	*epoch = 0;
	*clock = 0;
	if (!reply)
		return -1;
	if (reply->type == REDIS_REPLY_STRING) {
		char *end;

		*epoch = strtoul(reply->str, &end, 10);
		*clock = strtoull(end, NULL, 10);
	}
	freeReplyObject(reply);
	return 0;
}

int store_count(uint64_t *count)
{
	redisReply *reply = ask_words("HLEN", RECORDS);

	*count = 0;
	if (!reply)
		return -1;
	if (reply->type == REDIS_REPLY_INTEGER)
		*count = reply->integer;
	freeReplyObject(reply);
	return 0;
}

static bool read_value(const redisReply *value, struct object *object)
{
	if (value->type != REDIS_REPLY_STRING || value->len <= HEAD)
		return false;
	memcpy(&object->sequence, value->str, 8);
	memcpy(&object->clock, value->str + 8, 8);
	object->record = value->str + HEAD;
	object->record_len = value->len - HEAD;
	return true;
}

/* Return: the cursor of the next part, or -1. */
static long long each_part(long long cursor, void (*each)(const struct object *object, void *data),
			   void *data)
{
	char text[32];
	const char *argv[] = { "HSCAN", RECORDS, text, "COUNT", "1000" };
	redisReply *reply;
	size_t i;

	snprintf(text, sizeof(text), "%lld", cursor);
	reply = ask(ARRAY_SIZE(argv), argv, NULL);
	if (!reply)
		return -1;
	cursor = 0;
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
		cursor = strtoll(reply->element[0]->str, NULL, 10);
		for (i = 0; i + 1 < reply->element[1]->elements; i += 2) {
			const redisReply *key = reply->element[1]->element[i];
			struct object object = { .key = key->str, .key_len = key->len };

			if (read_value(reply->element[1]->element[i + 1], &object))
				each(&object, data);
		}
	}
	freeReplyObject(reply);
	return cursor;
}

int store_each(void (*each)(const struct object *object, void *data), void *data)
{
	long long cursor = 0;

	do {
		cursor = each_part(cursor, each, data);
	} while (cursor > 0);
	return cursor;
}

static void send_command(int argc, const char **argv, const size_t *len)
{
	redisAppendCommandArgv(commands, argc, argv, len);
	pending++;
}

static const char *refusal(const char *error)
{
	if (!strncmp(error, "READONLY", 8))
		return "the server is a replica: the notify script says REPLICAOF NO ONE before it promotes";
	if (!strncmp(error, "OOM", 3))
		return "the server is full: see maxmemory";
	return "the server refuses to write";
}

int store_flush(void)
{
	const char *refused = NULL;
	redisReply *reply;

	if (!pending)
		return 0;
	for (; pending; pending--) {
		if (redisGetReply(commands, (void **)&reply) != REDIS_OK)
			return lost();
		if (reply->type == REDIS_REPLY_ERROR)
			refused = refusal(reply->str);
		freeReplyObject(reply);
	}
	say_once(&said, refused);
	return !!refused;
}

static void write_record(const struct object *object, const char *value, size_t len)
{
	const char *set[] = { "HSET", RECORDS, object->key, value };
	const char *del[] = { "HDEL", RECORDS, object->key };
	size_t lens[] = { 4, strlen(RECORDS), object->key_len, len };

	if (value)
		send_command(4, set, lens);
	else
		send_command(3, del, lens);
}

static void write_change(const struct object *object, uint32_t epoch, uint64_t number,
			 const char *value, size_t value_len)
{
	char e[16], n[32], s[32];
	const char *argv[] = { "XADD", CHANGES, "MAXLEN", "~", STREAM_LENGTH, "*", "e", e,
			       "n", n, "k", object->key, "s", s, "v", value };
	size_t len[ARRAY_SIZE(argv)], i, count = value ? ARRAY_SIZE(argv) : ARRAY_SIZE(argv) - 2;

	snprintf(e, sizeof(e), "%u", epoch);
	snprintf(n, sizeof(n), "%llu", (unsigned long long)number);
	snprintf(s, sizeof(s), "%llu", (unsigned long long)object->sequence);
	for (i = 0; i < count; i++)
		len[i] = argv[i] == value ? value_len :
			 argv[i] == (const char *)object->key ? object->key_len : strlen(argv[i]);
	send_command(count, argv, len);
}

int store_write(const struct object *object, uint32_t epoch, uint64_t number)
{
	static char value[MOST_VALUE];
	size_t len = object->record_len + HEAD;

	if (!commands)
		return -1;
	if (len > sizeof(value))
		return 0;
	memcpy(value, &object->sequence, 8);
	memcpy(value + 8, &object->clock, 8);
	if (object->record)
		memcpy(value + HEAD, object->record, object->record_len);
	write_record(object, object->record ? value : NULL, len);
	write_change(object, epoch, number, object->record ? value : NULL, len);
	return 0;
}

int store_beat(uint32_t epoch, uint64_t number)
{
	char e[16], n[32], h[32], both[64];
	const char *set[] = { "SET", EPOCH, both };
	const char *add[] = { "XADD", CHANGES, "MAXLEN", "~", STREAM_LENGTH, "*", "e", e,
			      "n", n, "h", h };

	if (!commands)
		return -1;
	snprintf(e, sizeof(e), "%u", epoch);
	snprintf(n, sizeof(n), "%llu", (unsigned long long)number);
	snprintf(h, sizeof(h), "%llu", (unsigned long long)clock_ms());
	snprintf(both, sizeof(both), "%s %s", e, h);
	send_command(ARRAY_SIZE(set), set, NULL);
	send_command(ARRAY_SIZE(add), add, NULL);
	return 0;
}

int store_remove(const void *key, size_t len)
{
	const char *argv[] = { "HDEL", RECORDS, key };
	const size_t lens[] = { 4, strlen(RECORDS), len };

	if (!commands)
		return -1;
	send_command(ARRAY_SIZE(argv), argv, lens);
	return 0;
}

int store_wait_replica(unsigned int ms)
{
	char text[16];
	const char *argv[] = { "WAIT", "1", text };
	const struct timeval longer = { .tv_sec = ms / 1000 + PATIENCE };
	const struct timeval patience = { .tv_sec = PATIENCE };
	redisReply *reply;
	int count = -1;

	if (!commands)
		return -1;
	snprintf(text, sizeof(text), "%u", ms);
	redisSetTimeout(commands, longer);
	reply = ask(ARRAY_SIZE(argv), argv, NULL);
	if (!reply)
		return -1;
	redisSetTimeout(commands, patience);
	if (reply->type == REDIS_REPLY_INTEGER)
		count = reply->integer;
	freeReplyObject(reply);
	return count > 0 ? 0 : -1;
}

static int read_on(void)
{
	int done;

	if (redisAppendCommand(stream, "XREAD COUNT 1000 BLOCK 0 STREAMS " CHANGES " %s",
			       last_id) != REDIS_OK)
		return lost();
	do {
		if (redisBufferWrite(stream, &done) != REDIS_OK)
			return lost();
	} while (!done);
	return 0;
}

int store_follow(void)
{
	const char *argv[] = { "XREVRANGE", CHANGES, "+", "-", "COUNT", "1" };
	redisReply *reply = ask(ARRAY_SIZE(argv), argv, NULL);

	if (!reply)
		return -1;
	snprintf(last_id, sizeof(last_id), "0-0");
	if (reply->type == REDIS_REPLY_ARRAY && reply->elements)
		snprintf(last_id, sizeof(last_id), "%s",
			 reply->element[0]->element[0]->str);
	freeReplyObject(reply);
	/* a question that is still open on the old connection would be answered there */
	redisFree(stream);
	stream = NULL;
	stream = open_one();
	return stream ? read_on() : -1;
}

static void read_pair(struct change *change, const char *name, const redisReply *value)
{
	switch (*name) {
	case 'e':
		change->epoch = strtoul(value->str, NULL, 10);
		break;
	case 'n':
		change->number = strtoull(value->str, NULL, 10);
		break;
	case 'k':
		change->object.key = value->str;
		change->object.key_len = value->len;
		break;
	case 's':
		change->object.sequence = strtoull(value->str, NULL, 10);
		break;
	case 'v':
		read_value(value, &change->object);
		break;
	case 'h':
		change->object.clock = strtoull(value->str, NULL, 10);
		change->beat = true;
		break;
	}
}

static void read_entry(const redisReply *entry, void (*changed)(const struct change *change))
{
	const redisReply *pairs = entry->element[1];
	struct change change = {};
	size_t i;

	snprintf(last_id, sizeof(last_id), "%s", entry->element[0]->str);
	for (i = 0; i + 1 < pairs->elements; i += 2)
		read_pair(&change, pairs->element[i]->str, pairs->element[i + 1]);
	if (change.beat || change.object.key)
		changed(&change);
}

static void read_entries(const redisReply *reply, void (*changed)(const struct change *change))
{
	const redisReply *entries;
	size_t i;

	if (reply->type != REDIS_REPLY_ARRAY || !reply->elements)
		return;
	entries = reply->element[0]->element[1];
	for (i = 0; i < entries->elements; i++)
		read_entry(entries->element[i], changed);
}

int store_read(void (*changed)(const struct change *change))
{
	redisReply *reply;

	if (redisBufferRead(stream) != REDIS_OK)
		return lost();
	for (;;) {
		if (redisGetReplyFromReader(stream, (void **)&reply) != REDIS_OK)
			return lost();
		if (!reply)
			return 0;
		read_entries(reply, changed);
		freeReplyObject(reply);
		if (read_on())
			return -1;
	}
}
