// SPDX-License-Identifier: GPL-2.0-only
/* The way to the kernel and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "ctl.h"

static struct mnl_socket *kernel;
static uint16_t family;
static uint32_t events_group;

struct table {
	const struct nlattr **attrs;
	int max;
};

static int take_attr(const struct nlattr *attr, void *data)
{
	struct table *table = data;
	int type = mnl_attr_get_type(attr);

	if (type <= table->max)
		table->attrs[type] = attr;
	return MNL_CB_OK;
}

void attrs_of(const struct nlmsghdr *nlh, const struct nlattr **attrs, int max)
{
	struct table table = { attrs, max };

	memset(attrs, 0, (max + 1) * sizeof(*attrs));
	mnl_attr_parse(nlh, sizeof(struct genlmsghdr), take_attr, &table);
}

void attrs_nested(const struct nlattr *nest, const struct nlattr **attrs, int max)
{
	struct table table = { attrs, max };

	memset(attrs, 0, (max + 1) * sizeof(*attrs));
	mnl_attr_parse_nested(nest, take_attr, &table);
}

const char *word_of(const struct nlattr *attr)
{
	return attr ? mnl_attr_get_str(attr) : "";
}

uint32_t number_of(const struct nlattr *attr)
{
	return attr ? mnl_attr_get_u32(attr) : 0;
}

static void begin(struct request *request, uint16_t type, uint8_t command,
		  uint8_t version, uint16_t flags)
{
	struct genlmsghdr *header;

	request->nlh = mnl_nlmsg_put_header(request->buffer);
	request->nlh->nlmsg_type = type;
	request->nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	request->nlh->nlmsg_seq = time(NULL);
	header = mnl_nlmsg_put_extra_header(request->nlh, sizeof(*header));
	header->cmd = command;
	header->version = version;
}

void request_init(struct request *request, uint8_t command, bool dump)
{
	begin(request, family, command, SIPALG_FAMILY_VERSION,
	      dump ? NLM_F_DUMP : NLM_F_ACK);
}

/* The kernel's own words, behind the header of the request it refuses. */
static const char *ack_text(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	unsigned int offset = sizeof(*error);

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		offset += error->msg.nlmsg_len - sizeof(error->msg);
	mnl_attr_for_each(attr, nlh, MNL_ALIGN(offset))
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG)
			return mnl_attr_get_str(attr);
	return NULL;
}

int request_errno;
bool request_quiet;

static int refused(int error, const char *text)
{
	request_errno = error;
	if (request_quiet)
		return REFUSED;
	if (error == EPERM || error == EACCES)
		fputs("No permission: sipalg-ctl needs CAP_NET_ADMIN, run it as root\n", stderr);
	else if (text)
		fprintf(stderr, "Error: %s\n", text);
	else
		fprintf(stderr, "Error: %s\n", strerror(error));
	return REFUSED;
}

/* Of the dump that is read; lists are printed as they come, so it is told. */
static bool interrupted;

/* One message of the answer: 1 go on, 0 that was the last, -1 see *status. */
static int take(const struct nlmsghdr *nlh, mnl_cb_t answer, void *data,
		int *status)
{
	const struct nlmsgerr *error;

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		interrupted = true;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		error = mnl_nlmsg_get_payload(nlh);
		if (!error->error)
			return 0;
		*status = refused(-error->error, ack_text(nlh));
		return -1;
	}
	if (nlh->nlmsg_type == NLMSG_DONE) {
		int result = *(int *)mnl_nlmsg_get_payload(nlh);

		if (!result && interrupted)
			fputs("The list changed while it was read: some may be missing or twice\n",
			      stderr);
		if (!result)
			return 0;
		*status = refused(-result, NULL);
		return -1;
	}
	if (answer)
		answer(nlh, data);
	return 1;
}

int request_send(struct request *request, mnl_cb_t answer, void *data)
{
	char buffer[65536];
	int status = DONE;

	interrupted = false;
	if (mnl_socket_sendto(kernel, request->nlh, request->nlh->nlmsg_len) < 0)
		return refused(errno, NULL);
	for (;;) {
		int len = mnl_socket_recvfrom(kernel, buffer, sizeof(buffer));
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)buffer;
		int more;

		if (len < 0)
			return refused(errno, NULL);
		for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			more = take(nlh, answer, data, &status);
			if (more <= 0)
				return status;
		}
	}
}

static int take_group(const struct nlattr *group, void *data)
{
	const struct nlattr *attrs[CTRL_ATTR_MCAST_GRP_MAX + 1];

	(void)data;
	attrs_nested(group, attrs, CTRL_ATTR_MCAST_GRP_MAX);
	if (!strcmp(mnl_attr_get_str(attrs[CTRL_ATTR_MCAST_GRP_NAME]), SIPALG_MCGRP_EVENTS))
		events_group = mnl_attr_get_u32(attrs[CTRL_ATTR_MCAST_GRP_ID]);
	return MNL_CB_OK;
}

static int take_family(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attrs[CTRL_ATTR_MAX + 1];

	(void)data;
	attrs_of(nlh, attrs, CTRL_ATTR_MAX);
	if (attrs[CTRL_ATTR_FAMILY_ID])
		family = mnl_attr_get_u16(attrs[CTRL_ATTR_FAMILY_ID]);
	if (attrs[CTRL_ATTR_MCAST_GROUPS])
		mnl_attr_parse_nested(attrs[CTRL_ATTR_MCAST_GROUPS], take_group, NULL);
	return MNL_CB_OK;
}

/* Not by request_send(): a family that is missing has a sentence of its own. */
static void find_family(void)
{
	struct request request;
	char buffer[8192];
	int len;

	begin(&request, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, 0);
	mnl_attr_put_strz(request.nlh, CTRL_ATTR_FAMILY_NAME, SIPALG_FAMILY_NAME);
	if (mnl_socket_sendto(kernel, request.nlh, request.nlh->nlmsg_len) < 0)
		return;
	len = mnl_socket_recvfrom(kernel, buffer, sizeof(buffer));
	if (len > 0)
		mnl_cb_run(buffer, len, 0, 0, take_family, NULL);
}

int kernel_connect(void)
{
	int on = 1;

	kernel = mnl_socket_open(NETLINK_GENERIC);
	if (!kernel || mnl_socket_bind(kernel, 0, MNL_SOCKET_AUTOPID) < 0) {
		perror("netlink");
		return USAGE;
	}
	mnl_socket_setsockopt(kernel, NETLINK_EXT_ACK, &on, sizeof(on));
	find_family();
	if (!family) {
		fputs("The module sipalg is not loaded: modprobe sipalg\n", stderr);
		return USAGE;
	}
	return DONE;
}

int events_join(void)
{
	int room = 4 << 20;

	setsockopt(mnl_socket_get_fd(kernel), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	if (mnl_socket_setsockopt(kernel, NETLINK_ADD_MEMBERSHIP, &events_group,
				  sizeof(events_group)) < 0)
		return refused(errno, NULL);
	return DONE;
}

/* NULL is taken for events that this socket had no room for. */
int event_next(mnl_cb_t take_event, void *data)
{
	const struct nlmsghdr *nlh;
	char buffer[65536];
	int len;

	len = mnl_socket_recvfrom(kernel, buffer, sizeof(buffer));
	if (len < 0 && errno == ENOBUFS) {
		take_event(NULL, data);
		return DONE;
	}
	if (len < 0)
		return refused(errno, NULL);
	nlh = (const struct nlmsghdr *)buffer;
	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
		if (nlh->nlmsg_type == family)
			take_event(nlh, data);
	return DONE;
}
