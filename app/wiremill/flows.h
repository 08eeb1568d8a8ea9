// SPDX-License-Identifier: BSD-3-Clause
// flows: what became of each flow, from its samples: the NetFlow-like table (--csv) and the ground truth (--labels).
// A flow is written when it ends, once flows_flush() says so at the latest, in that order, and what is still in flight
// at the end by its start; memory is that of flows in flight.
//
// csv: te,td,sa,da,sp,dp,pr,flg,fwd,stos,pkt,byt,label, one line for each direction that has packets, as UGR'16; IP
// flows alone; bytes are those of IP datagrams.
//
// Where all models are of LoRa receptions, csv is a table of these instead, as they were written (lora_line.h).
//
// labels: start,end,src,dst,sport,dport,proto,label,model,packets,bytes, one line a flow, both directions; times in
// seconds; bytes are those of frames; addresses of frames that are not IP are MAC addresses.
#pragma once

#include "models.h"

#include <packet/sample.h>

#include <stdbool.h>
#include <stdint.h>

struct flows;

/** Start the files that the settings name, at least one. @param models, s Borrowed. @return 0; -errno with a sentence.
 */
int flows_create(struct flows **out, const struct models *models, const struct settings *s, struct wm_err *err);

/** Count a sample that was written. @return false once a table has failed: flows_finish() says why. */
bool flows_count(struct flows *f, const struct wm_sample *s);

/** A flow has ended with the packet that was its last so far; or all flows of a lap have (WM_TICK_LAP). */
void flows_end(struct flows *f, const struct wm_sample *tick);

/** Write the lines of flows that have ended, and beside the labels those of flows that have not (in_flight.h): whoever
 *  is killed later leaves both whole. */
void flows_flush(struct flows *f);

/** A sentence about what went wrong and loses nothing as long as the run goes on, once. @return NULL if there is none.
 */
const char *flows_remark(struct flows *f);

/** How it stands. @return 0; -errno with a sentence of what went wrong. */
int flows_check(const struct flows *f, struct wm_err *err);

/** Write what is in flight, end both files. @return 0; -errno with a sentence, also of what went wrong before. */
int flows_finish(struct flows *f, struct wm_err *err);

void flows_destroy(struct flows *f); // NULL is allowed; files that were not finished stay as far as written
