/* SPDX-License-Identifier: MPL-2.0 */
/* Between modbus.c and what Schneider carries inside of Modbus (modbus_umas.c). */
#ifndef MODBUS_H
#define MODBUS_H

#include "plant_parts.h"

struct modbus_pdu {
	uint16_t transaction;
	uint8_t unit, function;
	struct slice data; /* behind the function */
};

/* An answer does not repeat what was asked: the last few requests are remembered. */
#define MODBUS_ASKED_MAX                                                                           \
	16 /* "MODBUS Messaging on TCP/IP" 4.2 asks servers for 1 to 16 at once                    \
	    */
struct modbus_asked {
	bool used;
	uint8_t unit, function;
	uint8_t umas; /* UMAS's own function */
	uint16_t transaction, address, count;
};

struct modbus_state {
	bool decided, server_opened; /* who asks */
	unsigned next;
	struct modbus_asked asked[MODBUS_ASKED_MAX];
};

bool modbus_umas_answers(uint8_t code);
/* Data of function 90. asked: to be filled by a request; for an answer NULL when unknown. */
bool modbus_umas(
	struct slice data, bool request, struct modbus_asked *asked, struct plant_message *m);

#endif
