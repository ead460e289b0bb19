/* SPDX-License-Identifier: MPL-2.0 */
/* For simulators and benchmarks of a coalition. */
#ifndef SINK_NONE_H
#define SINK_NONE_H

#include "coalition/coalition.h"

/* A sink that has nothing, takes everything and keeps nothing; what one is about is put over it. */
struct coalition_sink sink_none(void *context);

#endif
