// SPDX-License-Identifier: BSD-3-Clause
#include <fidelity/gnuplot.h>
#include <fidelity/plots.h>
#include <fidelity/series.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	WIDTH = 400,
	HEIGHT = 290,
	MAP_WIDTH = 450,
	MAP_HEIGHT = 400,
	SCORES_WIDTH = 440,
	SCORE_HEIGHT = 34,
	SCORES_REST = 75
};

static const char *const role_names[WM_INPUTS] = {"real", "synthetic", "holdout"};

static const char preamble[] =
	"set encoding utf8\n"
	"set datafile missing 'nan'\n"
	"set border 3 linecolor rgb '#444444'\n"
	"set tics nomirror out scale 0.6 textcolor rgb '#222222'\n"
	"set grid linetype 1 linewidth 0.6 linecolor rgb '#dddddd'\n"
	"set key above left horizontal samplen 2.5 spacing 1.1 textcolor rgb '#222222'\n"
	"set style line 1 linecolor rgb '#0072B2' linewidth 2.2 dashtype 1 pointtype 7 pointsize 0.5\n"
	"set style line 2 linecolor rgb '#B84A00' linewidth 2.2 dashtype (9,4) pointtype 5 pointsize 0.5\n"
	"set style line 3 linecolor rgb '#1B7A43' linewidth 2.2 dashtype (2,3) pointtype 9 pointsize 0.6\n"
	"set style fill solid 0.25 noborder\n"
	"set lmargin at screen 0.2\nset rmargin at screen 0.95\nset tmargin at screen 0.89\nset bmargin at screen "
	"0.185\n"
	"set xlabel offset 0,0.5\nset ylabel offset 0.8,0\n";

// gnuplot's single-quoted strings know one special character.
static void put_quoted(FILE *out, const char *text)
{
	(void)fputc('\'', out);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\'')
			(void)fputc('\'', out);
		if ((unsigned char)*p >= ' ')
			(void)fputc(*p, out);
	}
	(void)fputc('\'', out);
}

static void begin_plot(FILE *out, unsigned width, unsigned height)
{
	(void)fprintf(out, "reset session\nset terminal svg size %u,%u dynamic noenhanced font 'sans-serif,13'\n%s",
		width, height, preamble);
}

static void put_columns(FILE *out, const struct wm_series *s)
{
	(void)fputs("$D << END\n", out);
	for (size_t i = 0; i < s->n; i++) {
		(void)fprintf(out, "%.9g", s->x[i]);
		for (int role = 0; role < WM_INPUTS; role++)
			(void)fprintf(out, " %.9g", s->y[role] != NULL ? s->y[role][i] : (double)NAN);
		(void)fputc('\n', out);
	}
	(void)fputs("END\n", out);
}

// How each kind of series is drawn. Lines are drawn in the order of the inputs, the real one first.
static const struct {
	const char *settings;
	const char *style;
	const char *line;  // what is not as the line styles have it
	const char *under; // of the real one, below all lines
	const char *y_label;
} looks[] = {
	[WM_SERIES_CDF] = {"set yrange [0:1.02]\n", "steps", "", NULL, "share of values up to x"},
	[WM_SERIES_HISTOGRAM] = {"set yrange [0:*]\n", "steps", "", "fillsteps", "share of values"},
	[WM_SERIES_RATE] = {"set yrange [0:*]\nset format y '%.0s%c'\n", "steps", "linewidth 1.1 dashtype 1",
		"fillsteps", "per second"},
	[WM_SERIES_ACF] = {"set xzeroaxis linecolor rgb '#444444'\n", "linespoints", "", NULL, "correlation"},
	[WM_SERIES_LOGSCALE] = {"", "linespoints", "", NULL, "log2 of energy"},
	[WM_SERIES_RANK] = {"set logscale y\n", "linespoints", "", NULL, "share"},
};

// 1, 2 or 5 times a power of ten, so that an axis has about five marks.
static double step_of(double range)
{
	double unit = pow(10, floor(log10(range / 5)));

	return range / 5 < 2 * unit ? unit : range / 5 < 5 * unit ? 2 * unit : 5 * unit;
}

