// SPDX-License-Identifier: BSD-3-Clause
#include <base/bytes.h>
#include <base/philox.h>
#include <packet/lora.h>

#include <errno.h>

enum {
	RSSI_OFFSET = 139,
	NOT_KNOWN = 255,      // RSSI
	FLAG_CRC_GOOD = 0x08, // of version 1
	FLAG_CRC_BAD = 0x10,
	FLAG_CRC_NONE = 0x20,
	JOIN_LEN = 23,
	DATA_LEN_MIN = 12,
	MTYPE_JOIN = 0,
	MTYPE_DATA_FIRST = 2,
	MTYPE_DATA_LAST = 5,
	LINK_CHECK = 0x02, // MAC commands: one byte up,
	LINK_ADR = 0x03,   // two bytes up,
	DEV_STATUS = 0x06, // one byte down
};

// ---------------------------------------------------------------------------------------------- PHYPayload

void wm_phy_read(struct wm_lora *out, const uint8_t *phy, size_t len)
{
	unsigned mtype;

	out->mhdr = phy[0];
	out->fctrl = out->fport = 0;
	out->fcnt = 0;
	out->kind = WM_LORA_OTHER;
	memset(out->addr, 0, sizeof(out->addr));
	out->len = (uint8_t)len;
	mtype = wm_lora_mtype(out);
	if ((phy[0] & 0x1f) != 0) // RFU bits, or a major version that no one knows
		return;
	if (mtype == MTYPE_JOIN && len == JOIN_LEN) { // MHDR, AppEUI (8), DevEUI (8), DevNonce (2), MIC (4)
		out->kind = WM_LORA_JOIN;
		for (int i = 0; i < 4; i++)
			out->addr[i] = phy[12 - i];
		out->fcnt = (uint16_t)(phy[17] | phy[18] << 8);
	} else if (mtype >= MTYPE_DATA_FIRST && mtype <= MTYPE_DATA_LAST && len >= DATA_LEN_MIN
		   && len >= DATA_LEN_MIN + (phy[5] & 0x0fu)) {
		out->kind = WM_LORA_DATA;
		for (int i = 0; i < 4; i++)
			out->addr[i] = phy[4 - i];
		out->fctrl = phy[5];
		out->fcnt = (uint16_t)(phy[6] | phy[7] << 8);
		if (wm_lora_has_port(out))
			out->fport = phy[8 + wm_lora_fopts_len(out)];
	}
}

// Random bytes of this frame, from number `at` of them on.
static void fill(uint8_t *p, size_t n, const struct wm_lora *l, uint32_t key)
{
	const uint32_t keys[2] = {key, l->mhdr};
	uint32_t ctr[4] = {0, wm_be32(l->addr), l->fcnt, 0x4C6F5261};

	for (size_t i = 0; i < n; i += sizeof(ctr)) {
		uint32_t out[4];

		ctr[0] = (uint32_t)i;
		wm_philox(ctr, keys, out);
		for (size_t k = 0; k < sizeof(out) && i + k < n; k++)
			p[i + k] = (uint8_t)(out[k / 4] >> 8 * (k & 3));
	}
}

static void put_le16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void put_fopts(uint8_t *p, unsigned n, bool down)
{
	unsigned i = 0;

	for (; !down && i + 2 <= n; i += 2) {
		p[i] = LINK_ADR;
		p[i + 1] = 0x07; // power, data rate and channels accepted
	}
	for (; i < n; i++)
		p[i] = down ? DEV_STATUS : LINK_CHECK;
}

void wm_phy_write(uint8_t *phy, const struct wm_lora *l, uint32_t key)
{
	fill(phy, l->len, l, key);
	phy[0] = l->mhdr;
	if (l->kind == WM_LORA_JOIN) {
		const uint8_t prefix[4] = {0, 0, 0, 2}; // a locally administered EUI, its upper half: 02-00-00-00

		fill(phy + 1, 8, &(struct wm_lora){.addr = {l->addr[0], l->addr[1]}}, 0); // AppEUI of all its kind
		memcpy(phy + 13, prefix, sizeof(prefix));
		for (int i = 0; i < 4; i++)
			phy[12 - i] = l->addr[i];
		put_le16(phy + 17, l->fcnt);
	} else if (l->kind == WM_LORA_DATA) {
		unsigned fopts = wm_lora_fopts_len(l);

		for (int i = 0; i < 4; i++)
			phy[4 - i] = l->addr[i];
		phy[5] = l->fctrl;
		put_le16(phy + 6, l->fcnt);
		put_fopts(phy + 8, fopts, wm_lora_mtype(l) & 1);
		if (wm_lora_has_port(l))
			phy[8 + fopts] = l->fport;
	}
}

