// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/checkpoint.h>

#include <model/model.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { COUNTERS = 7 };

static int put_all(
	struct wm_model_writer *w, const struct necst_training *t, const struct necst_net *net, const float *best)
{
	const uint64_t counter[COUNTERS] = {
		t->fingerprint, t->epoch, t->update, t->best_update, t->since_best, net->step, t->epochs};
	const double loss[3] = {t->best.token, t->best.size, t->best.gap};
	size_t n = COUNTERS, losses = 3;
	int rc = wm_model_put_meta(w, "format", "wiremill-1");

	rc = rc < 0 ? rc : wm_model_put_meta(w, "kind", "necst checkpoint");
	rc = rc < 0 ? rc : wm_model_put(w, "counters", WM_U64, 1, &n, counter);
	rc = rc < 0 ? rc : wm_model_put(w, "loss", WM_F64, 1, &losses, loss);
	rc = rc < 0 ? rc : wm_model_put(w, "weights", WM_F32, 1, &net->n, net->w);
	rc = rc < 0 ? rc : wm_model_put(w, "best", WM_F32, 1, &net->n, best);
	rc = rc < 0 ? rc : wm_model_put(w, "m", WM_F32, 1, &net->n, net->m);
	return rc < 0 ? rc : wm_model_put(w, "v", WM_F32, 1, &net->n, net->v);
}

int necst_checkpoint_save(const char *path, const struct necst_training *t, const struct necst_net *net,
	const float *best, struct wm_err *err)
{
	struct wm_model_writer *w = NULL;
	int rc = wm_model_writer_create(&w);

	if (rc == 0)
		rc = put_all(w, t, net, best);
	if (rc < 0)
		(void)wm_err_sys(err, rc, "%s: writing the checkpoint", path);
	else
		rc = wm_model_write(w, path, err);
	wm_model_writer_destroy(w);
	return rc;
}

static int get_floats(float *to, size_t n, const struct wm_model *m, const char *name, struct wm_err *err)
{
	const void *data;
	int rc = wm_model_tensor(m, name, WM_F32, 1, &n, &data, err);

	if (rc == 0)
		memcpy(to, data, n * sizeof(float));
	return rc;
}

static int get_all(const struct wm_model *m, const char *path, struct necst_training *t, struct necst_net *net,
	float *best, struct wm_err *err)
{
	const void *counters, *loss;
	double values[3];
	uint64_t c[COUNTERS];
	size_t n = COUNTERS, losses = 3;
	int rc = wm_model_tensor(m, "counters", WM_U64, 1, &n, &counters, err);

	rc = rc < 0 ? rc : wm_model_tensor(m, "loss", WM_F64, 1, &losses, &loss, err);
	if (rc < 0)
		return rc;
	memcpy(c, counters, sizeof(c));
	if (c[0] != t->fingerprint || c[6] != t->epochs)
		return wm_err_set(err, -EINVAL,
			"%s: checkpoint of other data or options; give the same inputs and --seed, or remove it", path);
	rc = get_floats(net->w, net->n, m, "weights", err);
	rc = rc < 0 ? rc : get_floats(best, net->n, m, "best", err);
	rc = rc < 0 ? rc : get_floats(net->m, net->n, m, "m", err);
	rc = rc < 0 ? rc : get_floats(net->v, net->n, m, "v", err);
	if (rc < 0)
		return rc;
	t->epoch = (uint32_t)c[1];
	t->update = c[2];
	t->best_update = c[3];
	t->since_best = (uint32_t)c[4];
	net->step = c[5];
	memcpy(values, loss, sizeof(values));
	t->best = (struct necst_loss){values[0], values[1], values[2]};
	return 0;
}

int necst_checkpoint_load(
	const char *path, struct necst_training *t, struct necst_net *net, float *best, struct wm_err *err)
{
	struct wm_model *m = NULL;
	int rc;

	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	rc = wm_model_open(&m, path, err);
	if (rc == 0)
		rc = get_all(m, path, t, net, best, err);
	wm_model_close(m);
	return rc;
}
