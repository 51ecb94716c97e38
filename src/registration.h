/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Registrations: learnt from REGISTER and its 2xx (S3-24, S3-43).
 *
 * A binding that a registrar confirms is kept to its Expires across all
 * conntrack timeouts (H-11): a signalling pinhole lets calls in to the phone,
 * and its mate keeps the phone's public port the same on the way out (H-12).
 */
#ifndef SIPALG_REGISTRATION_H
#define SIPALG_REGISTRATION_H

#include "flow.h"
#include "sip_msg.h"

struct nf_conn;
struct nf_conntrack_expect;
struct sipalg_binding;

/**
 * sipalg_registration_request() - a REGISTER goes out from an inside phone
 * @flow: its flow
 * @msg: the message
 * @binding: of the Contact, just made
 * @expires: what it asks for, in seconds; 0: it wants to be forgotten
 *
 * Caller holds rcu_read_lock; takes the binding's lock.
 */
void sipalg_registration_request(const struct sipalg_flow *flow,
				 const struct sip_msg *msg,
				 struct sipalg_binding *binding, u32 expires);

/**
 * sipalg_registration_confirmed() - a 2xx to REGISTER comes in
 * @flow: its flow
 * @msg: the message
 *
 * RFC 3261 10.3: the 2xx lists all bindings of the address of record, so ours
 * among its Contacts are registered for the time it says, and ours that is
 * missing is not.
 *
 * Caller holds rcu_read_lock; takes bindings' locks.
 *
 * Return: how long the longest of them is registered, in jiffies; 0: none is.
 */
unsigned long sipalg_registration_confirmed(const struct sipalg_flow *flow,
					    const struct sip_msg *msg);

/**
 * sipalg_registration_end() - close what a registration holds open
 * @binding: registered; its lock is held
 *
 * Any context.
 */
void sipalg_registration_end(struct sipalg_binding *binding);

/**
 * sipalg_registration_expected() - a connection came by a signalling pinhole
 * @binding: whose
 * @ct: the new conntrack
 * @exp: the pinhole
 *
 * expectfn context (RCU read side, no lock held).
 */
void sipalg_registration_expected(struct sipalg_binding *binding,
				  struct nf_conn *ct,
				  struct nf_conntrack_expect *exp);

#endif
