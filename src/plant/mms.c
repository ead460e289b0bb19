/* SPDX-License-Identifier: MPL-2.0 */
/*
 * MMS (ISO 9506-2), the language of IEC 61850 stations and of control centres among themselves
 * (ICCP), inside ISO session (X.225) and presentation (X.226). Only what leads to the MMS message
 * is read of those two.
 */
#include "mms.h"
#include "ber.h"
#include "iso.h"

/* ---- session and presentation ---------------------------------------------------------------- */

enum spdu {
	SPDU_DATA = 0x01, /* also "give tokens", in front of data */
	SPDU_FINISH = 0x09,
	SPDU_DISCONNECT = 0x0a,
	SPDU_REFUSE = 0x0c,
	SPDU_CONNECT = 0x0d,
	SPDU_ACCEPT = 0x0e,
	SPDU_ABORT = 0x19,
	SPDU_ABORT_ACCEPT = 0x1a,
};

#define SESSION_USER_DATA     0xc1
#define SESSION_USER_EXTENDED 0xc2
#define SESSION_PARAMETERS    32 /* looked at */

#define PDV_LISTS_MAX 4 /* values of one presentation message looked at; MMS sends one */

/* X.225 8.2.5: one octet, or 0xff and two. */
static size_t session_length(struct reader *r)
{
	uint8_t len = read_u8(r);

	return len == 0xff ? read_u16(r) : len;
}

/* The user data among a session unit's parameters; empty when there are none. */
static struct slice session_user(struct slice parameters)
{
	struct reader r = {.rest = parameters};

	for (unsigned i = 0; i < SESSION_PARAMETERS && r.rest.len > 0; i++) {
		uint8_t code = read_u8(&r);
		struct slice value = read_bytes(&r, session_length(&r));

		if (r.bad)
			break;
		if (code == SESSION_USER_DATA || code == SESSION_USER_EXTENDED)
			return value;
	}
	return (struct slice){0};
}

