// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the fuzzer of the running module needs inside the kernel (driver.c): the
 * edges of our code that were taken, the input that is being tried, for whoever
 * reads the last words of a kernel, and a clock that can be put forward. A module
 * of its own, below the one that is tried.
 *
 * The kernel's KCOV counts what a task does; packets pass in softirqs, and it would
 * count nothing of what is to be seen here. The compiler calls us at each block
 * (-fsanitize-coverage=trace-pc), whoever runs it; there is one processor.
 */
#include <linux/bitmap.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/panic_notifier.h>
#include <linux/printk.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include "cover.h"

#define TEXT	SZ_1M	/* a module's code is less, and in one piece */

static DECLARE_BITMAP(blocks, TEXT);
static u8 edges[SIPALG_FUZZ_EDGES];
static u8 input[SIPALG_FUZZ_INPUT];
static size_t input_len;
static unsigned long before;

void __sanitizer_cov_trace_pc(void);

/* An edge is where we are and where we were, as AFL has it. */
void __sanitizer_cov_trace_pc(void)
{
	unsigned long here = _RET_IP_ * 0x9e3779b97f4a7c15UL >> 40;

	edges[(here ^ before) % SIPALG_FUZZ_EDGES]++;
	before = here >> 1;
	__set_bit(_RET_IP_ % TEXT, blocks);
}
EXPORT_SYMBOL_GPL(__sanitizer_cov_trace_pc);

/*
 * Each timer that was armed is due when its time has passed. The scheduler's clock is
 * jiffies as well: who runs meanwhile has run for hours, and must not owe it to others.
 */
static void put_forward(u32 seconds)
{
	unsigned long flags;

	sched_set_fifo(current);
	local_irq_save(flags);
	jiffies_64 += (u64)seconds * HZ;
	local_irq_restore(flags);
	sched_set_normal(current, 0);
}

/* A new input: nothing has been taken yet. */
static ssize_t fuzz_write(struct file *file, const char __user *from, size_t len,
			  loff_t *pos)
{
	if (len > sizeof(input))
		return -EINVAL;
	if (copy_from_user(input, from, len))
		return -EFAULT;
	input_len = len;
	before = 0;
	memset(edges, 0, sizeof(edges));
	return len;
}

static ssize_t fuzz_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	if (len != sizeof(edges))
		return -EINVAL;
	return copy_to_user(to, edges, len) ? -EFAULT : len;
}

static long fuzz_ioctl(struct file *file, unsigned int command, unsigned long seconds)
{
	if (command == SIPALG_FUZZ_BLOCKS)
		return bitmap_weight(blocks, TEXT);
	if (command != SIPALG_FUZZ_PUT_FORWARD || seconds > SIPALG_FUZZ_FURTHEST)
		return -EINVAL;
	put_forward(seconds);
	return 0;
}

static const struct proc_ops fuzz_ops = {
	.proc_write = fuzz_write,
	.proc_read = fuzz_read,
	.proc_ioctl = fuzz_ioctl,
};

/* run reads it out of the console. */
static int last_words(struct notifier_block *block, unsigned long event, void *data)
{
	print_hex_dump(KERN_EMERG, "sipalg-fuzz ", DUMP_PREFIX_NONE, 32, 1, input,
		       input_len, false);
	return NOTIFY_DONE;
}

static struct notifier_block panic_block = {
	.notifier_call = last_words,
	.priority = INT_MAX,	/* a user-mode kernel's own does not return */
};

static int __init cover_init(void)
{
	if (!proc_create(SIPALG_FUZZ_NAME, 0600, NULL, &fuzz_ops))
		return -ENOMEM;
	return atomic_notifier_chain_register(&panic_notifier_list, &panic_block);
}

static void __exit cover_exit(void)
{
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_block);
	remove_proc_entry(SIPALG_FUZZ_NAME, NULL);
}

module_init(cover_init);
module_exit(cover_exit);
MODULE_DESCRIPTION("Coverage of sipalg for its fuzzer");
MODULE_LICENSE("GPL");
