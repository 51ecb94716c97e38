// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data races within the module. The compiler tells of each access to memory
 * (-fsanitize=thread); at some of them one processor waits for a moment, and
 * whoever touches the same bytes meanwhile has raced with it, unless both only
 * read or both are marked as racing (READ_ONCE() and its like). That is how the
 * kernel's KCSAN works; this sees our own functions alone, but in any kernel
 * of two processors, at their full speed.
 */
#include <linux/compiler.h>
#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/printk.h>
#include <linux/random.h>
#include <linux/sched/task_stack.h>
#include <linux/spinlock.h>

#define WATCHES		16	/* processors, and what interrupts them */
#define MOMENT		100	/* microseconds, at most */
#define PLACES		4096	/* in the code, as far as they are told apart */
#define REPORTS		128	/* different ones; then all has been said */

/**
 * struct access - one access of the module
 * @addr: its first byte
 * @size: how many
 * @write: not only a read
 * @marked: may race with others that are marked
 * @place: the instruction behind it
 */
struct access {
	unsigned long addr;
	unsigned long size;
	bool write;
	bool marked;
	unsigned long place;
};

/**
 * struct watch - somebody waits to see who else comes
 * @owner: the waiting access, its address set last and cleared first; 0: none
 * @taken: the place is in use
 * @met: somebody came, and is writing down who
 * @said: @other is complete
 * @other: who came
 */
struct watch {
	struct access owner;
	int taken;
	int met;
	int said;
	struct access other;
};

static struct watch watches[WATCHES];
static unsigned long watched[PLACES];
static unsigned long reported[REPORTS][2];
static DEFINE_SPINLOCK(reported_lock);

static bool collide(const struct access *a, const struct access *b)
{
	return a->addr < b->addr + b->size && b->addr < a->addr + a->size &&
	       (a->write || b->write) && !(a->marked && b->marked);
}

/* Once for each pair of places. */
static bool is_new(unsigned long a, unsigned long b)
{
	unsigned long flags;
	bool new = false;
	int i;

	spin_lock_irqsave(&reported_lock, flags);
	for (i = 0; i < REPORTS; i++) {
		if (reported[i][0] == a && reported[i][1] == b)
			break;
		if (!reported[i][0]) {
			reported[i][0] = a;
			reported[i][1] = b;
			new = true;
			break;
		}
	}
	spin_unlock_irqrestore(&reported_lock, flags);
	return new;
}

static const char *kind(const struct access *a)
{
	return a->write ? a->marked ? "marked write" : "write" :
			  a->marked ? "marked read" : "read";
}

static void report(const struct access *a, const struct access *b)
{
	if (is_new(min(a->place, b->place), max(a->place, b->place)))
		pr_err("BUG: data race: %s of %lu at %pS, %s of %lu at %pS\n",
		       kind(a), a->size, (void *)a->place,
		       kind(b), b->size, (void *)b->place);
}

static void meet(const struct access *access)
{
	int i;

	for (i = 0; i < WATCHES; i++) {
		struct watch *w = &watches[i];

		if (!READ_ONCE(w->owner.addr) || !collide(access, &w->owner) ||
		    cmpxchg(&w->met, 0, 1))
			continue;
		w->other = *access;
		smp_store_release(&w->said, 1);
	}
}

static void wait_for_others(const struct access *access)
{
	struct watch *w;
	int i;

	for (i = 0; i < WATCHES; i++)
		if (!cmpxchg(&watches[i].taken, 0, 1))
			break;
	if (i == WATCHES)
		return;
	w = &watches[i];
	w->owner.size = access->size;
	w->owner.write = access->write;
	w->owner.marked = access->marked;
	w->owner.place = access->place;
	smp_store_release(&w->owner.addr, access->addr);
	udelay(get_random_u32_below(MOMENT));
	WRITE_ONCE(w->owner.addr, 0);
	if (cmpxchg(&w->met, 0, 1)) {
		while (!smp_load_acquire(&w->said))
			cpu_relax();
		report(access, &w->other);
	}
	w->said = 0;
	WRITE_ONCE(w->met, 0);
	smp_store_release(&w->taken, 0);
}

/* What runs seldom shall be watched as often as what parses each byte. */
static bool is_due(unsigned long place)
{
	unsigned long *last = &watched[hash_long(place, ilog2(PLACES))];

	if (READ_ONCE(*last) == jiffies || get_random_u32_below(2))
		return false;
	WRITE_ONCE(*last, jiffies);
	return true;
}

static void touched(void *ptr, size_t size, bool write, bool marked,
		    unsigned long place)
{
	const struct access access = {
		.addr = (unsigned long)ptr,
		.size = size,
		.write = write,
		.marked = marked,
		.place = place,
	};

	meet(&access);
	if (!marked && !object_is_on_stack(ptr) && is_due(place))
		wait_for_others(&access);
}

#define HOOK(name, size, write, marked)					\
	void __tsan_##name(void *ptr);					\
	void __tsan_##name(void *ptr)					\
	{								\
		touched(ptr, size, write, marked, _RET_IP_);		\
	}

#define HOOKS(size)							\
	HOOK(read##size, size, false, false)				\
	HOOK(write##size, size, true, false)				\
	HOOK(unaligned_read##size, size, false, false)			\
	HOOK(unaligned_write##size, size, true, false)			\
	HOOK(volatile_read##size, size, false, true)			\
	HOOK(volatile_write##size, size, true, true)			\
	HOOK(unaligned_volatile_read##size, size, false, true)		\
	HOOK(unaligned_volatile_write##size, size, true, true)

HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

void __tsan_read_range(void *ptr, size_t size);
void __tsan_read_range(void *ptr, size_t size)
{
	touched(ptr, size, false, false, _RET_IP_);
}

void __tsan_write_range(void *ptr, size_t size);
void __tsan_write_range(void *ptr, size_t size)
{
	touched(ptr, size, true, false, _RET_IP_);
}

void __tsan_init(void);
void __tsan_init(void)
{
}
