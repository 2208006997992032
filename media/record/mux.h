/* mux.h - `yz-recorderd --mux SEGMENT… OUT`: a track's journals become one file. Only here does GStreamer run.
 *
 * The work folder is the recording's; names are plain. The answer is one line of JSON on stdout (muxer.c reads it):
 *   {"ok":true,"first_us":N,"duration_ms":N,"packets":N,"lost":N,"frames":N} or {"ok":false,"reason":"no_keyframe",…}
 * VP8 and Opus become WebM, H264 Matroska (avc3: its parameter sets may change within the file). A file begins at 0 with its
 * first picture that needs no other, or its first sound; first_us says when that was.
 */
#pragma once

/** @return exit status: 0 when an answer was written */
int mux_main(int argc, char **argv);
