// SPDX-License-Identifier: BSD-3-Clause
#include <plane/roles.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// Lcores by index, while roles are dealt.
struct table {
	const struct wm_roles_ask *ask;
	bool taken[WM_LCORES_MAX];      // has a role, or is the main one
	unsigned queues[WM_LCORES_MAX]; // on it
	unsigned tx[WM_LCORES_MAX];     // lcores for queues
	unsigned n_tx;
	unsigned work[WM_LCORES_MAX]; // lcores for workers
	unsigned n_work;
};

// One number, or two with a dash between them. @return what follows, or NULL if that is not what it is.
static const char *parse_range(const char *text, unsigned *first, unsigned *last)
{
	unsigned long a, b;
	char *end;

	if (*text < '0' || *text > '9')
		return NULL;
	a = b = strtoul(text, &end, 10);
	if (*end == '-' && end[1] >= '0' && end[1] <= '9')
		b = strtoul(end + 1, &end, 10);
	if (a > b || b >= WM_LCORES_MAX)
		return NULL;
	*first = (unsigned)a;
	*last = (unsigned)b;
	return end;
}

static bool has(const struct wm_lcore_list *list, unsigned id)
{
	for (unsigned i = 0; i < list->n; i++)
		if (list->id[i] == id)
			return true;
	return false;
}

// @return what follows the list, or NULL.
static const char *parse_list(struct wm_lcore_list *list, const char *text)
{
	for (;; text++) {
		unsigned first = 0, last = 0;

		text = parse_range(text, &first, &last);
		for (unsigned id = first; text != NULL && id <= last; id++) {
			if (has(list, id))
				return NULL;
			list->id[list->n++] = id;
		}
		if (text == NULL || *text != '+')
			return text;
	}
}

int wm_role_choice_parse(struct wm_role_choice *out, const char *text, struct wm_err *err)
{
	struct wm_role_choice choice = {0};
	const struct {
		const char *name;
		struct wm_lcore_list *list;
	} roles[] = {{"tx=", &choice.tx}, {"receive=", &choice.receive}, {"workers=", &choice.workers}};
	const char *at = text;

	for (;; at++) {
		struct wm_lcore_list *list = NULL;

		for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]) && list == NULL; i++)
			if (strncmp(at, roles[i].name, strlen(roles[i].name)) == 0) {
				at += strlen(roles[i].name);
				list = roles[i].list;
			}
		at = list != NULL && list->n == 0 ? parse_list(list, at) : NULL;
		if (at == NULL || *at != ',')
			break;
	}
	if (at == NULL || *at != '\0' || choice.receive.n > 1)
		return wm_err_set(err, -EINVAL,
			"'%s' does not deal roles: write lcores of -l, each once, as tx=1+2,receive=3,workers=4-7",
			text);
	*out = choice;
	return 0;
}

// The lcores that were named, by index; they are taken then.
static int find_named(struct table *t, const struct wm_lcore_list *list, const char *role, unsigned *at, unsigned *n,
	struct wm_err *err)
{
	for (unsigned i = 0; i < list->n; i++) {
		unsigned k = 0;

		while (k < t->ask->n_lcores && t->ask->lcores[k] != list->id[i])
			k++;
		if (k == t->ask->n_lcores)
			return wm_err_set(err, -EINVAL,
				"option --roles: lcore %u, named for %s, is not among those of -l", list->id[i], role);
		t->taken[k] = true;
		at[(*n)++] = k;
	}
	return 0;
}

static unsigned count_free(const struct table *t)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->ask->n_lcores; i++)
		n += !t->taken[i];
	return n;
}

// A free lcore, on that node where it can be; the main one if none is free.
static unsigned take_free(struct table *t, int node)
{
	unsigned found = 0;

	for (unsigned i = t->ask->n_lcores; i-- > 1;)
		if (!t->taken[i]
			&& (found == 0 || node < 0 || t->ask->lcore_nodes[i] == node
				|| t->ask->lcore_nodes[found] != node))
			found = i;
	t->taken[found] = true;
	return found;
}

// Lcores for queues, where none was named: one is left to the workers, if they have none yet.
static void choose_tx(struct table *t)
{
	unsigned n = count_free(t), spare = t->n_work == 0 && n > 1;

	n = n - spare < t->ask->n_queues ? n - spare : t->ask->n_queues;
	do
		t->tx[t->n_tx] = take_free(t, t->ask->queue_nodes[t->n_tx]);
	while (++t->n_tx < n);
}

// The lcore of those for queues that has the fewest, on the port's own node where one is.
static unsigned pick_tx(struct table *t, int node)
{
	unsigned best = t->tx[0];

	for (unsigned i = 1; i < t->n_tx; i++) {
		unsigned at = t->tx[i];
		bool near = node < 0 || t->ask->lcore_nodes[at] == node;
		bool best_near = node < 0 || t->ask->lcore_nodes[best] == node;

		if (near == best_near ? t->queues[at] < t->queues[best] : near)
			best = at;
	}
	t->queues[best]++;
	return best;
}

static int check_numbers(const struct wm_roles_ask *ask, struct wm_err *err)
{
	if (ask->n_lcores == 0 || ask->n_lcores > WM_LCORES_MAX)
		return wm_err_set(err, -ERANGE, "%u lcores: -l must name 1 to %d", ask->n_lcores, WM_LCORES_MAX);
	if (ask->n_queues == 0 || ask->n_queues > WM_QUEUES_MAX)
		return wm_err_set(err, -ERANGE, "%u queues: there must be 1 to %d", ask->n_queues, WM_QUEUES_MAX);
	if (ask->n_workers > WM_WORKERS_MAX)
		return wm_err_set(err, -ERANGE, "%u workers: there must be 1 to %d", ask->n_workers, WM_WORKERS_MAX);
	return 0;
}

int wm_roles_deal(struct wm_roles *out, const struct wm_roles_ask *ask, struct wm_err *err)
{
	struct table t = {.ask = ask, .taken = {true}};
	unsigned receiver[WM_LCORES_MAX] = {0}, n_receiver = 0;
	int rc = check_numbers(ask, err);

	if (rc == 0)
		rc = find_named(&t, &ask->choice.tx, "tx", t.tx, &t.n_tx, err);
	if (rc == 0)
		rc = find_named(&t, &ask->choice.receive, "receive", receiver, &n_receiver, err);
	if (rc == 0)
		rc = find_named(&t, &ask->choice.workers, "workers", t.work, &t.n_work, err);
	if (rc < 0)
		return rc;
	if (t.n_tx == 0)
		choose_tx(&t);
	if (ask->receives && n_receiver == 0 && count_free(&t) > (t.n_work == 0))
		receiver[0] = take_free(&t, ask->queue_nodes[0]);
	if (t.n_work == 0)
		do
			t.work[t.n_work++] = take_free(&t, -1);
		while (count_free(&t) > 0);

	out->n_queues = ask->n_queues;
	out->n_workers = ask->n_workers > 0 ? ask->n_workers : t.n_work;
	out->receiver_on = receiver[0];
	for (unsigned q = 0; q < out->n_queues; q++)
		out->queue_on[q] = pick_tx(&t, ask->queue_nodes[q]);
	for (unsigned w = 0; w < out->n_workers; w++)
		out->worker_on[w] = t.work[w % t.n_work];
	return 0;
}