static void put_x_axis(FILE *out, const struct wm_series *s)
{
	const double least = s->x[0], most = s->x[s->n - 1];

	if (s->log_x)
		(void)fprintf(
			out, "set logscale x\nset format x '%%.0s%%c'\nset xtics %d\n", most / least > 1e6 ? 100 : 10);
	else if (most > least)
		(void)fprintf(out, "set xrange [%g:%g]\nset xtics %g\n%s", least, most + (most - least) / 50,
			step_of(most - least), most >= 1e4 ? "set format x '%.0s%c'\n" : "");
	(void)fputs("set xlabel ", out);
	put_quoted(out, s->unit);
}

static void put_curves(FILE *out, const struct wm_series *s)
{
	const char *comma = "plot ";

	begin_plot(out, WIDTH, HEIGHT);
	put_columns(out, s);
	put_x_axis(out, s);
	(void)fprintf(out, "\nset ylabel '%s'\n%s", looks[s->kind].y_label, looks[s->kind].settings);
	if (looks[s->kind].under != NULL && wm_series_shows(s, WM_INPUT_REAL)) {
		(void)fprintf(out, "plot $D using 1:2 with %s linecolor rgb '#0072B2' notitle", looks[s->kind].under);
		comma = ", ";
	}
	for (unsigned role = 0; role < WM_INPUTS; role++) {
		if (!wm_series_shows(s, role))
			continue;
		(void)fprintf(out, "%s$D using 1:%u with %s linestyle %u %s title '%s'", comma, role + 2,
			looks[s->kind].style, role + 1, looks[s->kind].line, role_names[role]);
		comma = ", ";
	}
	(void)fputc('\n', out);
}

static double largest_share(const struct wm_series *s)
{
	double most = 0;

	for (int role = 0; role < WM_INPUTS; role++)
		for (size_t i = 0; s->y[role] != NULL && i < s->n * s->n; i++)
			most = fmax(most, s->y[role][i]);
	return most > 0 ? most : 1;
}

static void put_ticks(FILE *out, const struct wm_series *s, const char *axis)
{
	(void)fprintf(out, "set %s (", axis);
	for (size_t i = 0; i < s->n; i++) {
		put_quoted(out, s->labels[i]);
		(void)fprintf(out, " %zu%s", i, i + 1 < s->n ? ", " : ")\n");
	}
}

// Room that the longest label needs, in pixels: letters are about 7.6 wide.
static double label_room(const struct wm_series *s)
{
	size_t longest = 0;

	for (size_t i = 0; i < s->n; i++)
		longest = strlen(s->labels[i]) > longest ? strlen(s->labels[i]) : longest;
	return 7.6 * (double)longest + 16;
}

// Percentages over four decades; what never happens is white.
static void put_map(FILE *out, const struct wm_series *s, enum wm_input_role role)
{
	const double most = 100 * largest_share(s), edge = (double)s->n - 0.5, room = label_room(s);
	const double left = room / MAP_WIDTH, below = 0.75 * room / MAP_HEIGHT; // below, labels lean by 45 degrees

	begin_plot(out, MAP_WIDTH, MAP_HEIGHT);
	(void)fputs("$D << END\n", out);
	for (size_t i = 0; i < s->n * s->n; i++)
		(void)fprintf(out, "%.6g%c", 100 * s->y[role][i], i % s->n + 1 == s->n ? '\n' : ' ');
	(void)fputs("END\n", out);
	put_ticks(out, s, "xtics rotate by 45 right");
	put_ticks(out, s, "ytics");
	(void)fprintf(out,
		"unset key\nunset grid\nset border 15\nset style fill solid 1\nset logscale cb\nset cbrange [%g:%g]\n"
		"set format cb '%%g %%%%'\nset xrange [-0.5:%g]\nset yrange [%g:-0.5]\nset title '%s' offset 0,-0.5\n",
		most / 1e4, most, edge, edge, role_names[role]);
	(void)fprintf(out,
		"set lmargin at screen %.3f\nset rmargin at screen 0.8\nset tmargin at screen 0.93\nset bmargin at "
		"screen "
		"%.3f\nset colorbox user origin screen 0.825,screen %.3f size screen 0.025,screen %.3f\n"
		"set palette defined (0 '#EFE9D0', 1 '#A9C4A4', 2 '#4F9BA8', 3 '#2C6399', 4 '#22285E')\n"
		"plot $D matrix using 1:2:($3 > 0 ? $3 : NaN) with image pixels\n",
		left, below, below, 0.93 - below);
}

