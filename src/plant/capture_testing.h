/* SPDX-License-Identifier: MPL-2.0 */
/* For tests: real captures, read just well enough to hand their bytes to the decoders. */
#ifndef CAPTURE_TESTING_H
#define CAPTURE_TESTING_H

#include "plant.h"

/* Called before a frame's bytes are fed. */
typedef void (*capture_frame_fn)(void *context, unsigned frame);

struct capture_use {
	plant_message_fn message;
	capture_frame_fn frame; /* may be NULL */
	void *context;
	size_t piece; /* bytes per feed; 0: as they came */
	unsigned frames, streams, bad;
};

/* pcap or pcapng, Ethernet, IPv4; TCP put in order by dropping what came before and leaving gaps.
 * False: no such file. */
bool capture_read(const char *path, struct capture_use *use);
/* The folder of the captures; NULL: not here. */
const char *capture_folder(void);

#endif
