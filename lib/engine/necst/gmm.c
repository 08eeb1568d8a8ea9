// SPDX-License-Identifier: BSD-3-Clause
#include <engine/necst/gmm.h>

#include <base/philox.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ITERATIONS = 60, SAMPLE = 20000, PATIENCE = 2 };

static const double TOLERANCE = 1e-4; // of the mean log-likelihood
static const double FLOOR = 1e-4;     // of a variance, in units of the data's own variance

struct em {
	size_t n, dims;
	const float *x;
	double *resp; // (n, k) responsibilities
	double floor; // added to each variance
};

static int gmm_alloc(struct necst_gmm *g, size_t k, size_t dims)
{
	*g = (struct necst_gmm){.dims = dims, .k = k};
	g->weight = calloc(k, sizeof(double));
	g->mean = calloc(k * dims, sizeof(double));
	g->chol = calloc(k * dims * dims, sizeof(double));
	if (g->weight == NULL || g->mean == NULL || g->chol == NULL) {
		necst_gmm_free(g);
		return -ENOMEM;
	}
	return 0;
}

void necst_gmm_free(struct necst_gmm *g)
{
	free(g->weight);
	free(g->mean);
	free(g->chol);
	*g = (struct necst_gmm){0};
}

// log of weight * density of component c at x
static double log_joint(const struct necst_gmm *g, size_t c, const float *x)
{
	const double *l = g->chol + c * g->dims * g->dims, *mean = g->mean + c * g->dims;
	double y[NECST_GMM_DIMS_MAX], q = 0, log_det = 0;

	for (size_t i = 0; i < g->dims; i++) {
		double s = (double)x[i] - mean[i];

		for (size_t j = 0; j < i; j++)
			s -= l[i * g->dims + j] * y[j];
		y[i] = s / l[i * g->dims + i];
		q += y[i] * y[i];
		log_det += log(l[i * g->dims + i]);
	}
	return log(g->weight[c]) - 0.5 * q - log_det - 0.5 * (double)g->dims * log(2 * M_PI);
}

size_t necst_gmm_assign(const struct necst_gmm *g, const float *x)
{
	size_t best = 0;
	double most = -HUGE_VAL;

	for (size_t c = 0; g->k > 1 && c < g->k; c++) {
		double l = g->weight[c] > 0 ? log_joint(g, c, x) : -HUGE_VAL;

		if (l > most) {
			most = l;
			best = c;
		}
	}
	return best;
}

static double square_distance(const float *a, const float *b, size_t dims)
{
	double d = 0;

	for (size_t i = 0; i < dims; i++)
		d += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
	return d;
}

// k-means++: each further centre is a point drawn with probability proportional to its squared distance from the
// centres so far; responsibilities start as the nearest centre.
static void seed_centres(struct em *e, size_t k, struct wm_rng *rng, double *near)
{
	size_t centre = wm_rng_below(rng, (uint32_t)e->n);

	memset(e->resp, 0, e->n * k * sizeof(*e->resp));
	for (size_t i = 0; i < e->n; i++)
		near[i] = HUGE_VAL;
	for (size_t c = 0; c < k; c++) {
		double sum = 0, at;

		for (size_t i = 0; i < e->n; i++) {
			double d = square_distance(e->x + i * e->dims, e->x + centre * e->dims, e->dims);

			if (d < near[i]) {
				near[i] = d;
				memset(e->resp + i * k, 0, k * sizeof(*e->resp));
				e->resp[i * k + c] = 1;
			}
			sum += near[i];
		}
		at = sum * (double)wm_rng_f32(rng);
		for (centre = 0; centre + 1 < e->n && at >= near[centre]; centre++)
			at -= near[centre];
	}
}

static void cholesky(double *a, size_t dims, double floor)
{
	for (size_t i = 0; i < dims; i++) {
		for (size_t j = 0; j <= i; j++) {
			double s = a[i * dims + j];

			for (size_t m = 0; m < j; m++)
				s -= a[i * dims + m] * a[j * dims + m];
			a[i * dims + j] = i == j ? sqrt(s > floor ? s : floor) : s / a[j * dims + j];
		}
		for (size_t j = i + 1; j < dims; j++)
			a[i * dims + j] = 0;
	}
}

// Weights (as sums of responsibilities) and means.
static void sum_means(struct necst_gmm *g, const struct em *e)
{
	const size_t d = e->dims, k = g->k;

	memset(g->weight, 0, k * sizeof(*g->weight));
	memset(g->mean, 0, k * d * sizeof(*g->mean));
	for (size_t i = 0; i < e->n; i++) {
		for (size_t c = 0; c < k; c++) {
			const double r = e->resp[i * k + c];

			g->weight[c] += r;
			for (size_t a = 0; a < d; a++)
				g->mean[c * d + a] += r * (double)e->x[i * d + a];
		}
	}
	for (size_t i = 0; i < k * d; i++)
		g->mean[i] /= g->weight[i / d] > 0 ? g->weight[i / d] : 1;
}

