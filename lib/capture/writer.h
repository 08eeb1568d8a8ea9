// SPDX-License-Identifier: BSD-3-Clause
// writer: frames into a pcap file with nanosecond time stamps, as a stream. Frames are built where they are written
// from: reserve room in the buffer, fill it, commit.
//
// What cannot be written whole, because the disk is full, is cut off behind the last record that is: the file stays
// one, and what is missing in it is counted.
//
// Little-endian, whatever the machine: the same frames are the same bytes.
// Source: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html, sections 4 and 5.
#pragma once

#include <base/err.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WM_FRAME_MAX = 262144 };

struct wm_capture_writer;

/**
 * @param path    "-" = standard output; else created, or emptied.
 * @param link    LINKTYPE_* of all frames.
 * @param snaplen Bytes of a frame that are written at most, up to WM_FRAME_MAX; its length is told in any case.
 * @return 0; -errno with a sentence.
 */
int wm_capture_writer_open(
	struct wm_capture_writer **out, const char *path, int link, uint32_t snaplen, struct wm_err *err);

/** Room for a frame of len bytes, at most WM_FRAME_MAX; not cleared. @return NULL once writing has failed. */
uint8_t *wm_capture_writer_reserve(struct wm_capture_writer *w, uint32_t len);

/** The frame reserved last is complete; len is at most what was reserved.
 *  @return false where its time is beyond 2106: it and what follows is left out, and closing says why. */
bool wm_capture_writer_commit(struct wm_capture_writer *w, uint64_t time_ns, uint32_t len);

/** Write what is complete, so that it is in the file whatever becomes of the program. What fails is told by closing. */
void wm_capture_writer_flush(struct wm_capture_writer *w);

// What was committed and will never be in the file.
struct wm_capture_lost {
	uint64_t packets;
	uint64_t bytes; // of whole frames
};

/** Write what is left and close; also after a failure, which is told here, with how many of the packets that were
 *  committed are not in the file. NULL is allowed. @return 0; -errno with a sentence. */
int wm_capture_writer_close(struct wm_capture_writer *w, struct wm_capture_lost *lost, struct wm_err *err);
