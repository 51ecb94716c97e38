/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sipalg-sync: passes what the module knows of calls to the other router of a pair, by
 * the Redis or Valkey server of this one, of which the other's is a replica.
 *
 *	kernel.c	the module, by generic netlink
 *	store.c		the server
 *	pair.c		active or standby: what goes from the one to the other
 *	control.c	the socket of `sipalg-ctl sync`
 *	config.c	the configuration, and the log
 *	main.c		waits for all of them
 */
#ifndef SYNC_H
#define SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define MOST_KEY	640	/* bytes */

/**
 * struct object - one object as a router tells of it
 * @key: its key
 * @key_len: bytes of it
 * @sequence: of its record
 * @clock: of the sender, in ms, when the record was made
 * @record: its record, or NULL: it has ended
 * @record_len: bytes of it
 */
struct object {
	const void *key;
	size_t key_len;
	uint64_t sequence;
	uint64_t clock;
	const void *record;
	size_t record_len;
};

/* What the module says of itself. */
struct kernel_status {
	bool standby;
	uint32_t epoch;
	uint32_t dirty;
};

/* config.c */
struct config {
	char *redis_address;
	char *redis_password;
	char *redis_tls_ca;
	char *run_directory;
	bool verbose;
};

extern struct config config;

int config_read(const char *path);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same sentence is said once, until another one of its kind is. */
void say_once(const char **last, const char *sentence);
uint64_t clock_ms(void);

/* kernel.c: functions return 0 or -errno */
int kernel_open(void);
int kernel_fd(void);		/* readable: kernel_read() */
int kernel_get(struct kernel_status *status);
int kernel_role(bool standby, uint32_t epoch, bool listen);
int kernel_mark(void);
/* Tells @told of each object that has come; *lost: compare with kernel_dump() */
int kernel_read(void (*told)(const struct object *object), bool *lost);
int kernel_dump(void (*each)(const struct object *object, void *data), void *data);
/* Objects gather in one request, which kernel_flush() sends. */
int kernel_restore(const struct object *object, uint32_t epoch, uint32_t age);
int kernel_flush(uint32_t *failed);

/* store.c: functions return 0, or -1: the connection is lost, and said why */
enum store_state { STORE_AWAY, STORE_REFUSED, STORE_HERE };

struct change {
	struct object object;
	uint32_t epoch;
	uint64_t number;
	bool beat;		/* no object: the sender's clock alone */
};

enum store_state store_state(void);
/* What is wrong with it, in one sentence that has been said; or NULL */
const char *store_trouble(void);
/* What was refused in the former role is no trouble of this one. */
void store_trouble_over(void);
/* 0: it has been there all the time, 1: it is there again, -1: it is not */
int store_connect(void);
int store_fd(void);		/* of the stream; -1: none */
int store_epoch(uint32_t *epoch, uint64_t *clock);
int store_count(uint64_t *count);
int store_each(void (*each)(const struct object *object, void *data), void *data);
/* Sent by store_flush(); 0: written; 1: the server refuses, see store_trouble() */
int store_write(const struct object *object, uint32_t epoch, uint64_t number);
int store_beat(uint32_t epoch, uint64_t number);
int store_flush(void);
int store_remove(const void *key, size_t len);
/* Follows the stream from its present end on; then each readable store_fd() */
int store_follow(void);
int store_read(void (*changed)(const struct change *change));
int store_wait_replica(unsigned int ms);

/* pair.c */
struct pair_status {
	bool standby;
	uint32_t epoch;
	uint64_t behind;
	uint64_t dirty;
	uint64_t records;
	bool connected;
	const char *trouble;	/* or NULL */
};

int pair_begin(void);
void pair_tick(void);		/* each 100 ms */
void pair_kernel(void);		/* kernel_fd() is readable */
void pair_store(void);		/* store_fd() is readable */
void pair_status(struct pair_status *status);
bool pair_is_ready(void);
int pair_promote(void);
int pair_demote(void);
int pair_hand_over(void);

/* control.c */
int control_open(void);
int control_fd(void);
void control_accept(void);
void control_close(void);

#endif
