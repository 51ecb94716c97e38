// SPDX-License-Identifier: GPL-2.0-only
/* The module: two sockets, one for requests, one on which it tells. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/sipalg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "sync.h"

#define REQUEST_SIZE	(60 << 10)
#define ANSWER_SIZE	(64 << 10)
#define MOST_OBJECT	(50 << 10)
#define EARS_BUFFER	(4 << 20)

static struct mnl_socket *requests, *ears;
static uint16_t family;
static char answer_buffer[ANSWER_SIZE];

/* Objects that are restored together. */
static struct {
	char buffer[REQUEST_SIZE + ANSWER_SIZE];
	struct nlmsghdr *nlh;
	unsigned int count;
	uint32_t failed;
} batch;

struct attrs {
	const struct nlattr *attr[SIPALG_A_MAX + 1];
};

static int take(const struct nlattr *attr, void *data)
{
	struct attrs *attrs = data;
	int type = mnl_attr_get_type(attr);

	if (type <= SIPALG_A_MAX)
		attrs->attr[type] = attr;
	return MNL_CB_OK;
}

static struct nlmsghdr *begin(char *buffer, uint16_t type, uint8_t command, int flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = command;
	genl->version = 1;
	return nlh;
}

/*
 * The rest of an answer that was not read to its end, as of a dump under which the tables
 * have changed, would be taken for the next one's.
 */
static void drain(struct mnl_socket *socket)
{
	ssize_t len;

	do
		len = recv(mnl_socket_get_fd(socket), answer_buffer, sizeof(answer_buffer),
			   MSG_DONTWAIT);
	while (len >= 0 || errno == ENOBUFS || errno == EINTR);
}

/* Sends, and reads to the end of the answer. Return: 0 or -errno. */
static int talk(struct mnl_socket *socket, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	static unsigned int seq;
	ssize_t len;
	int ret, err;

	nlh->nlmsg_seq = ++seq;
	if (mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		len = mnl_socket_recvfrom(socket, answer_buffer, sizeof(answer_buffer));
		ret = len < 0 ? -1 : mnl_cb_run(answer_buffer, len, seq,
						mnl_socket_get_portid(socket), cb, data);
	} while (ret > MNL_CB_STOP);
	if (ret >= 0)
		return 0;
	err = -errno;
	drain(socket);
	return err;
}

static int take_family(const struct nlmsghdr *nlh, void *data)
{
	struct attrs attrs = {};

	(void)data;
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), take, &attrs);
	if (attrs.attr[CTRL_ATTR_FAMILY_ID])
		family = mnl_attr_get_u16(attrs.attr[CTRL_ATTR_FAMILY_ID]);
	return MNL_CB_OK;
}

static struct mnl_socket *open_socket(void)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);

	if (socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(socket);
		return NULL;
	}
	return socket;
}

int kernel_open(void)
{
	char buffer[512];
	struct nlmsghdr *nlh;
	int size = EARS_BUFFER, err;

	requests = open_socket();
	ears = open_socket();
	if (!requests || !ears)
		return -errno;
	setsockopt(mnl_socket_get_fd(ears), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	nlh = begin(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, NLM_F_ACK);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, SIPALG_FAMILY_NAME);
	err = talk(requests, nlh, take_family, NULL);
	return err ?: family ? err : -ENOENT;
}

int kernel_fd(void)
{
	return mnl_socket_get_fd(ears);
}

static int take_status(const struct nlmsghdr *nlh, void *data)
{
	struct kernel_status *status = data;
	struct attrs attrs = {}, sync = {};

	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), take, &attrs);
	if (!attrs.attr[SIPALG_A_SYNC])
		return MNL_CB_OK;
	mnl_attr_parse_nested(attrs.attr[SIPALG_A_SYNC], take, &sync);
	status->standby = mnl_attr_get_u32(sync.attr[SIPALG_A_SYNC_ROLE]) ==
			  SIPALG_SYNC_ROLE_STANDBY;
	status->epoch = mnl_attr_get_u32(sync.attr[SIPALG_A_SYNC_EPOCH]);
	status->dirty = mnl_attr_get_u32(sync.attr[SIPALG_A_SYNC_DIRTY]);
	return MNL_CB_OK;
}

int kernel_get(struct kernel_status *status)
{
	char buffer[64];

	memset(status, 0, sizeof(*status));
	return talk(requests, begin(buffer, family, SIPALG_CMD_SYNC_GET, NLM_F_ACK),
		    take_status, status);
}