// Marks of a logarithmic axis from 1 on that have room side by side.
static const char *marks_up_to(double most)
{
	return most < 6 ? "1, 1.2, 1.5, 2, 3, 5" : most < 60 ? "1, 2, 5, 10, 20, 50" : "1, 3, 10, 30, 100, 300, 1000";
}

// Bars that begin at 1.
static void put_scores(FILE *out, const struct wm_fidelity *f)
{
	double most = 2;

	begin_plot(out, SCORES_WIDTH, SCORES_REST + SCORE_HEIGHT * (unsigned)f->n_groups);
	(void)fputs("$D << END\n", out);
	for (size_t i = 0; i < f->n_groups; i++) {
		most = fmax(most, f->groups[i].strict);
		(void)fprintf(out, "%zu %.6g %s\n", i, f->groups[i].strict, f->groups[i].name);
	}
	(void)fprintf(out,
		"END\nset logscale x\nset xrange [0.9:%g]\nset yrange [%g:-0.7]\nunset grid\nset grid x\nunset key\n"
		"set format x '%%g'\nset xtics (%s)\nset lmargin at "
		"screen 0.3\nset tmargin at screen 0.99\nset bmargin at screen "
		"%g\nset xlabel 'times as far from real as real from itself'\n"
		"set arrow 1 from 1,graph 0 to 1,graph 1 nohead linecolor rgb '#222222' linewidth 1.5 front\n"
		"plot $D using (1):1:(1):2:($1-0.3):($1+0.3):ytic(3) with boxxyerror linecolor rgb '#B84A00' "
		"fillstyle solid 0.85, '' using 2:1:(sprintf('  %%.2f', $2)) with labels left textcolor rgb "
		"'#222222'\n",
		most * pow(most, 0.3), (double)f->n_groups - 0.3, marks_up_to(most),
		55.0 / (SCORES_REST + SCORE_HEIGHT * (double)f->n_groups));
}

size_t wm_plots_of(const struct wm_series *s)
{
	size_t n = 0;

	if (s->kind != WM_SERIES_BIGRAM)
		return 1;
	for (int role = 0; role < WM_INPUTS; role++)
		n += s->y[role] != NULL;
	return n;
}

static bool has_scores(const struct wm_fidelity *f)
{
	for (size_t i = 0; i < f->n_groups; i++)
		if (isfinite(f->groups[i].strict))
			return true;
	return false;
}

static bool has_curves(const struct wm_series *s)
{
	bool any = false;

	for (unsigned role = 0; role < WM_INPUTS; role++)
		any |= wm_series_shows(s, role);
	return any;
}

// What a picture is of.
struct subject {
	const struct wm_series *series; // NULL = the scores
	enum wm_input_role role;        // of a map
	bool is_drawn;                  // there is something to show
};

// All pictures in order. @return how many; there is room for them.
static size_t find_subjects(struct subject *out, const struct wm_fidelity *f)
{
	size_t n = 0;

	out[n++] = (struct subject){.is_drawn = has_scores(f)};
	for (size_t i = 0; i < f->n_series; i++) {
		const struct wm_series *s = &f->series[i];

		if (s->kind != WM_SERIES_BIGRAM)
			out[n++] = (struct subject){s, WM_INPUT_REAL, has_curves(s)};
		for (unsigned role = 0; s->kind == WM_SERIES_BIGRAM && role < WM_INPUTS; role++)
			if (s->y[role] != NULL)
				out[n++] = (struct subject){s, role, wm_series_shows(s, role)};
	}
	return n;
}

