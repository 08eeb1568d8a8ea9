// SPDX-License-Identifier: BSD-3-Clause
#include <plane/roles.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct wm_role_choice no_choice;

// Lcores 10, 11, ... and ports without a node of their own.
static int deal(struct wm_roles *out, unsigned n_lcores, unsigned n_queues, unsigned n_workers, bool receives,
	const char *choice, struct wm_err *err)
{
	static int lcore_nodes[WM_LCORES_MAX], queue_nodes[WM_QUEUES_MAX + 1];
	static unsigned lcores[WM_LCORES_MAX];
	struct wm_roles_ask ask = {
		n_lcores, lcores, lcore_nodes, n_queues, queue_nodes, n_workers, receives, no_choice};

	for (unsigned i = 0; i < WM_LCORES_MAX; i++)
		lcores[i] = 10 + i;
	for (unsigned i = 0; i < WM_QUEUES_MAX; i++)
		queue_nodes[i] = -1;
	if (choice != NULL && wm_role_choice_parse(&ask.choice, choice, err) < 0)
		return -EINVAL;
	return wm_roles_deal(out, &ask, err);
}

static void roles_share_where_lcores_are_few(void **state)
{
	struct wm_roles r;

	(void)state;
	assert_int_equal(deal(&r, 1, 2, 0, true, NULL, NULL), 0);
	assert_int_equal(r.n_workers, 1);
	assert_int_equal(r.queue_on[0] + r.queue_on[1] + r.worker_on[0] + r.receiver_on, 0);

	assert_int_equal(deal(&r, 2, 1, 3, true, NULL, NULL), 0);
	assert_int_equal(r.queue_on[0], 1);
	assert_int_equal(r.worker_on[0] + r.worker_on[1] + r.worker_on[2] + r.receiver_on, 0);

	assert_int_equal(deal(&r, 3, 4, 0, true, NULL, NULL), 0); // main, queues, workers
	for (unsigned q = 0; q < 4; q++)
		assert_int_equal(r.queue_on[q], 1);
	assert_int_equal(r.n_workers, 1);
	assert_int_equal(r.worker_on[0], 2);
	assert_int_equal(r.receiver_on, 0);

	assert_int_equal(deal(&r, 4, 4, 0, true, NULL, NULL), 0);
	assert_int_equal(r.queue_on[0] + r.queue_on[2], 2); // two queues on each of lcores 1 and 2
	assert_int_equal(r.queue_on[1] + r.queue_on[3], 4);
}

static void roles_have_an_lcore_each_where_they_can(void **state)
{
	struct wm_roles r;

	(void)state;
	assert_int_equal(deal(&r, 8, 2, 0, false, NULL, NULL), 0);
	assert_int_equal(r.queue_on[0], 1);
	assert_int_equal(r.queue_on[1], 2);
	assert_int_equal(r.n_workers, 5);
	for (unsigned w = 0; w < 5; w++)
		assert_int_equal(r.worker_on[w], 3 + w);
	assert_int_equal(deal(&r, 8, 2, 0, true, NULL, NULL), 0);
	assert_int_equal(r.receiver_on, 3);
	assert_int_equal(r.n_workers, 4);
	assert_int_equal(r.worker_on[0], 4);
}

static void roles_that_were_named_are_dealt_so(void **state)
{
	struct wm_err err = {0};
	struct wm_roles r;

	(void)state;
	assert_int_equal(deal(&r, 8, 3, 0, true, "tx=16+12,receive=10,workers=13-15", NULL), 0);
	assert_int_equal(r.queue_on[0], 6);
	assert_int_equal(r.queue_on[1], 2);
	assert_int_equal(r.queue_on[2], 6);
	assert_int_equal(r.receiver_on, 0);
	assert_int_equal(r.n_workers, 3);
	assert_int_equal(r.worker_on[2], 5);

	assert_int_equal(deal(&r, 5, 1, 0, true, "receive=11", NULL), 0);
	assert_int_equal(r.receiver_on, 1);
	assert_int_equal(r.queue_on[0], 2);
	assert_int_equal(r.worker_on[0], 3);

	assert_int_equal(deal(&r, 3, 1, 0, false, "workers=11-13", &err), -EINVAL);
	assert_string_equal(err.msg, "option --roles: lcore 13, named for workers, is not among those of -l");
}

static void roles_without_sense_are_refused(void **state)
{
	static const char *const bad[] = {"", "tx", "tx=", "tx=1,", "tx=1+", "tx=1,tx=2", "tx=1+1", "tx=3-1", "tx=128",
		"rx=1", "receive=1+2", "tx=1 ", "tx=4294967296", "workers=1-"};
	struct wm_roles r;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct wm_role_choice choice;
		struct wm_err err = {0};

		assert_int_equal(wm_role_choice_parse(&choice, bad[i], &err), -EINVAL);
		assert_non_null(strstr(err.msg, "tx=1+2,receive=3,workers=4-7"));
	}
	assert_int_equal(deal(&r, 4, 1, 200, false, NULL, NULL), -ERANGE);
	assert_int_equal(deal(&r, 4, 65, 1, false, NULL, NULL), -ERANGE);
	assert_int_equal(deal(&r, 0, 1, 1, false, NULL, NULL), -ERANGE);
}

static void a_queue_is_put_on_its_ports_node(void **state)
{
	static const unsigned lcores[] = {0, 1, 2, 3, 4, 5, 6, 7};
	static const int lcore_nodes[] = {0, 0, 0, 0, 1, 1, 1, 1}, queue_nodes[] = {1, 0, 1, -1};
	struct wm_roles_ask ask = {8, lcores, lcore_nodes, 4, queue_nodes, 0, true, no_choice};
	struct wm_roles r;

	(void)state;
	assert_int_equal(wm_roles_deal(&r, &ask, NULL), 0);
	for (unsigned q = 0; q < 3; q++)
		assert_int_equal(lcore_nodes[r.queue_on[q]], queue_nodes[q]);
	assert_int_not_equal(r.queue_on[0], r.queue_on[2]);
	assert_int_equal(lcore_nodes[r.receiver_on], 1);

	ask.n_lcores = 4; // all on node 0
	assert_int_equal(wm_roles_deal(&r, &ask, NULL), 0);
	assert_int_equal(r.n_workers, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_share_where_lcores_are_few),
		cmocka_unit_test(roles_have_an_lcore_each_where_they_can),
		cmocka_unit_test(roles_that_were_named_are_dealt_so),
		cmocka_unit_test(roles_without_sense_are_refused),
		cmocka_unit_test(a_queue_is_put_on_its_ports_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