/* By the socket that is told, without an answer that would stand among what it is told. */
static int listen_there(struct nlmsghdr *nlh)
{
	nlh->nlmsg_flags &= ~NLM_F_ACK;
	return mnl_socket_sendto(ears, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

int kernel_role(bool standby, uint32_t epoch, bool listen)
{
	char buffer[256];
	struct nlmsghdr *nlh = begin(buffer, family, SIPALG_CMD_SYNC_SET, NLM_F_ACK);
	struct nlattr *nest = mnl_attr_nest_start(nlh, SIPALG_A_SYNC);
	int err;

	mnl_attr_put_u32(nlh, SIPALG_A_SYNC_ROLE,
			 standby ? SIPALG_SYNC_ROLE_STANDBY : SIPALG_SYNC_ROLE_ACTIVE);
	mnl_attr_put_u32(nlh, SIPALG_A_SYNC_EPOCH, epoch);
	mnl_attr_nest_end(nlh, nest);
	err = talk(requests, nlh, NULL, NULL);
	if (err || !listen)
		return err;
	nlh = begin(buffer, family, SIPALG_CMD_SYNC_SET, NLM_F_ACK);
	nest = mnl_attr_nest_start(nlh, SIPALG_A_SYNC);
	mnl_attr_put(nlh, SIPALG_A_SYNC_LISTEN, 0, NULL);
	mnl_attr_nest_end(nlh, nest);
	return listen_there(nlh);
}

int kernel_mark(void)
{
	char buffer[64];

	return talk(requests, begin(buffer, family, SIPALG_CMD_SYNC_MARK, NLM_F_ACK), NULL,
		    NULL);
}

static bool read_object(const struct nlattr *nest, struct object *object)
{
	const struct nlattr *key, *sequence, *record;
	struct attrs attrs = {};

	mnl_attr_parse_nested(nest, take, &attrs);
	key = attrs.attr[SIPALG_A_SYNC_OBJECT_KEY];
	sequence = attrs.attr[SIPALG_A_SYNC_OBJECT_SEQUENCE];
	record = attrs.attr[SIPALG_A_SYNC_OBJECT_RECORD];
	if (!key || !sequence)
		return false;
	object->key = mnl_attr_get_payload(key);
	object->key_len = mnl_attr_get_payload_len(key);
	object->sequence = mnl_attr_get_u64(sequence);
	object->record = record ? mnl_attr_get_payload(record) : NULL;
	object->record_len = record ? mnl_attr_get_payload_len(record) : 0;
	return true;
}

struct telling {
	void (*told)(const struct object *object);
	void (*each)(const struct object *object, void *data);
	void *data;
	bool lost;
};

static int take_objects(const struct nlmsghdr *nlh, void *data)
{
	struct telling *telling = data;
	struct object object = {};
	const struct nlattr *attr;
	struct attrs sync = {};

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == SIPALG_A_SYNC) {
			mnl_attr_parse_nested(attr, take, &sync);
			if (sync.attr[SIPALG_A_SYNC_CLOCK])
				object.clock = mnl_attr_get_u64(sync.attr[SIPALG_A_SYNC_CLOCK]);
			telling->lost |= !!sync.attr[SIPALG_A_SYNC_LOST];
		}
		if (mnl_attr_get_type(attr) != SIPALG_A_SYNC_OBJECT ||
		    !read_object(attr, &object))
			continue;
		if (telling->told)
			telling->told(&object);
		else
			telling->each(&object, telling->data);
	}
	return MNL_CB_OK;
}

int kernel_read(void (*told)(const struct object *object), bool *lost)
{
	struct telling telling = { .told = told };
	ssize_t len;

	for (;;) {
		len = recv(mnl_socket_get_fd(ears), answer_buffer, sizeof(answer_buffer),
			   MSG_DONTWAIT);
		if (len < 0)
			break;
		mnl_cb_run(answer_buffer, len, 0, 0, take_objects, &telling);
	}
	*lost = telling.lost || errno == ENOBUFS;
	return errno == EAGAIN || errno == ENOBUFS ? 0 : -errno;
}

int kernel_dump(void (*each)(const struct object *object, void *data), void *data)
{
	struct telling telling = { .each = each, .data = data };
	char buffer[64];

	return talk(requests, begin(buffer, family, SIPALG_CMD_SYNC_OBJECT_GET, NLM_F_DUMP),
		    take_objects, &telling);
}

static int take_failed(const struct nlmsghdr *nlh, void *data)
{
	struct attrs attrs = {};

	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), take, &attrs);
	if (attrs.attr[SIPALG_A_COUNT])
		*(uint32_t *)data = mnl_attr_get_u32(attrs.attr[SIPALG_A_COUNT]);
	return MNL_CB_OK;
}

static int send_batch(void)
{
	uint32_t failed = 0;
	int err;

	if (!batch.count)
		return 0;
	err = talk(requests, batch.nlh, take_failed, &failed);
	batch.failed += failed;
	batch.count = 0;
	return err;
}

int kernel_flush(uint32_t *failed)
{
	int err = send_batch();

	*failed = batch.failed;
	batch.failed = 0;
	return err;
}

int kernel_restore(const struct object *object, uint32_t epoch, uint32_t age)
{
	struct nlattr *nest;
	int err = 0;

	if (object->record_len > MOST_OBJECT || object->key_len > MOST_KEY)
		return -EMSGSIZE;
	if (batch.count && batch.nlh->nlmsg_len + object->record_len + MOST_KEY + 64 >
				   REQUEST_SIZE)
		err = send_batch();
	if (err)
		return err;
	if (!batch.count++) {
		batch.nlh = begin(batch.buffer, family, SIPALG_CMD_SYNC_RESTORE, NLM_F_ACK);
		nest = mnl_attr_nest_start(batch.nlh, SIPALG_A_SYNC);
		mnl_attr_put_u32(batch.nlh, SIPALG_A_SYNC_EPOCH, epoch);
		mnl_attr_nest_end(batch.nlh, nest);
	}
	nest = mnl_attr_nest_start(batch.nlh, SIPALG_A_SYNC_OBJECT);
	mnl_attr_put(batch.nlh, SIPALG_A_SYNC_OBJECT_KEY, object->key_len, object->key);
	mnl_attr_put_u64(batch.nlh, SIPALG_A_SYNC_OBJECT_SEQUENCE, object->sequence);
	if (object->record)
		mnl_attr_put(batch.nlh, SIPALG_A_SYNC_OBJECT_RECORD, object->record_len,
			     object->record);
	mnl_attr_put_u32(batch.nlh, SIPALG_A_SYNC_OBJECT_AGE, age);
	mnl_attr_nest_end(batch.nlh, nest);
	return 0;
}
