// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts the cycles that conntrack helpers take: a wrapper around the help
 * function of each reads the time stamp counter before and after, so that the
 * cost of counting is the same for all. Two helpers of its own are the lower
 * bounds: one returns at once, one walks over the bytes. What a router does
 * with a packet is counted from its first hook to its last.
 *
 * /proc/sipalg_bench: a line for each packet since the last write to it, the
 * helper's name and its cycles. Written to it, "0" begins to count in helpers,
 * "1" the IPv4 packets that the writer's namespace forwards. For the newest
 * kernel of the lab, and for one CPU.
 */
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/nsproxy.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/vmalloc.h>
#include <asm/timex.h>
#include <net/netfilter/nf_conntrack_helper.h>

#define MOST	(1 << 18)

typedef int help_fn(struct sk_buff *skb, unsigned int protoff,
		    struct nf_conn *ct, enum ip_conntrack_info ctinfo);

struct sample {
	u32 cycles;
	u8 target;
};

enum { SIP_UDP, SIP_TCP, SIPALG_UDP, SIPALG_TCP, TARGETS };

static struct target {
	const char *name;
	u8 l3num;
	u8 l4proto;
	help_fn *help;
} targets[TARGETS] = {
	[SIP_UDP] = { "sip", NFPROTO_IPV4, IPPROTO_UDP },
	[SIP_TCP] = { "sip", NFPROTO_IPV4, IPPROTO_TCP },
	[SIPALG_UDP] = { "sipalg", NFPROTO_IPV4, IPPROTO_UDP },
	[SIPALG_TCP] = { "sipalg", NFPROTO_IPV4, IPPROTO_TCP },
};

static struct sample *samples;
static atomic_t count;
static DEFINE_MUTEX(mutex);

static u64 now(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc" : "=a" (low), "=d" (high) : : "memory");
	return (u64)high << 32 | low;
}

static void note(u8 target, u64 cycles)
{
	int at = atomic_fetch_inc(&count);

	if (at < MOST)
		samples[at] = (struct sample){ min_t(u64, cycles, U32_MAX), target };
}

static int measure(u8 target, help_fn *help, struct sk_buff *skb,
		   unsigned int protoff, struct nf_conn *ct,
		   enum ip_conntrack_info ctinfo)
{
	u64 begin = now();
	int verdict = help(skb, protoff, ct, ctinfo);

	note(target, now() - begin);
	return verdict;
}

#define WRAPPER(target) \
static int wrap_##target(struct sk_buff *skb, unsigned int protoff, \
			 struct nf_conn *ct, enum ip_conntrack_info ctinfo) \
{ \
	return measure(target, targets[target].help, skb, protoff, ct, ctinfo); \
}

WRAPPER(SIP_UDP)
WRAPPER(SIP_TCP)
WRAPPER(SIPALG_UDP)
WRAPPER(SIPALG_TCP)

static help_fn * const wrappers[TARGETS] = {
	wrap_SIP_UDP, wrap_SIP_TCP, wrap_SIPALG_UDP, wrap_SIPALG_TCP,
};

/* Lower bounds. */

#define NOTHING	0x80
#define WALK	0x81
#define FORWARD	0x82

static int nothing(struct sk_buff *skb, unsigned int protoff,
		   struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	return NF_ACCEPT;
}

static int walk(struct sk_buff *skb, unsigned int protoff,
		struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	static u32 sum;
	unsigned int i;

	if (skb_linearize(skb))
		return NF_ACCEPT;
	for (i = protoff; i < skb->len; i++) {
		sum = sum * 31 + skb->data[i];
		barrier();
	}
	WRITE_ONCE(sum, sum);
	return NF_ACCEPT;
}

static int help_nothing(struct sk_buff *skb, unsigned int protoff,
			struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	return measure(NOTHING, nothing, skb, protoff, ct, ctinfo);
}

static int help_walk(struct sk_buff *skb, unsigned int protoff,
		     struct nf_conn *ct, enum ip_conntrack_info ctinfo)
{
	return measure(WALK, walk, skb, protoff, ct, ctinfo);
}

static const struct nf_conntrack_expect_policy policy = {
	.max_expected = 1,
	.timeout = 1,
};

