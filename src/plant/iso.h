/* SPDX-License-Identifier: MPL-2.0 */
/* What rides on ISO transport (tpkt.c): S7 communication and MMS. */
#ifndef ISO_H
#define ISO_H

#include "plant_parts.h"

#define ISO_SELECTOR_MAX 32 /* octets kept; Siemens' and those of X.224 practice are shorter */

/* An MMS error names the request it answers by number alone: the last ones are remembered. */
#define ISO_PENDING_MAX 16

struct iso_pending {
	int64_t id;
	uint32_t service;
	bool used;
};

struct iso_state {
	struct plant_held parts[2];      /* DT pieces of one message of each direction */
	bool skipping[2];                /* up to the piece that ends the message under way */
	char selector[ISO_SELECTOR_MAX]; /* the called one of the connection request */
	size_t selector_len;
	struct iso_pending pending[ISO_PENDING_MAX];
	uint32_t pending_next;
};

/* The selector as unit: "selector 0001". */
void iso_put_selector(char text[PLANT_TEXT_MAX], const struct iso_state *s);

/* One whole message (TSDU). False: contradicts itself. */
bool s7comm_message(struct plant_decoder *d, struct slice bytes);
bool mms_message(struct plant_decoder *d, struct slice bytes);

/* ---- S7, its userdata (s7_userdata.c) -------------------------------------------------------- */

bool s7_userdata(struct plant_message *m, struct slice parameters, struct slice data);
/* "_0A00001P" or "0A00001P" becomes "DB1"; what does not look so is put as it is. */
const char *s7_block_type(char digit); /* "DB" of 'A'; NULL: none */
void s7_put_block(char text[PLANT_TEXT_MAX], struct slice name);

/* ---- values of MMS and GOOSE (mms_data.c) ---------------------------------------------------- */

/* A sequence of Data (ISO 9506-2, 14.4.2; IEC 61850-8-1) as short text: "true, 5, {1.5, 0}". */
void mms_put_data(char text[PLANT_TEXT_MAX], struct slice sequence);

#endif