static int write_script(FILE *out, const struct wm_fidelity *f, const struct subject *subjects, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct subject *of = &subjects[i];

		if (!of->is_drawn)
			continue;
		if (of->series == NULL)
			put_scores(out, f);
		else if (of->series->kind == WM_SERIES_BIGRAM)
			put_map(out, of->series, of->role);
		else
			put_curves(out, of->series);
	}
	return ferror(out) ? -EIO : 0;
}

// Take out all from one mark to the end of another.
static void cut(char *text, const char *from, const char *to)
{
	char *at = text, *end;

	while ((at = strstr(at, from)) != NULL && (end = strstr(at + strlen(from), to)) != NULL)
		memmove(at, end + strlen(to), strlen(end + strlen(to)) + 1);
}

// Width and height, behind 'viewBox="0 0 '.
static bool take_size(struct wm_plot *out, const char *text)
{
	char *end;

	out->width = (unsigned)strtoul(text, &end, 10);
	out->height = (unsigned)strtoul(end, &end, 10);
	return out->width > 0 && out->height > 0 && *end == '"';
}

// The next picture of what gnuplot printed, without its frame and what must be unique in a page.
static bool take_plot(struct wm_plot *out, char **at, bool first)
{
	static const char frame[] = "viewBox=\"0 0 ";
	char *begin = strstr(*at, frame), *end = begin != NULL ? strstr(begin, "</svg>") : NULL;
	char *canvas = begin != NULL ? strstr(begin, "<g id=\"gnuplot_canvas\"") : NULL;

	if (end == NULL || canvas == NULL || canvas > end || !take_size(out, begin + strlen(frame)))
		return false;
	*end = '\0';
	*at = end + 1;
	if (!first) // points are the same in all
		cut(canvas, "<defs>", "</defs>");
	cut(canvas, " id=\"gnuplot_", "\"");
	cut(canvas, "<title>", "</title>");
	out->svg = canvas;
	return true;
}

static int split(struct wm_plots *p, const struct subject *subjects, size_t n)
{
	char *at = p->text;
	bool is_first = true;

	p->plots = calloc(n, sizeof(*p->plots));
	if (p->plots == NULL)
		return -ENOMEM;
	for (; p->n < n; p->n++) {
		if (!subjects[p->n].is_drawn)
			continue;
		if (!take_plot(&p->plots[p->n], &at, is_first))
			return -EPROTO;
		is_first = false;
	}
	return 0;
}

static int draw(struct wm_plots *p, FILE *script, const struct wm_fidelity *f, struct wm_err *err)
{
	struct subject *subjects = calloc(1 + f->n_series * WM_INPUTS, sizeof(*subjects));
	size_t n = subjects != NULL ? find_subjects(subjects, f) : 0;
	int rc = subjects != NULL ? write_script(script, f, subjects, n) : -ENOMEM;

	if (rc < 0)
		(void)wm_err_sys(err, rc, "the plots' script");
	if (rc == 0)
		rc = wm_gnuplot_run(script, &p->text, err);
	if (rc == 0) {
		rc = split(p, subjects, n);
		if (rc < 0)
			(void)wm_err_set(err, rc, "gnuplot drew %zu of %zu plots", p->n, n);
	}
	free(subjects);
	return rc;
}

int wm_plots_draw(struct wm_plots *out, const struct wm_fidelity *f, struct wm_err *err)
{
	FILE *script = tmpfile();
	struct wm_plots p = {0};
	int rc;

	if (script == NULL)
		return wm_err_sys(err, -errno, "the plots' script");
	rc = draw(&p, script, f, err);
	(void)fclose(script);
	if (rc < 0) {
		wm_plots_free(&p);
		return rc;
	}
	*out = p;
	return 0;
}

void wm_plots_free(struct wm_plots *p)
{
	free(p->text);
	free(p->plots);
	memset(p, 0, sizeof(*p));
}