// ---------------------------------------------------------------------------------------------- LoRaTap

// Where the SNR is negative, RSSI may have been written in quarters (as the specification has it) or in whole dB (as
// most tools do). The maximum is in whole dB in any case, and is that of the packet.
static int16_t read_rssi(const uint8_t *rssi, int snr)
{
	int whole = rssi[0] - RSSI_OFFSET, quarters = (rssi[0] + 2) / 4 - RSSI_OFFSET, max = rssi[1] - RSSI_OFFSET;
	int off_whole, off_quarters;

	if (snr >= 0)
		return (int16_t)whole;
	if (rssi[1] == NOT_KNOWN)
		return (int16_t)quarters;
	off_whole = whole > max ? whole - max : max - whole;
	off_quarters = quarters > max ? quarters - max : max - quarters;
	return (int16_t)(off_quarters < off_whole ? quarters : whole);
}

static void read_tail(struct wm_lora *out, uint64_t *eui, const uint8_t *p)
{
	*eui = (uint64_t)wm_be32(p) << 32 | wm_be32(p + 4);
	out->clock_us = wm_be32(p + 8);
	out->crc = p[12] & FLAG_CRC_BAD ? WM_LORA_CRC_BAD : p[12] & FLAG_CRC_NONE ? WM_LORA_CRC_NONE : WM_LORA_CRC_GOOD;
	if (p[13] >= WM_LORA_CR_MIN && p[13] <= WM_LORA_CR_MAX)
		out->cr = p[13];
	out->channel = p[16];
}

int wm_loratap_read(struct wm_lora *out, uint64_t *eui, size_t *phy, const uint8_t *frame, size_t len)
{
	struct wm_lora l = {.cr = WM_LORA_CR_MIN, .crc = WM_LORA_CRC_GOOD};
	size_t head;

	if (len < WM_LORATAP_LEN)
		return -EINVAL;
	head = wm_be16(frame + 2);
	if (frame[0] > 1 || head < WM_LORATAP_LEN || head >= len || len - head > WM_PHY_MAX)
		return -EINVAL;
	l.freq_hz = wm_be32(frame + 4);
	l.bw = frame[8];
	l.sf = frame[9];
	if (l.bw == 0 || l.bw > 4 || l.sf < 5 || l.sf > 12 || l.freq_hz == 0)
		return -EINVAL;
	l.snr = (int8_t)frame[13];
	l.rssi = read_rssi(frame + 10, l.snr);
	l.sync = frame[14];
	*eui = 0;
	if (frame[0] == 1 && head >= WM_LORATAP1_LEN) // an early version 1 was shorter
		read_tail(&l, eui, frame + WM_LORATAP_LEN);
	wm_phy_read(&l, frame + head, len - head);
	*out = l;
	*phy = head;
	return frame[0];
}

size_t wm_loratap_write(uint8_t *p, const struct wm_lora *l, unsigned version, uint64_t eui)
{
	int rssi = l->rssi + RSSI_OFFSET;
	size_t len = version == 1 ? WM_LORATAP1_LEN : WM_LORATAP_LEN;

	p[0] = (uint8_t)version;
	p[1] = 0;
	wm_put_be16(p + 2, (uint16_t)len);
	wm_put_be32(p + 4, l->freq_hz);
	p[8] = l->bw;
	p[9] = l->sf;
	memset(p + 10, rssi < 0 ? 0 : rssi > UINT8_MAX ? UINT8_MAX : rssi, 3);
	p[13] = (uint8_t)l->snr;
	p[14] = l->sync;
	if (version == 0)
		return len;
	wm_put_be32(p + 15, (uint32_t)(eui >> 32));
	wm_put_be32(p + 19, (uint32_t)eui);
	wm_put_be32(p + 23, l->clock_us);
	p[27] = l->crc == WM_LORA_CRC_BAD ? FLAG_CRC_BAD : l->crc == WM_LORA_CRC_NONE ? FLAG_CRC_NONE : FLAG_CRC_GOOD;
	p[28] = l->cr;
	wm_put_be16(p + 29, 0);
	p[31] = l->channel;
	p[32] = 0;
	wm_put_be16(p + 33, 0);
	return len;
}
