// SPDX-License-Identifier: BSD-3-Clause
#include "html_pvt.h"

#include <fidelity/remarks.h>

#include <math.h>
#include <stdlib.h>

const char *const wm_html_roles[WM_INPUTS] = {"real", "synthetic", "holdout"};

// Length of the UTF-8 sequence at p, or 0 if it is none (RFC 3629 section 4).
static size_t utf8_len(const char *p)
{
	const unsigned char *s = (const unsigned char *)p;
	size_t n = *s < 0x80                 ? 1
		   : *s >= 0xc2 && *s < 0xe0 ? 2
		   : *s >= 0xe0 && *s < 0xf0 ? 3
		   : *s >= 0xf0 && *s < 0xf5 ? 4
					     : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] >= 0xa0) || (*s == 0xf0 && s[1] < 0x90)
		|| (*s == 0xf4 && s[1] >= 0x90))
		return 0;
	return n;
}

void wm_html_text(FILE *out, const char *text)
{
	while (*text != '\0') {
		size_t n = utf8_len(text);

		if (n == 0 || (n == 1 && (unsigned char)*text < ' ') || *text == 0x7f)
			(void)fputs("\xef\xbf\xbd", out); // replacement character
		else if (*text == '&')
			(void)fputs("&amp;", out);
		else if (*text == '<')
			(void)fputs("&lt;", out);
		else if (*text == '>')
			(void)fputs("&gt;", out);
		else if (*text == '"')
			(void)fputs("&quot;", out);
		else
			(void)fwrite(text, 1, n, out);
		text += n > 0 ? n : 1;
	}
}

void wm_html_cell(FILE *out, double v)
{
	char text[32];

	wm_remark_number(text, v);
	(void)fprintf(out, "<td class=\"n\">%s</td>", text);
}

void wm_html_verdict(FILE *out, enum wm_verdict v, char follows)
{
	char words[16];

	wm_verdict_words(words, v, follows);
	(void)fprintf(out, "<td class=\"w v%d\">%s</td>", (int)v, words);
}

void wm_html_plot(FILE *out, const struct wm_plot *p, const char *name, const char *words)
{
	if (p->svg == NULL) {
		(void)fputs("<p class=\"nothing\">", out);
		wm_html_text(out, words);
		(void)fputs("</p>\n", out);
		return;
	}
	(void)fprintf(out, "<svg viewBox=\"0 0 %u %u\" role=\"img\" aria-label=\"", p->width, p->height);
	wm_html_text(out, name);
	(void)fputs(". ", out);
	wm_html_text(out, words);
	(void)fprintf(out, "\">%s</svg>\n", p->svg);
}

static int worse(const void *a, const void *b)
{
	const struct wm_metric *const *x = a, *const *y = b;

	if ((*x)->ratio != (*y)->ratio)
		return (*x)->ratio > (*y)->ratio ? -1 : 1;
	return (*x > *y) - (*x < *y);
}

size_t wm_html_metrics_of(const struct wm_fidelity *f, char letter, const struct wm_metric **out)
{
	size_t n = 0, rated;

	for (size_t i = 0; i < f->n_metrics; i++)
		if ((letter == 0 || f->metrics[i].def->key[0] == letter) && !isnan(f->metrics[i].ratio))
			out[n++] = &f->metrics[i];
	rated = n;
	for (size_t i = 0; i < f->n_metrics; i++)
		if ((letter == 0 || f->metrics[i].def->key[0] == letter) && isnan(f->metrics[i].ratio))
			out[n++] = &f->metrics[i];
	qsort(out, rated, sizeof(*out), worse); // NOLINT(bugprone-sizeof-expression): of pointers
	return n;
}
