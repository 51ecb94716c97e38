// SPDX-License-Identifier: GPL-2.0-only
/* The state table of calls: lives from first event to last, and no hole. */
#include <kunit/test.h>
#include "call/state.h"

#define LONGEST_LIFE	8

struct life {
	const char *title;
	struct {
		u8 event;
		u8 state;	/* after it */
		u16 actions;	/* these and no others */
	} steps[LONGEST_LIFE];
	unsigned int count;
};

#define STEP(event, state, actions) { SIPALG_EVENT_##event, SIPALG_CALL_##state, actions }

#define INVITE		(SIPALG_DO_INVITE | SIPALG_DO_RING)
#define RING		(SIPALG_DO_RING | SIPALG_DO_REOPEN)
#define REFRESH		(SIPALG_DO_COMMIT | SIPALG_DO_ANSWERED)
#define ANSWER		(REFRESH | SIPALG_DO_REOPEN)
#define TEARDOWN	SIPALG_DO_TEARDOWN

static const struct life lives[] = {
	{ "S0-1 answered and hung up",
	  { STEP(INVITE, EARLY, INVITE), STEP(PROVISIONAL, EARLY, RING),
	    STEP(SUCCESS, CONFIRMED, ANSWER), STEP(ACK, CONFIRMED, 0),
	    STEP(BYE, BYE_SENT, TEARDOWN), STEP(BYE_ACCEPTED, BYE_SENT, 0),
	    STEP(TEARDOWN, BYE_SENT, SIPALG_DO_CLOSE),
	    STEP(FORGET, BYE_SENT, SIPALG_DO_END) },
	  8 },
	{ "S0-15 cancelled, ends whatever comes",
	  { STEP(INVITE, EARLY, INVITE), STEP(CANCEL, CANCELLING, TEARDOWN),
	    STEP(FAILURE, CANCELLING, 0),
	    STEP(TEARDOWN, CANCELLING, SIPALG_DO_CLOSE_PINHOLES),
	    STEP(FORGET, CANCELLING, SIPALG_DO_FORGET) },
	  5 },
	{ "C3 a 2xx crosses the CANCEL",
	  { STEP(INVITE, EARLY, INVITE), STEP(CANCEL, CANCELLING, TEARDOWN),
	    STEP(SUCCESS, CONFIRMED, SIPALG_DO_CANCEL_TEARDOWN | ANSWER) },
	  3 },
	{ "C3 CANCEL after the answer changes nothing",
	  { STEP(INVITE, EARLY, INVITE), STEP(SUCCESS, CONFIRMED, ANSWER),
	    STEP(CANCEL, CONFIRMED, 0) },
	  3 },
	{ "S4-2 422 and another try are one call",
	  { STEP(INVITE, EARLY, INVITE), STEP(FAILURE, FAILED, TEARDOWN),
	    STEP(ACK, FAILED, SIPALG_DO_ACKED),
	    STEP(INVITE, EARLY, SIPALG_DO_CANCEL_TEARDOWN | INVITE),
	    STEP(SUCCESS, CONFIRMED, ANSWER) },
	  5 },
	{ "C10 a challenged BYE does not end the call",
	  { STEP(INVITE, EARLY, INVITE), STEP(SUCCESS, CONFIRMED, ANSWER),
	    STEP(BYE, BYE_SENT, TEARDOWN),
	    STEP(BYE_REFUSED, CONFIRMED, SIPALG_DO_CANCEL_TEARDOWN),
	    STEP(BYE, BYE_SENT, TEARDOWN) },
	  5 },
	{ "S4-6 a failed refresh keeps the media and the call",
	  { STEP(INVITE, EARLY, INVITE), STEP(SUCCESS, CONFIRMED, ANSWER),
	    STEP(INVITE, CONFIRMED, 0),
	    STEP(FAILURE, CONFIRMED, SIPALG_DO_ROLLBACK) },
	  4 },
	{ "S3-44 no answer at all for 64*T1, then it rings",
	  { STEP(INVITE, EARLY, INVITE),
	    STEP(UNANSWERED, EARLY, SIPALG_DO_CLOSE_PINHOLES),
	    STEP(PROVISIONAL, EARLY, RING), STEP(SUCCESS, CONFIRMED, ANSWER),
	    STEP(INVITE, CONFIRMED, 0), STEP(SUCCESS, CONFIRMED, REFRESH) },
	  6 },
	{ "C2 rung longer than c-timeout, then answered",
	  { STEP(INVITE, EARLY, INVITE), STEP(PROVISIONAL, EARLY, RING),
	    STEP(C_TIMEOUT, EARLY, SIPALG_DO_CLOSE_PINHOLES),
	    STEP(PROVISIONAL, EARLY, RING), STEP(SUCCESS, CONFIRMED, ANSWER) },
	  5 },
	{ "S2-9 nobody answers",
	  { STEP(INVITE, EARLY, INVITE),
	    STEP(C_TIMEOUT, EARLY, SIPALG_DO_CLOSE_PINHOLES),
	    STEP(MAX_DURATION, EARLY, SIPALG_DO_END) },
	  3 },
	{ "C2 a 2xx after the refusal of another fork",
	  { STEP(INVITE, EARLY, INVITE), STEP(FAILURE, FAILED, TEARDOWN),
	    STEP(TEARDOWN, FAILED, SIPALG_DO_CLOSE_PINHOLES),
	    STEP(SUCCESS, CONFIRMED, SIPALG_DO_CANCEL_TEARDOWN | ANSWER) },
	  4 },
	{ "D4 the same when that refusal was acknowledged long ago",
	  { STEP(INVITE, EARLY, INVITE), STEP(FAILURE, FAILED, TEARDOWN),
	    STEP(ACK, FAILED, SIPALG_DO_ACKED),
	    STEP(TEARDOWN, FAILED, SIPALG_DO_CLOSE_PINHOLES),
	    STEP(FORGET, FAILED, SIPALG_DO_FORGET),
	    STEP(SUCCESS, CONFIRMED, SIPALG_DO_CANCEL_TEARDOWN | ANSWER) },
	  6 },
	{ "C6 BYE while it rings, another fork answers",
	  { STEP(INVITE, EARLY, INVITE),
	    STEP(BYE, ABANDONED, SIPALG_DO_ABANDON),
	    STEP(BYE_ACCEPTED, ABANDONED, 0),
	    STEP(TEARDOWN, ABANDONED, SIPALG_DO_CLOSE_PINHOLES),
	    STEP(SUCCESS, CONFIRMED, SIPALG_DO_CANCEL_TEARDOWN | ANSWER) },
	  5 },
	{ "C6 BYE while it rings, and nobody else answers",
	  { STEP(INVITE, EARLY, INVITE),
	    STEP(BYE, ABANDONED, SIPALG_DO_ABANDON),
	    STEP(FAILURE, BYE_SENT, TEARDOWN),
	    STEP(FORGET, BYE_SENT, SIPALG_DO_END) },
	  4 },
	{ "C5 481, and no sign of life since",
	  { STEP(INVITE, EARLY, INVITE), STEP(SUCCESS, CONFIRMED, ANSWER),
	    STEP(UNKNOWN, CONFIRMED, SIPALG_DO_END) },
	  3 },
	{ "S4-10 no refresh",
	  { STEP(INVITE, EARLY, INVITE), STEP(SUCCESS, CONFIRMED, ANSWER),
	    STEP(SESSION_EXPIRED, CONFIRMED, SIPALG_DO_END) },
	  3 },
};

