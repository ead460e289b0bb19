/* SPDX-License-Identifier: MPL-2.0 */
/* Between dnp3.c (link, transport, application header) and dnp3_object.c (objects). */
#ifndef DNP3_H
#define DNP3_H

#include "plant_parts.h"

enum dnp3_function {
	DNP3_READ = 1,
	DNP3_WRITE = 2,
	DNP3_SELECT = 3,
	DNP3_DIRECT_OPERATE_QUIET = 6,
	DNP3_FREEZE_AT_TIME = 11,
	DNP3_FREEZE_AT_TIME_QUIET = 12,
	DNP3_OPEN_FILE = 25,
	DNP3_AUTHENTICATE_QUIET = 33,
	DNP3_RESPONSE = 129,
	DNP3_UNSOLICITED = 130,
	DNP3_AUTHENTICATE_RESPONSE = 131,
};

/*
 * The objects of one fragment: fills object and value of *m, and where an object says more than the
 * function (time, files, refusals) operation and refused. False: they contradict themselves.
 */
bool dnp3_objects(struct slice bytes, uint8_t function, struct plant_message *m);

#endif
