/* SPDX-License-Identifier: MPL-2.0 */
/* The numbers of MMS (ISO 9506-2), and which of its services says what it acts on where. */
#ifndef MMS_H
#define MMS_H

#include "plant_parts.h"

enum mms_pdu {
	MMS_CONFIRMED_REQUEST = 0,
	MMS_CONFIRMED_RESPONSE = 1,
	MMS_CONFIRMED_ERROR = 2,
	MMS_UNCONFIRMED = 3,
	MMS_REJECT = 4,
	MMS_CANCEL_REQUEST = 5,
	MMS_CANCEL_RESPONSE = 6,
	MMS_CANCEL_ERROR = 7,
	MMS_INITIATE_REQUEST = 8,
	MMS_INITIATE_RESPONSE = 9,
	MMS_INITIATE_ERROR = 10,
	MMS_CONCLUDE_REQUEST = 11,
	MMS_CONCLUDE_RESPONSE = 12,
	MMS_CONCLUDE_ERROR = 13,
};

/* plant_message's code: the number of a confirmed service as it is; these stand apart from it. */
#define MMS_PDU_CODE         0x1000u
#define MMS_UNCONFIRMED_CODE 0x2000u
#define MMS_SESSION_CODE     0x3000u

#define MMS_READ               4
#define MMS_WRITE              5
#define MMS_INFORMATION_REPORT 0

/* Where a request keeps the names of what it acts on. */
enum mms_shape {
	MMS_SHAPE_NONE,
	MMS_SHAPE_READ,
	MMS_SHAPE_WRITE,
	MMS_SHAPE_NAME_LIST,
	MMS_SHAPE_OBJECT,     /* begins with an ObjectName */
	MMS_SHAPE_VARIABLE,   /* [0] with an ObjectName */
	MMS_SHAPE_OBJECTS,    /* [1] with a list of ObjectNames */
	MMS_SHAPE_IDENTIFIER, /* is a text itself */
	MMS_SHAPE_FIRST,      /* [0] is a text */
	MMS_SHAPE_FILE,       /* is a FileName itself */
	MMS_SHAPE_FILE_FIRST, /* [0] is a FileName */
	MMS_SHAPE_OBTAIN,     /* [1] is a FileName at the client, [2] one at the server */
};

struct mms_service {
	uint32_t tag;
	enum plant_operation operation;
	enum mms_shape shape;
	const char *name;
	bool second_file; /* [1] is a FileName too */
};

const struct mms_service *mms_service_find(uint32_t tag);        /* NULL: none */
const struct plant_function *mms_unconfirmed_find(uint32_t tag); /* NULL: none */

#endif