static struct nf_conntrack_helper bounds[2];
static struct nf_conntrack_helper *registered[2];

static const char *name_of(u8 target)
{
	if (target == NOTHING)
		return "nothing";
	if (target == WALK)
		return "walk";
	if (target == FORWARD)
		return "forward";
	return targets[target].name;
}

/* From a packet's first hook to its last. */

static u64 entered;
static struct net *forwarding;

static unsigned int enter(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state)
{
	entered = now();
	return NF_ACCEPT;
}

static unsigned int leave(void *priv, struct sk_buff *skb,
			  const struct nf_hook_state *state)
{
	/* what the router sends itself has not entered */
	if (entered)
		note(FORWARD, now() - entered);
	entered = 0;
	return NF_ACCEPT;
}

static const struct nf_hook_ops hooks[] = {
	{
		.hook = enter,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = INT_MIN,
	},
	{
		.hook = leave,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_POST_ROUTING,
		.priority = INT_MAX,
	},
};

static int forward(struct net *net)
{
	int err = 0;

	if (forwarding)
		nf_unregister_net_hooks(forwarding, hooks, ARRAY_SIZE(hooks));
	if (net)
		err = nf_register_net_hooks(net, hooks, ARRAY_SIZE(hooks));
	forwarding = err ? NULL : net;
	return err;
}

static int show(struct seq_file *seq, void *ignored)
{
	int i, most = min(atomic_read(&count), MOST);

	for (i = 0; i < most; i++)
		seq_printf(seq, "%s %u\n", name_of(samples[i].target),
			   samples[i].cycles);
	return 0;
}

static int open(struct inode *inode, struct file *file)
{
	return single_open_size(file, show, NULL,
				16 * min(atomic_read(&count), MOST) + PAGE_SIZE);
}

/* Helpers may have come and gone since: they are looked up at each reset. */
static void wrap_all(void)
{
	unsigned int i;

	rcu_read_lock();
	for (i = 0; i < TARGETS; i++) {
		struct target *target = &targets[i];
		struct nf_conntrack_helper *helper =
			__nf_conntrack_helper_find(target->name, target->l3num,
						   target->l4proto);

		help_fn **help = helper ? (help_fn **)&helper->help : NULL;

		if (!help || *help == wrappers[i])
			continue;
		target->help = *help;
		smp_store_release(help, wrappers[i]);
	}
	rcu_read_unlock();
}

static ssize_t reset(struct file *file, const char __user *bytes, size_t len,
		     loff_t *pos)
{
	char what;
	int err;

	if (!len || get_user(what, bytes))
		return -EFAULT;
	mutex_lock(&mutex);
	err = forward(what == '1' ? current->nsproxy->net_ns : NULL);
	wrap_all();
	atomic_set(&count, 0);
	mutex_unlock(&mutex);
	return err ?: len;
}

static const struct proc_ops proc_ops = {
	.proc_open = open,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
	.proc_write = reset,
};

static int __init bench_init(void)
{
	int err;

	samples = vzalloc(MOST * sizeof(*samples));
	if (!samples)
		return -ENOMEM;
	nf_ct_helper_init(&bounds[0], NFPROTO_UNSPEC, IPPROTO_UDP, "bench-nothing",
			  &policy, 0, help_nothing, NULL, THIS_MODULE);
	nf_ct_helper_init(&bounds[1], NFPROTO_UNSPEC, IPPROTO_UDP, "bench-walk",
			  &policy, 0, help_walk, NULL, THIS_MODULE);
	err = nf_conntrack_helper_register(&bounds[0], &registered[0]);
	if (err)
		goto err_samples;
	err = nf_conntrack_helper_register(&bounds[1], &registered[1]);
	if (err)
		goto err_first;
	if (!proc_create("sipalg_bench", 0600, NULL, &proc_ops)) {
		err = -ENOMEM;
		goto err_second;
	}
	return 0;

err_second:
	nf_conntrack_helper_unregister(registered[1]);
err_first:
	nf_conntrack_helper_unregister(registered[0]);
err_samples:
	vfree(samples);
	return err;
}

/* Never unloaded: helpers go on calling the wrappers. */
module_init(bench_init);

MODULE_DESCRIPTION("Cycles of conntrack helpers");
MODULE_LICENSE("GPL");
