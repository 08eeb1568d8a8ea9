// SPDX-License-Identifier: BSD-3-Clause
// semtech: receptions as gateways forward them over IP: the UDP protocol of Semtech's packet forwarder.
//
//	PUSH_DATA   version (2), token (16 bits), 0, gateway EUI (64), JSON: {"rxpk":[{...}]}
//	PUSH_ACK    version (2), token, 1
// Source: https://github.com/Lora-net/packet_forwarder, PROTOCOL.TXT, sections 3 and 4.
//
// Also the forms (packet/form.h) whose frames are made of a reception: LoRaTap, PUSH_DATA and PUSH_ACK. Their samples
// hold a struct wm_lora where those of IP have addresses, in seq the key of the payload, and no ports.
#pragma once

#include <packet/form.h>
#include <packet/lora.h>

#include <stddef.h>
#include <stdint.h>

enum {
	WM_SEMTECH_PORT = 1700,
	WM_SEMTECH_JSON_MAX = 640,
};

/** Where a gateway and its server are: IPv4 addresses and ports in host byte order. */
struct wm_semtech_route {
	uint64_t eui;
	uint32_t gateway;
	uint32_t server;
	uint16_t gateway_port;
	uint16_t server_port;
};

#define WM_BASE64_LEN(n) (((n) + 2) / 3 * 4)
/** Write base64 (RFC 4648 section 4), not terminated. @param out WM_BASE64_LEN(n) bytes. @return its length. */
size_t wm_base64_write(char *out, const uint8_t *data, size_t n);

/** Write the JSON of a reception, not terminated. @param out WM_SEMTECH_JSON_MAX bytes. @return its length. */
size_t wm_semtech_json(char *out, const struct wm_lora *l, uint32_t key);

/** A form of LoRaTap frames. @param eui Of the gateway (version 1 alone says it). */
void wm_form_loratap(struct wm_form *form, unsigned version, uint64_t eui);
/** Forms of the datagrams between a gateway and its server. */
void wm_form_push_data(struct wm_form *form, const struct wm_semtech_route *route);
void wm_form_push_ack(struct wm_form *form, const struct wm_semtech_route *route);

/** The gateway that a form's receptions are of; 0 = not known. */
uint64_t wm_form_lora_eui(const struct wm_form *form);

/** Whether a form is one of these. */
bool wm_form_is_lora(const struct wm_form *form);

/** The length that a sample of such a form has to have. */
uint16_t wm_lora_frame_len(const struct wm_form *form, const struct wm_sample *s);
