// SPDX-License-Identifier: BSD-3-Clause
// lora: the engine of LoRaWAN receptions. A flow is a device (in one direction) as long as it is there; its packets are
// the receptions of what it sends, at each gateway that hears it.
//
// A device sends at intervals of its own, or on a grid with a shift of its own each time; some of its frames are lost,
// so that its counter advances by one or more, some are sent again. What it sends (type, port, length, spreading
// factor) and on which channel are Markov chains. Each gateway hears it with a probability, at an RSSI and SNR whose
// distributions are kept as quantiles, whose course is an autoregressive process beneath them. Devices that say too
// little of themselves take what their family says: devices of one network that send frames of one type and length.
// Seldom heard devices leave, and new ones come, at the rate that was seen.
//
// Where the frames of a family come in waves, its devices keep to the wall clock (every half hour, say), and go on from
// where the capture ended: what comes together in it does so in what is milled.
//
// Payload is random bytes of the learned length: it is encrypted in any case. Addresses of new devices are drawn in
// their network.
#pragma once

#include <engine/engine.h>
#include <engine/fit.h>

extern const struct wm_engine wm_engine_lora;

wm_fit_fn lora_fit;
