// SPDX-License-Identifier: BSD-3-Clause
#include "lora_line.h"

#include <packet/lora.h>
#include <packet/semtech.h>

#include <inttypes.h>
#include <time.h>

enum { HEADER = 9, OVERHEAD = 16 };

const char lora_line_header[] = "time,device_address,physical_payload,gateway,crc_status,frequency,spreading_factor,"
				"bandwidth,code_rate,rssi,snr,size,mtype,fcnt,fport,payload_length,header_length,"
				"length_total\n";

// LoED writes the message type's three bits as a decimal number.
static unsigned bits_as_number(unsigned mtype)
{
	return (mtype >> 2 & 1) * 100 + (mtype >> 1 & 1) * 10 + (mtype & 1);
}

void lora_line_write(FILE *out, const struct wm_form *form, const struct wm_sample *s)
{
	static const int crc[] = {0, 1, -1}; // by enum wm_lora_crc
	const struct wm_lora *l = &s->lora;
	char when[32], payload[WM_BASE64_LEN(WM_PHY_MAX) + 1];
	time_t second = (time_t)(s->time_ns / 1000000000);
	uint8_t phy[WM_PHY_MAX];
	struct tm tm;
	size_t n;

	wm_phy_write(phy, l, s->seq);
	n = wm_base64_write(payload, phy, l->len);
	payload[n] = '\0';
	(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", gmtime_r(&second, &tm));
	(void)fprintf(out, "%s.%06" PRIu64 "+00:00,", when, s->time_ns / 1000 % 1000000);
	if (l->kind != WM_LORA_OTHER)
		(void)fprintf(out, "%02x%02x%02x%02x", l->addr[0], l->addr[1], l->addr[2], l->addr[3]);
	(void)fprintf(out, ",%s,%016" PRIx64 ",%d,%" PRIu32 ",%u.0,%u.0,4/%u,%d,%.1f,%u,%u,", payload,
		wm_form_lora_eui(form), crc[l->crc], l->freq_hz, l->sf, 125u * l->bw, l->cr, l->rssi,
		(double)l->snr / 4, l->len, bits_as_number(wm_lora_mtype(l)));
	if (l->kind != WM_LORA_OTHER)
		(void)fprintf(out, "%u", l->fcnt);
	(void)fputc(',', out);
	if (wm_lora_has_port(l))
		(void)fprintf(out, "%u.0", l->fport);
	(void)fprintf(out, ",%zu,%d,%zu\n", n, HEADER, n + OVERHEAD);
}
