/* SPDX-License-Identifier: MPL-2.0 */
/* EtherNet/IP in its parts: encapsulation (enip.c), CIP (cip.c), PCCC (pccc.c), and the tables. */
#ifndef CIP_H
#define CIP_H

#include "plant_parts.h"

/* ---- tables (cip_tables.c) ------------------------------------------------------------------- */

#define CIP_CLASS_ANY      UINT32_C(0xffffffff)
#define CIP_CLASS_SYMBOLIC UINT32_C(0xfffffffe) /* the path ends in a name */

struct cip_service {
	uint8_t code;
	uint32_t class;
	enum plant_operation operation;
	const char *name;
};

/* Never NULL: what has no name is "class-specific service" or "reserved service". */
const struct cip_service *cip_service_find(uint8_t code, uint32_t class);
const char *cip_class_name(uint32_t class);  /* NULL: none */
const char *cip_status_name(uint8_t status); /* NULL: none */

#define PCCC_FUNCTION_NONE UINT16_C(0xffff)

struct pccc_command {
	uint8_t command;
	uint16_t function;
	enum plant_operation operation;
	const char *name;
};

const struct pccc_command *pccc_command_find(uint8_t command, uint16_t function); /* never NULL */

struct enip_command {
	uint16_t code;
	enum plant_operation operation;
	const char *name;
};

const struct enip_command *enip_command_find(uint16_t code); /* NULL: none */

/* ---- what a reply needs to know of its request ----------------------------------------------- */

/* A reply carries its service but not its path, and from 0x4b on a service means what the class
 * says. So the last requests of a connection are remembered; older ones are forgotten, and their
 * replies are told with the plain name of their service. */
#define CIP_PENDING_MAX 40

struct cip_pending {
	uint64_t key;   /* sender context, or the sequence count of a connected message */
	uint16_t index; /* within a multiple service packet, else 0 */
	uint8_t service;
	uint8_t operation;
	uint32_t class;
	const char *function; /* NULL: free */
};

struct cip_state {
	struct cip_pending pending[CIP_PENDING_MAX];
	uint32_t next;
};

/* ---- CIP (cip.c) ----------------------------------------------------------------------------- */

struct cip_place {
	const char *unit; /* where on the route; may be empty */
	uint64_t key;
	uint16_t index;
	unsigned depth; /* messages within messages */
};

/* One message to or from a message router. False: contradicts itself. */
bool cip_message(struct plant_decoder *d, struct slice bytes, const struct cip_place *place);

/* ---- PCCC (pccc.c) --------------------------------------------------------------------------- */

/* The data of an execute PCCC request or reply; fills function, operation, code, object, value. */
bool pccc_request(struct slice data, struct plant_message *m);
bool pccc_reply(struct slice data, struct plant_message *m);

#endif