static void life_desc(const struct life *life, char *desc)
{
	strscpy(desc, life->title, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(life, lives, life_desc);

static void call_lives(struct kunit *test)
{
	const struct life *life = test->param_value;
	u8 state = SIPALG_CALL_EARLY;
	unsigned int i;

	for (i = 0; i < life->count; i++) {
		struct sipalg_transition cell =
			sipalg_call_transition(state, life->steps[i].event);

		KUNIT_EXPECT_EQ_MSG(test, cell.next, life->steps[i].state,
				    "state after step %u", i);
		KUNIT_EXPECT_EQ_MSG(test, cell.actions, life->steps[i].actions,
				    "actions of step %u", i);
		state = cell.next;
	}
}

static bool ends_by(u8 state, u8 event)
{
	return sipalg_call_transition(state, event).actions &
	       (SIPALG_DO_END | SIPALG_DO_FORGET);
}

/* Every state must have a way to its end. */
static void no_cell_is_missing(struct kunit *test)
{
	u8 state, event;

	for (state = 0; state < SIPALG_CALL_STATES; state++) {
		for (event = 0; event < SIPALG_CALL_EVENTS; event++) {
			struct sipalg_transition cell =
				sipalg_call_transition(state, event);

			KUNIT_EXPECT_TRUE_MSG(test, cell.written,
					      "state %u, event %u", state, event);
			KUNIT_EXPECT_LT(test, cell.next, SIPALG_CALL_STATES);
		}
		KUNIT_EXPECT_TRUE(test, ends_by(state, SIPALG_EVENT_FORGET));
		KUNIT_EXPECT_TRUE(test, ends_by(state, SIPALG_EVENT_MAX_DURATION));
	}
}

static struct kunit_case call_state_cases[] = {
	KUNIT_CASE_PARAM(call_lives, life_gen_params),
	KUNIT_CASE(no_cell_is_missing),
	{}
};

static struct kunit_suite call_state_suite = {
	.name = "sipalg_call_state",
	.test_cases = call_state_cases,
};

kunit_test_suite(call_state_suite);
