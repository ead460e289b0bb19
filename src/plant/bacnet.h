/* SPDX-License-Identifier: MPL-2.0 */
/* Between bacnet.c (headers, services) and bacnet_value.c (tags, objects, properties, values). */
#ifndef BACNET_H
#define BACNET_H

#include "plant_parts.h"

/*
 * What the parameters of a service mean, by context tag number:
 *
 *   O object  P property  I index  V values  N number shown as value  p priority
 *   { } a list of the same again
 *
 * "0O1{0P1I2V3p}" is WritePropertyMultiple. Application tags outside of V are values, or an object
 * when they are object identifiers. Other tags are skipped.
 */
bool bacnet_parameters(struct slice bytes, const char *shape, struct plant_message *m);

/* The number under that context tag at the outermost level, also the first inside of it. */
bool bacnet_number(struct slice bytes, unsigned tag, uint32_t *ret_number);
/* NULL: without a name here. */
const char *bacnet_object_name(uint32_t type);
const char *bacnet_property_name(uint32_t property);
const char *bacnet_error_class(uint32_t number);
const char *bacnet_error_code(uint32_t number);

/* Class and code of an error (clause 18), bare or wrapped as some services have it. */
bool bacnet_error(struct slice bytes, struct plant_message *m);

enum {
	BACNET_PROPERTY_OUT_OF_SERVICE = 81,
	BACNET_PROPERTY_OBJECT_NAME = 77,
	BACNET_PROPERTY_PROGRAM_CHANGE = 90,
};

#endif