/* The list of presentation data inside a connect, an accept or plain data. */
static bool presentation_user(struct slice bytes, struct slice *ret_list)
{
	struct ber element;
	struct slice normal;

	if (!ber_next(&bytes, &element))
		return false;
	if (ber_is(&element, BER_APPLICATION, 1)) {
		*ret_list = element.content;
		return true;
	}
	if (ber_is(&element, BER_UNIVERSAL, BER_SET)) /* CP, CPA: normal mode is [2] */
		return ber_find(element.content, BER_CONTEXT, 2, &normal) &&
		       ber_find(normal, BER_APPLICATION, 1, ret_list);
	if (ber_is(&element, BER_CONTEXT, 0)) /* ARU */
		return ber_find(element.content, BER_APPLICATION, 1, ret_list);
	return false;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static const struct plant_function pdus[] = {
	{MMS_CONFIRMED_REQUEST,  "confirmed request",  PLANT_OTHER},
	{MMS_CONFIRMED_RESPONSE, "confirmed response", PLANT_OTHER},
	{MMS_CONFIRMED_ERROR,    "confirmed error",    PLANT_OTHER},
	{MMS_UNCONFIRMED,        "unconfirmed",        PLANT_OTHER},
	{MMS_REJECT,             "reject",             PLANT_OTHER},
	{MMS_CANCEL_REQUEST,     "cancel",             PLANT_OTHER},
	{MMS_CANCEL_RESPONSE,    "cancel",             PLANT_OTHER},
	{MMS_CANCEL_ERROR,       "cancel",             PLANT_OTHER},
	{MMS_INITIATE_REQUEST,   "initiate",           PLANT_OTHER},
	{MMS_INITIATE_RESPONSE,  "initiate",           PLANT_OTHER},
	{MMS_INITIATE_ERROR,     "initiate",           PLANT_OTHER},
	{MMS_CONCLUDE_REQUEST,   "conclude",           PLANT_OTHER},
	{MMS_CONCLUDE_RESPONSE,  "conclude",           PLANT_OTHER},
	{MMS_CONCLUDE_ERROR,     "conclude",           PLANT_OTHER},
};

static const struct plant_function error_classes[] = {
	{0,  "virtual device state",  PLANT_OTHER},
	{1,  "application reference", PLANT_OTHER},
	{2,  "definition",            PLANT_OTHER},
	{3,  "resource",              PLANT_OTHER},
	{4,  "service",               PLANT_OTHER},
	{5,  "service preempt",       PLANT_OTHER},
	{6,  "time resolution",       PLANT_OTHER},
	{7,  "access",                PLANT_OTHER},
	{8,  "initiate",              PLANT_OTHER},
	{9,  "conclude",              PLANT_OTHER},
	{10, "cancel",                PLANT_OTHER},
	{11, "file",                  PLANT_OTHER},
	{12, "others",                PLANT_OTHER},
};

/* DataAccessError, 14.4.3. */
static const struct plant_function access_errors[] = {
	{0,  "object invalidated",      PLANT_OTHER},
	{1,  "hardware fault",          PLANT_OTHER},
	{2,  "temporarily unavailable", PLANT_OTHER},
	{3,  "access denied",           PLANT_OTHER},
	{4,  "object undefined",        PLANT_OTHER},
	{5,  "invalid address",         PLANT_OTHER},
	{6,  "type unsupported",        PLANT_OTHER},
	{7,  "type inconsistent",       PLANT_OTHER},
	{8,  "attribute inconsistent",  PLANT_OTHER},
	{9,  "access unsupported",      PLANT_OTHER},
	{10, "object does not exist",   PLANT_OTHER},
	{11, "value invalid",           PLANT_OTHER},
};

/* ---- names ----------------------------------------------------------------------------------- */

#define NAMES_MAX 64 /* of one message; more would not fit the text */

/* ObjectName: [0] of the device, [1] domain and item, [2] of this association. */
static void put_object_name(char text[PLANT_TEXT_MAX], const struct ber *name)
{
	struct slice parts = name->content;
	struct ber part;

	if (name->class != BER_CONTEXT)
		return;
	if (name->tag != 1) {
		plant_put_text(text, name->content);
		return;
	}
	for (unsigned i = 0; i < 2 && ber_next(&parts, &part); i++) {
		if (i > 0)
			plant_put(text, "/");
		plant_put_text(text, part.content);
	}
}

/* VariableAccessSpecification: [0] list of variables, [1] the name of a list. */
static void put_variables(char text[PLANT_TEXT_MAX], const struct ber *specification)
{
	struct slice rest = specification->content;
	struct ber element, name;

	if (specification->tag == 1) {
		if (ber_next(&rest, &name))
			put_object_name(text, &name);
		return;
	}
	for (unsigned i = 0; i < NAMES_MAX && !plant_full(text) && ber_next(&rest, &element); i++) {
		struct slice variable = element.content;

		if (i > 0)
			plant_put(text, ", ");
		/* name [0], address [1], ... */
		if (!ber_next(&variable, &element))
			continue;
		if (ber_is(&element, BER_CONTEXT, 0) && ber_next(&element.content, &name))
			put_object_name(text, &name);
		else
			plant_put(text, "unnamed");
	}
}

/* FileName: a sequence of texts. */
static void put_file(char text[PLANT_TEXT_MAX], struct slice parts)
{
	struct ber part;

	for (unsigned i = 0; i < NAMES_MAX && !plant_full(text) && ber_next(&parts, &part); i++) {
		if (i > 0)
			plant_put(text, "/");
		plant_put_text(text, part.content);
	}
}

/* Results of reading or reporting: [0] in primitive form is a failure, the rest are values. */
static void put_results(struct plant_message *m, struct slice list)
{
	struct slice rest = list;
	struct ber element;
	int64_t code;

	for (unsigned i = 0; i < NAMES_MAX && ber_next(&rest, &element); i++) {
		const struct plant_function *row;

		if (!ber_is(&element, BER_CONTEXT, 0) || element.constructed)
			continue;
		row = ber_integer(element.content, &code) && code >= 0
			      ? PLANT_FUNCTION(access_errors, (uint32_t)code)
			      : NULL;
		if (m->direction == PLANT_RESPONSE)
			m->refused = true;
		if (m->value[0] != '\0')
			plant_put(m->value, ", ");
		plant_put(m->value, "%s", row == NULL ? "failed" : row->name);
	}
	if (!m->refused && m->value[0] == '\0')
		mms_put_data(m->value, list);
}

/* ---- services -------------------------------------------------------------------------------- */

/*
 * IEC 61850-8-1 (7.3) writes the functional constraint as the second part of an item's name, and it
 * says what writing there does: "XCBR1$CO$Pos$Oper".
 */
static const struct constraint {
	const char *name;
	enum plant_operation operation;
} constraints[] = {
	{"CO", PLANT_OPERATE  }, /* control */
	{"SP", PLANT_OPERATE  }, /* set points */
	{"SV", PLANT_OPERATE  }, /* substitution of values */
	{"BR", PLANT_MODE     }, /* buffered reports */
	{"RP", PLANT_MODE     }, /* unbuffered reports */
	{"GO", PLANT_MODE     }, /* GOOSE control */
	{"GS", PLANT_MODE     }, /* GSSE control */
	{"MS", PLANT_MODE     }, /* multicast sampled values */
	{"US", PLANT_MODE     }, /* unicast sampled values */
	{"LG", PLANT_MODE     }, /* logging */
	{"CF", PLANT_CONFIGURE}, /* configuration */
	{"DC", PLANT_CONFIGURE}, /* description */
	{"SE", PLANT_CONFIGURE}, /* setting group that is edited */
	{"SG", PLANT_CONFIGURE}, /* setting groups */
};

static enum plant_operation write_operation(const char *object)
{
	const char *from = strchr(object, '$');

	for (size_t i = 0; from != NULL && i < COUNT_OF(constraints); i++) {
		size_t len = strlen(constraints[i].name);

		if (strncmp(from + 1, constraints[i].name, len) == 0 &&
			(from[1 + len] == '$' || from[1 + len] == '\0'))
			return constraints[i].operation;
	}
	return PLANT_WRITE;
}

static void request_variables(struct plant_message *m, struct slice content, bool write)
{
	struct ber element, specification;

	for (unsigned i = 0; i < 3 && ber_next(&content, &element); i++) {
		if (element.class != BER_CONTEXT)
			continue;
		if (write) {
			put_variables(m->object, &element);
			if (ber_next(&content, &element) && ber_is(&element, BER_CONTEXT, 0))
				mms_put_data(m->value, element.content);
			m->operation = write_operation(m->object);
			return;
		}
		/* [0] whether the answer repeats the names; [1] the names */
		if (element.tag == 1) {
			size_t len;

			if (ber_next(&element.content, &specification))
				put_variables(m->object, &specification);
			/* reading the control's SBO selects it (IEC 61850-7-2, 20.2.1) */
			len = strlen(m->object);
			if (write_operation(m->object) == PLANT_OPERATE && len > 4 &&
				strcmp(m->object + len - 4, "$SBO") == 0)
				m->operation = PLANT_OPERATE;
			return;
		}
	}
}

static const char *const object_classes[] = {"named variables", "scattered access",
	"variable lists", "types", "semaphores", "event conditions", "event actions",
	"event enrollments", "journals", "domains", "program invocations", "operator stations"};

static void request_name_list(struct plant_message *m, struct slice content)
{
	struct slice class, scope, after;
	struct ber element;
	int64_t number;

	if (ber_find(content, BER_CONTEXT, 1, &scope) && ber_next(&scope, &element)) {
		if (element.tag == 1)
			plant_put_text(m->object, element.content);
		else
			plant_put(m->object, element.tag == 0 ? "device" : "association");
	}
	if (ber_find(content, BER_CONTEXT, 0, &class) && ber_next(&class, &element) &&
		ber_integer(element.content, &number) && number >= 0 &&
		(uint64_t)number < COUNT_OF(object_classes))
		plant_put(m->value, "%s", object_classes[number]);
	if (ber_find(content, BER_CONTEXT, 2, &after)) {
		plant_put(m->value, " after ");
		plant_put_text(m->value, after);
	}
}

static void request(
	struct plant_message *m, const struct mms_service *row, const struct ber *service)
{
	struct slice content = service->content, found, rest;
	struct ber element;

	switch (row->shape) {
	case MMS_SHAPE_NONE:
		break;
	case MMS_SHAPE_READ:
		request_variables(m, content, false);
		break;
	case MMS_SHAPE_WRITE:
		request_variables(m, content, true);
		break;
	case MMS_SHAPE_NAME_LIST:
		request_name_list(m, content);
		break;
	case MMS_SHAPE_OBJECT:
		if (ber_next(&content, &element))
			put_object_name(m->object, &element);
		break;
	case MMS_SHAPE_VARIABLE:
		if (ber_next(&content, &element) && ber_is(&element, BER_CONTEXT, 0) &&
			ber_next(&element.content, &element))
			put_object_name(m->object, &element);
		break;
	case MMS_SHAPE_OBJECTS:
		if (!ber_find(content, BER_CONTEXT, 1, &found))
			break;
		for (unsigned i = 0;
			i < NAMES_MAX && !plant_full(m->object) && ber_next(&found, &element);
			i++) {
			if (i > 0)
				plant_put(m->object, ", ");
			put_object_name(m->object, &element);
		}
		break;
	case MMS_SHAPE_IDENTIFIER:
		plant_put_text(m->object, content);
		break;
	case MMS_SHAPE_FIRST:
		if (ber_find(content, BER_CONTEXT, 0, &found))
			plant_put_text(m->object, found);
		break;
	case MMS_SHAPE_FILE:
		put_file(m->object, content);
		break;
	case MMS_SHAPE_FILE_FIRST:
		if (ber_find(content, BER_CONTEXT, 0, &found))
			put_file(m->object, found);
		if (ber_find(content, BER_CONTEXT, 1, &rest) && row->second_file)
			put_file(m->value, rest);
		break;
	case MMS_SHAPE_OBTAIN:
		if (ber_find(content, BER_CONTEXT, 1, &found))
			put_file(m->value, found);
		if (ber_find(content, BER_CONTEXT, 2, &found))
			put_file(m->object, found);
		break;
	}
}

static void response(struct plant_message *m, uint32_t service, struct slice content)
{
	struct slice results;

	if (service == MMS_READ && ber_find(content, BER_CONTEXT, 1, &results)) {
		put_results(m, results);
	} else if (service == MMS_WRITE) {
		struct ber element;

		/* failure [0], success [1] */
		results = content;
		for (unsigned i = 0; i < NAMES_MAX && ber_next(&results, &element); i++) {
			if (ber_is(&element, BER_CONTEXT, 0)) {
				put_results(m, content);
				break;
			}
		}
	}
}

/* ---- messages -------------------------------------------------------------------------------- */

static void pending_keep(struct iso_state *s, int64_t id, uint32_t service)
{
	struct iso_pending *p = &s->pending[s->pending_next++ % ISO_PENDING_MAX];

	*p = (struct iso_pending){.id = id, .service = service, .used = true};
}

static bool confirmed(
	struct plant_decoder *d, struct plant_message *m, uint32_t pdu, struct slice content)
{
	struct ber id, service;
	const struct mms_service *row;
	int64_t number;

	if (!ber_next(&content, &id) || !ber_is(&id, BER_UNIVERSAL, BER_INTEGER) ||
		!ber_integer(id.content, &number))
		return false;
	do { /* a list of modifiers may come first */
		if (!ber_next(&content, &service))
			return false;
	} while (service.class == BER_UNIVERSAL);
	if (service.class != BER_CONTEXT)
		return false;
	row = mms_service_find(service.tag);
	m->code = service.tag;
	m->function = row == NULL ? PLANT_FUNCTION_UNKNOWN : row->name;
	m->operation = row == NULL ? PLANT_OTHER : row->operation;
	if (pdu == MMS_CONFIRMED_REQUEST) {
		pending_keep(d->state, number, service.tag);
		if (row != NULL)
			request(m, row, &service);
	} else {
		response(m, service.tag, service.content);
	}
	return true;
}

/* The error names the request by its number alone. */
static bool confirmed_error(struct plant_decoder *d, struct plant_message *m, struct slice content)
{
	const struct iso_state *s = d->state;
	struct slice id, error, class;
	struct ber code;
	int64_t number;

	m->refused = true;
	if (!ber_find(content, BER_CONTEXT, 0, &id) || !ber_integer(id, &number))
		return false;
	for (size_t i = 0; i < ISO_PENDING_MAX; i++) {
		const struct iso_pending *p = &s->pending[i];
		const struct mms_service *row;

		if (!p->used || p->id != number)
			continue;
		row = mms_service_find(p->service);
		m->code = p->service;
		if (row != NULL) {
			m->function = row->name;
			m->operation = row->operation;
		}
	}
	if (ber_find(content, BER_CONTEXT, 2, &error) && ber_find(error, BER_CONTEXT, 0, &class) &&
		ber_next(&class, &code)) {
		const struct plant_function *row = PLANT_FUNCTION(error_classes, code.tag);

		plant_put(m->value, "%s error", row == NULL ? "unknown" : row->name);
		if (ber_integer(code.content, &number))
			plant_put(m->value, " %lld", (long long)number);
	}
	return true;
}

static bool unconfirmed(struct plant_message *m, struct slice content)
{
	struct ber service, element;
	const struct plant_function *row;

	if (!ber_next(&content, &service) || service.class != BER_CONTEXT)
		return false;
	row = mms_unconfirmed_find(service.tag);
	m->code = MMS_UNCONFIRMED_CODE | service.tag;
	m->function = row == NULL ? PLANT_FUNCTION_UNKNOWN : row->name;
	m->operation = PLANT_REPORT;
	if (service.tag != MMS_INFORMATION_REPORT)
		return true;
	content = service.content;
	if (!ber_next(&content, &element) || element.class != BER_CONTEXT)
		return false;
	put_variables(m->object, &element);
	if (ber_next(&content, &element) && ber_is(&element, BER_CONTEXT, 0))
		put_results(m, element.content);
	return true;
}

static bool pdu_message(struct plant_decoder *d, const struct ber *pdu)
{
	struct plant_message m = {.protocol = PLANT_MMS, .code = MMS_PDU_CODE | pdu->tag};
	const struct plant_function *row = PLANT_FUNCTION(pdus, pdu->tag);
	bool good = true;

	if (pdu->class != BER_CONTEXT || row == NULL)
		return false;
	m.function = row->name;
	iso_put_selector(m.unit, d->state);
	switch (pdu->tag) {
	case MMS_CONFIRMED_REQUEST:
		m.direction = PLANT_REQUEST;
		good = confirmed(d, &m, pdu->tag, pdu->content);
		break;
	case MMS_CONFIRMED_RESPONSE:
		m.direction = PLANT_RESPONSE;
		good = confirmed(d, &m, pdu->tag, pdu->content);
		break;
	case MMS_CONFIRMED_ERROR:
		m.direction = PLANT_RESPONSE;
		good = confirmed_error(d, &m, pdu->content);
		break;
	case MMS_UNCONFIRMED:
		m.direction = PLANT_UNSOLICITED;
		good = unconfirmed(&m, pdu->content);
		break;
	case MMS_REJECT:
	case MMS_CANCEL_ERROR:
	case MMS_INITIATE_ERROR:
	case MMS_CONCLUDE_ERROR:
		m.direction = PLANT_RESPONSE;
		m.refused = true;
		break;
	case MMS_CANCEL_REQUEST:
	case MMS_INITIATE_REQUEST:
	case MMS_CONCLUDE_REQUEST:
		m.direction = PLANT_REQUEST;
		break;
	default:
		m.direction = PLANT_RESPONSE;
		break;
	}
	if (!good)
		return false;
	plant_tell(d, &m);
	return true;
}

/* What a presentation data value holds: MMS itself, or ACSE with MMS in its user information. */
static bool value_message(struct plant_decoder *d, struct slice value)
{
	struct slice information, external, result;
	struct ber element;
	int64_t code;

	if (!ber_next(&value, &element))
		return false;
	if (element.class == BER_CONTEXT)
		return pdu_message(d, &element);
	if (element.class != BER_APPLICATION)
		return false;
	/* AARQ [0], AARE [1]; release and abort say nothing of their own */
	if (element.tag > 1)
		return true;
	if (element.tag == 1 && ber_find(element.content, BER_CONTEXT, 2, &result) &&
		ber_find(result, BER_UNIVERSAL, BER_INTEGER, &result) &&
		ber_integer(result, &code) && code != 0) {
		struct plant_message m = {.protocol = PLANT_MMS,
			.code = MMS_PDU_CODE | MMS_INITIATE_ERROR,
			.function = "initiate",
			.direction = PLANT_RESPONSE,
			.refused = true};

		iso_put_selector(m.unit, d->state);
		plant_put(m.value, "association refused");
		plant_tell(d, &m);
		return true;
	}
	if (!ber_find(element.content, BER_CONTEXT, 30, &information))
		return true;
	if (!ber_find(information, BER_UNIVERSAL, BER_EXTERNAL, &external) ||
		!ber_find(external, BER_CONTEXT, 0, &value) || !ber_next(&value, &element))
		return false;
	return pdu_message(d, &element);
}

static void told(struct plant_decoder *d, const char *function)
{
	struct plant_message m = {.protocol = PLANT_MMS,
		.code = MMS_SESSION_CODE,
		.function = function,
		.direction = PLANT_UNSOLICITED,
		.refused = true};

	iso_put_selector(m.unit, d->state);
	plant_tell(d, &m);
}

bool mms_message(struct plant_decoder *d, struct slice bytes)
{
	struct reader r = {.rest = bytes};
	uint8_t first = read_u8(&r);
	struct slice user, list;
	struct ber element;

	/* Without session and presentation: a confirmed request and what belongs to it. */
	if ((first & 0xc0) == 0x80)
		return ber_next(&bytes, &element) && pdu_message(d, &element);

	switch (first) {
	case SPDU_DATA: /* "give tokens" and "data" in a row, each with its own length */
		read_bytes(&r, session_length(&r));
		if (read_u8(&r) != SPDU_DATA)
			return false;
		read_bytes(&r, session_length(&r));
		user = r.rest;
		break;
	case SPDU_CONNECT:
	case SPDU_ACCEPT:
		user = session_user(read_bytes(&r, session_length(&r)));
		break;
	case SPDU_REFUSE:
		told(d, "connection refused");
		return true;
	case SPDU_ABORT:
		told(d, "connection aborted");
		return true;
	case SPDU_FINISH:
	case SPDU_DISCONNECT:
	case SPDU_ABORT_ACCEPT:
		return true;
	default:
		return false;
	}
	if (r.bad)
		return false;
	if (user.len == 0)
		return true;
	if (!presentation_user(user, &list))
		return false;
	for (unsigned i = 0; i < PDV_LISTS_MAX && list.len > 0; i++) {
		struct slice value;

		if (!ber_next(&list, &element) || !ber_is(&element, BER_UNIVERSAL, BER_SEQUENCE) ||
			!ber_find(element.content, BER_CONTEXT, 0, &value))
			return false;
		if (!value_message(d, value))
			return false;
	}
	return true;
}
