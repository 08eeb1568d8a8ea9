// SPDX-License-Identifier: BSD-3-Clause
#include <dataset/values.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t second_ns = 1000000000;

static const char *skip_spaces(const char *text)
{
	return text + strspn(text, " \t");
}

// A finite decimal number. @return what stands behind it; NULL if there is none.
static const char *read_number(long double *out, const char *text)
{
	char *end;

	*out = strtold(text, &end); // which takes more than decimal numbers
	if (end == text || text[strcspn(text, "xXnN")] != '\0' || !isfinite((double)*out))
		return NULL;
	return end;
}

bool wm_value_number(double *out, const char *text)
{
	static const char letters[] = "KMG";
	long double v;
	const char *letter, *end = read_number(&v, text);

	if (end == NULL)
		return false;
	letter = *end == ' ' ? strchr(letters, *skip_spaces(end)) : NULL;
	if (letter != NULL && *letter != '\0') {
		for (const char *p = letters; p <= letter; p++)
			v *= 1000;
		end = skip_spaces(end) + 1;
	}
	if (*end != '\0' || !isfinite((double)v))
		return false;
	*out = (double)v;
	return true;
}

// A fraction of a second, cut after nine digits. @return what stands behind it.
static const char *read_fraction(int64_t *ns, const char *at)
{
	int64_t digit_ns = second_ns / 10;

	*ns = 0;
	if (*at != '.' && *at != ',')
		return at;
	for (at++; *at >= '0' && *at <= '9'; at++, digit_ns /= 10)
		*ns += (*at - '0') * digit_ns;
	return at;
}

static bool read_date(int64_t *out_ns, const char *text)
{
	struct tm tm = {0}, back;
	const char *at = strptime(text, "%Y-%m-%d", &tm);
	int64_t fraction_ns, zone_s;

	if (at == NULL || (*at != ' ' && *at != 'T'))
		return false;
	at = strptime(at + 1, "%H:%M:%S", &tm);
	if (at == NULL || tm.tm_year < 1678 - 1900 || tm.tm_year > 2261 - 1900)
		return false;
	at = skip_spaces(read_fraction(&fraction_ns, at));
	back = tm;
	at = *at != '\0' ? strptime(at, "%z", &tm) : at;
	if (at == NULL || *at != '\0')
		return false;
	zone_s = tm.tm_gmtoff;
	*out_ns = ((int64_t)timegm(&back) - zone_s) * second_ns + fraction_ns;
	return back.tm_mday == tm.tm_mday; // not the 30th of February
}

// Now is about 1.8e9 s.
static int64_t unit_of(double v)
{
	if (fabs(v) > 1e17)
		return 1;
	if (fabs(v) > 1e14)
		return second_ns / 1000000;
	return fabs(v) > 1e11 ? second_ns / 1000 : second_ns;
}

// long double: seconds since the epoch to the nanosecond have 61 bits, a double 53.
static bool read_count(int64_t *out_ns, struct wm_time_format *format, const char *text)
{
	long double v, ns;
	const char *end = read_number(&v, text);

	if (end == NULL || *end != '\0')
		return false;
	if (format->kind == WM_TIME_UNKNOWN)
		*format = (struct wm_time_format){WM_TIME_NUMBER, unit_of((double)v)};
	ns = roundl(v * (long double)format->unit_ns);
	if (fabsl(ns) > 9.2e18L)
		return false;
	*out_ns = (int64_t)ns;
	return true;
}

bool wm_value_time(int64_t *out_ns, struct wm_time_format *format, const char *text)
{
	if (format->kind != WM_TIME_DATE && read_count(out_ns, format, text))
		return true;
	if (format->kind == WM_TIME_NUMBER || !read_date(out_ns, text))
		return false;
	format->kind = WM_TIME_DATE;
	return true;
}

bool wm_value_address(char out[16], const char *text)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long v;

	if (digits == 0 || digits > 10 || (text[digits] != '\0' && strcmp(text + digits, ".0") != 0))
		return false;
	v = strtoul(text, NULL, 10);
	if (v > UINT32_MAX)
		return false;
	(void)snprintf(out, 16, "%lu.%lu.%lu.%lu", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
	return true;
}