// Add one point's share to the lower half of a component's scatter matrix.
static void add_scatter(double *cov, const float *x, const double *mean, size_t dims, double share)
{
	for (size_t a = 0; a < dims; a++)
		for (size_t b = 0; b <= a; b++)
			cov[a * dims + b] += share * ((double)x[a] - mean[a]) * ((double)x[b] - mean[b]);
}

static void maximise(struct necst_gmm *g, const struct em *e)
{
	const size_t d = e->dims, k = g->k;

	sum_means(g, e);
	memset(g->chol, 0, k * d * d * sizeof(*g->chol));
	for (size_t i = 0; i < e->n; i++)
		for (size_t c = 0; c < k; c++)
			if (e->resp[i * k + c] > 0)
				add_scatter(g->chol + c * d * d, e->x + i * d, g->mean + c * d, d, e->resp[i * k + c]);
	for (size_t c = 0; c < k; c++) {
		double *cov = g->chol + c * d * d;

		for (size_t i = 0; i < d * d; i++)
			cov[i] /= g->weight[c] > 0 ? g->weight[c] : 1;
		for (size_t a = 0; a < d; a++)
			cov[a * d + a] += e->floor;
		cholesky(cov, d, e->floor);
		g->weight[c] /= (double)e->n;
	}
}

// Responsibilities of all points; returns the log-likelihood.
static double expect(const struct necst_gmm *g, struct em *e)
{
	double sum = 0;

	for (size_t i = 0; i < e->n; i++) {
		double *r = e->resp + i * g->k, most = -HUGE_VAL, all = 0;

		for (size_t c = 0; c < g->k; c++) {
			r[c] = g->weight[c] > 0 ? log_joint(g, c, e->x + i * e->dims) : -HUGE_VAL;
			most = r[c] > most ? r[c] : most;
		}
		for (size_t c = 0; c < g->k; c++) {
			r[c] = exp(r[c] - most);
			all += r[c];
		}
		for (size_t c = 0; c < g->k; c++)
			r[c] /= all;
		// cppcheck-suppress invalidFunctionArg ; a mixture has components, and the most likely one adds 1
		sum += most + log(all);
	}
	return sum;
}

static int fit_one(struct necst_gmm *g, struct em *e, size_t k, uint64_t seed, double *near)
{
	const double d = (double)e->dims;
	const double parameters = (double)k * (d * (d + 1) / 2 + d + 1) - 1;
	double last = -HUGE_VAL, now = -HUGE_VAL;
	struct wm_rng rng;

	if (gmm_alloc(g, k, e->dims) < 0)
		return -ENOMEM;
	wm_rng_init(&rng, seed, WM_STREAM_CLUSTER, k);
	seed_centres(e, k, &rng, near);
	for (int i = 0; i < ITERATIONS; i++) {
		maximise(g, e);
		now = expect(g, e);
		if (now - last < TOLERANCE * (double)e->n)
			break;
		last = now;
	}
	g->bic = -2 * now + parameters * log((double)e->n);
	return 0;
}

// Every (n / SAMPLE)-th point, and the variance floor from the data's own spread.
static int em_init(struct em *e, float **copy, const float *x, size_t n, size_t dims, size_t k_max)
{
	size_t step = n / SAMPLE + 1, m = (n + step - 1) / step;
	double var = 0;

	*copy = malloc((m * dims + 1) * sizeof(**copy));
	e->resp = malloc((m * k_max + 1) * sizeof(*e->resp));
	if (*copy == NULL || e->resp == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < m; i++)
		memcpy(*copy + i * dims, x + i * step * dims, dims * sizeof(float));
	for (size_t a = 0; a < dims; a++) {
		double s = 0, q = 0;

		for (size_t i = 0; i < m; i++) {
			s += (double)(*copy)[i * dims + a];
			q += (double)(*copy)[i * dims + a] * (double)(*copy)[i * dims + a];
		}
		var += q / (double)m - (s / (double)m) * (s / (double)m);
	}
	e->n = m;
	e->dims = dims;
	e->x = *copy;
	e->floor = FLOOR * (var / (double)dims) + 1e-9;
	return 0;
}

int necst_gmm_fit(struct necst_gmm *out, const float *x, size_t n, size_t dims, size_t k_max, uint64_t seed)
{
	struct em e = {0};
	struct necst_gmm best = {0}, g = {0};
	double *near = NULL;
	float *copy = NULL;
	size_t worse = 0;
	int rc = em_init(&e, &copy, x, n, dims, k_max);

	if (rc == 0)
		near = malloc((e.n + 1) * sizeof(*near));
	if (rc < 0 || near == NULL) {
		rc = -ENOMEM;
		goto out;
	}
	for (size_t k = 1; k <= k_max && worse < PATIENCE; k++) {
		rc = fit_one(&g, &e, k, seed, near);
		if (rc < 0)
			goto out;
		if (k == 1 || g.bic < best.bic) {
			necst_gmm_free(&best);
			best = g;
			g = (struct necst_gmm){0};
			worse = 0;
		} else {
			necst_gmm_free(&g);
			worse++;
		}
	}
	*out = best;
	best = (struct necst_gmm){0};
out:
	necst_gmm_free(&best);
	free(copy);
	free(near);
	free(e.resp);
	return rc;
}
