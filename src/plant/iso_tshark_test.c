/* SPDX-License-Identifier: MPL-2.0 */
/*
 * S7, CIP, EtherNet/IP, GOOSE and MMS of real captures against tshark's fields, frame by frame.
 * Each protocol is a row: the fields, how ours and theirs become the same words, and which
 * differences are understood. Without tshark or captures there is nothing to compare.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture_testing.h"
#include "plant_parts.h"

#define FRAMES_MAX  8192
#define WORDS_MAX   1024
#define FIELDS_MAX  20
#define COMMAND_MAX 4096

struct words {
	char text[WORDS_MAX];
};

static void put(struct words *w, const char *format, ...) PRINTF(2, 3);
static void put(struct words *w, const char *format, ...)
{
	size_t at = strlen(w->text);
	va_list args;

	va_start(args, format);
	vsnprintf(w->text + at, sizeof(w->text) - at, format, args);
	va_end(args);
}

struct row {
	const char *name;
	const char *fields[FIELDS_MAX];
	void (*ours)(const struct plant_message *m, struct words *w);
	void (*theirs)(struct slice values[FIELDS_MAX], struct words *w);
	/* NULL: no difference is understood; else why this one is, or NULL */
	const char *(*understood)(const struct words *ours, const struct words *theirs);
};

/* ---- S7 -------------------------------------------------------------------------------------- */

static void s7_ours(const struct plant_message *m, struct words *w)
{
	if (m->protocol != PLANT_S7COMM)
		return;
	if (m->code >= 0x70000)
		put(w, "7 %u %u;", m->code >> 8 & 0xff, m->code & 0xff);
	else
		put(w, "%d 0x%02x;", m->direction == PLANT_REQUEST ? 1 : 3, m->code);
}

static void s7_theirs(struct slice v[FIELDS_MAX], struct words *w)
{
	struct slice kind, function;

	while (slice_next(&v[0], ',', &kind)) {
		if (slice_is(kind, "7"))
			put(w, "7 %.*s %.*s;", SLICE_ARG(v[2]), SLICE_ARG(v[3]));
		else if (slice_next(&v[1], ',', &function))
			put(w, "%.*s %.*s;", SLICE_ARG(kind), SLICE_ARG(function));
	}
}

/* tshark takes a segment that comes after its acknowledgement for one sent again, and leaves it. */
static const char *s7_understood(const struct words *ours, const struct words *theirs)
{
	return theirs->text[0] == '\0' && strcmp(ours->text, "3 0x04;") == 0
		       ? "tshark: spurious retransmission"
		       : NULL;
}

/* ---- CIP ------------------------------------------------------------------------------------- */

static void cip_ours(const struct plant_message *m, struct words *w)
{
	uint32_t service = m->code < 0x10000 ? m->code : m->code >> 16 == 0x4b ? 0x4b : 0;

	if (m->protocol == PLANT_ENIP && service != 0)
		put(w, "0x%02x;", service | (m->direction == PLANT_RESPONSE ? 0x80u : 0));
}

/* Wrappers are told by what they hold: multiple service packets, unconnected sends. */
static void cip_theirs(struct slice v[FIELDS_MAX], struct words *w)
{
	struct slice service;
	bool more = slice_find(v[0], ',', 0) < v[0].len;

	while (slice_next(&v[0], ',', &service)) {
		if (slice_is(service, "0x0a") || slice_is(service, "0x8a") ||
			(more && slice_is(service, "0x52")))
			continue;
		put(w, "%.*s;", SLICE_ARG(service));
	}
}

/* ---- GOOSE ----------------------------------------------------------------------------------- */

static void goose_ours(const struct plant_message *m, struct words *w)
{
	unsigned long long state, sequence;

	if (m->protocol == PLANT_GOOSE &&
		sscanf(m->value, "stNum %llu sqNum %llu", &state, &sequence) == 2)
		put(w, "%llu %llu %s;", state, sequence, m->object);
}

static void goose_theirs(struct slice v[FIELDS_MAX], struct words *w)
{
	if (v[0].len != 0)
		put(w, "%.*s %.*s %.*s;", SLICE_ARG(v[0]), SLICE_ARG(v[1]), SLICE_ARG(v[2]));
}

/* ---- MMS ------------------------------------------------------------------------------------- */

static void mms_ours(const struct plant_message *m, struct words *w)
{
	if (m->protocol != PLANT_MMS)
		return;
	if (m->code < 0x1000)
		put(w, m->direction == PLANT_REQUEST ? "request %u;" : "response %u;", m->code);
	else if (m->code >> 12 == 2)
		put(w, "unconfirmed %u;", m->code & 0xfff);
	else
		put(w, "pdu %u;", m->code & 0xfff);
}

/* Fields 0 to 2: the services; from 3 on one for each kind of PDU that has none. An error names its
 * request by number alone, so tshark has no service where we remember it: taken from ours. */
static void mms_theirs(struct slice v[FIELDS_MAX], struct words *w)
{
	static const unsigned pdus[] = {4, 5, 6, 8, 9, 11, 12};
	static const char *const services[] = {"request", "response", "unconfirmed"};
	struct slice one;

	for (size_t i = 0; i < COUNT_OF(services); i++) {
		while (v[i].len != 0 && slice_next(&v[i], ',', &one))
			put(w, "%s %.*s;", services[i], SLICE_ARG(one));
	}
	for (size_t i = 0; i < COUNT_OF(pdus); i++) {
		if (v[3 + i].len != 0)
			put(w, "pdu %u;", pdus[i]);
	}
}

static const char *mms_understood(const struct words *ours, const struct words *theirs)
{
	if (theirs->text[0] != '\0')
		return NULL;
	if (strncmp(ours->text, "unconfirmed 0;", 14) == 0)
		return "tshark: knows no presentation context without the connection's beginning";
	if (strcmp(ours->text, "pdu 11;") == 0)
		return "tshark: a conclude without session is not recognised";
	if (strcmp(ours->text, "response 6;") == 0)
		return "an error: tshark's has no service, ours is that of the request";
	return NULL;
}

static const struct row rows[] = {
	{"s7comm",
         {"s7comm.header.rosctr", "s7comm.param.func", "s7comm.param.userdata.funcgroup",
			"s7comm.param.userdata.subfunc"},
         s7_ours,							       s7_theirs,    s7_understood },
	{"cip",    {"cip.service"},				 cip_ours,   cip_theirs,   NULL          },
	{"goose",  {"goose.stNum", "goose.sqNum", "goose.gocbRef"}, goose_ours, goose_theirs, NULL          },
	{"mms",
         {"mms.confirmedServiceRequest", "mms.confirmedServiceResponse",
			"mms.unconfirmedService", "mms.rejectPDU_element", "mms.cancel_RequestPDU",
			"mms.cancel_ResponsePDU", "mms.initiate_RequestPDU_element",
			"mms.initiate_ResponsePDU_element", "mms.conclude_RequestPDU_element",
			"mms.conclude_ResponsePDU_element"},
         mms_ours,							      mms_theirs,   mms_understood},
};

/* ---- the comparison -------------------------------------------------------------------------- */

static const struct capture {
	const char *file;
	unsigned row, same, understood;
} captures[] = {
	{"s7_S7Comm_s7comm_clean.pcap",                                      0, 5262, 12},
	{"s7_step7_s300_readDiagData.pcapng",                                0, 410,  0 },
	{"s7_step7_s300_readVarTab.pcapng",                                  0, 331,  0 },
	{"s7_tia_s300_goOnline.pcapng",                                      0, 448,  0 },
	{"s7_wincc_s300_setup-alarm-read_2.pcapng",                          0, 486,  0 },
	{"s7_wincc_s400_production.pcapng",                                  0, 1658, 0 },
	{"iti-EIP-ChangeDateAttempt.pcap",                                   1, 267,  0 },
	{"iti-EIP-ChangeTimeAttempt.pcap",                                   1, 534,  0 },
	{"iti-EIP-RemoteModeChangeAttempt.pcap",                             1, 301,  0 },
	{"iti-EIP-SoftwareDownload.pcap",                                    1, 814,  0 },
	{"iti-EIP-SoftwareUpload.pcap",                                      1, 791,  0 },
	{"iti-GOOSE.pcap",						   2, 8,    0 },
	{"iti-GOOSE_DEMO.pcap",					      2, 1,    0 },
	{"iti-Sample_File_GOOSE.pcap",				       2, 451,  0 },
	{"IEC61850_Sample_File_MMS_and_GOOSE.pcap",                          2, 34,   0 },
	{"IEC61850_Sample_File_MMS_and_GOOSE.pcap",                          3, 7,    22},
	{"IEC61850_8d7c7db0-9804-012b-b2a6-0016cb8cea27.pcap",               3, 163,  0 },
	{"IEC61850_MMS_-_Specific_Commands_iec61850_get_name_list.pcap",     3, 3,    0 },
	{"IEC61850_MMS_-_Specific_Commands_mms-cancelRequest.pcap",          3, 2,    1 },
	{"IEC61850_MMS_-_Specific_Commands_mms-getAlarmSummary.pcap",        3, 2,    1 },
	{"IEC61850_MMS_-_Specific_Commands_mms-initiateUploadSequence.pcap", 3, 2,    1 },
	{"IEC61850_MMS_-_Specific_Commands_mms-resumeRequest.pcap",          3, 2,    1 },
	{"IEC61850_MMS_-_Specific_Commands_mms-stopRequest.pcap",            3, 3,    1 },
};

struct side {
	const struct row *row;
	unsigned frame;
	struct words *words;
};

static void on_frame(void *context, unsigned frame)
{
	struct side *s = context;

	s->frame = frame < FRAMES_MAX ? frame : 0;
}

static void on_message(void *context, const struct plant_message *m)
{
	struct side *s = context;

	s->row->ours(m, &s->words[s->frame]);
}

static void read_theirs(const char *path, const struct row *row, struct words *words)
{
	char command[COMMAND_MAX], *line = NULL;
	size_t room = 0;
	ssize_t len;
	FILE *from;
	int at = snprintf(command, sizeof(command),
		"tshark -n -r '%s' -Y %s -T fields -E occurrence=a -e frame.number", path,
		row->name);

	for (size_t i = 0; i < FIELDS_MAX && row->fields[i] != NULL; i++)
		at += snprintf(
			command + at, sizeof(command) - (size_t)at, " -e %s", row->fields[i]);
	snprintf(command + at, sizeof(command) - (size_t)at, " 2>/dev/null");
	from = popen(command, "r");
	assert_non_null(from);
	while ((len = getline(&line, &room, from)) > 0) {
		struct slice rest = {line, (size_t)len - 1}, number, v[FIELDS_MAX] = {0};
		uint64_t frame;

		if (!slice_next(&rest, '\t', &number) || !slice_to_u64(number, &frame) ||
			frame >= FRAMES_MAX)
			continue;
		for (size_t i = 0; i < FIELDS_MAX && slice_next(&rest, '\t', &v[i]); i++)
			continue;
		row->theirs(v, &words[frame]);
	}
	free(line);
	pclose(from);
}

static void test_against_tshark(void **state)
{
	const char *folder = capture_folder();
	struct words *ours, *theirs;

	(void)state;
	if (folder == NULL || system("command -v tshark >/dev/null 2>&1") != 0)
		skip();
	ours = calloc(FRAMES_MAX, sizeof(*ours));
	theirs = calloc(FRAMES_MAX, sizeof(*theirs));
	assert_non_null(ours);
	assert_non_null(theirs);
	for (size_t i = 0; i < COUNT_OF(captures); i++) {
		const struct capture *c = &captures[i];
		struct side side = {.row = &rows[c->row], .words = ours};
		struct capture_use use = {
			.message = on_message, .frame = on_frame, .context = &side};
		unsigned same = 0, understood = 0;
		char path[1024];

		memset(ours, 0, FRAMES_MAX * sizeof(*ours));
		memset(theirs, 0, FRAMES_MAX * sizeof(*theirs));
		snprintf(path, sizeof(path), "%s/%s", folder, c->file);
		assert_true(capture_read(path, &use));
		read_theirs(path, side.row, theirs);
		for (unsigned f = 1; f < FRAMES_MAX; f++) {
			const char *why = NULL;

			if (ours[f].text[0] == '\0' && theirs[f].text[0] == '\0')
				continue;
			if (strcmp(ours[f].text, theirs[f].text) == 0) {
				same++;
				continue;
			}
			if (side.row->understood != NULL)
				why = side.row->understood(&ours[f], &theirs[f]);
			if (why == NULL)
				print_error("%s frame %u: ours \"%s\", tshark's \"%s\"\n", c->file,
					f, ours[f].text, theirs[f].text);
			assert_non_null(why);
			understood++;
		}
		print_message("%s: %s, %u frames the same, %u differences understood\n", c->file,
			side.row->name, same, understood);
		assert_int_equal(same, c->same);
		assert_int_equal(understood, c->understood);
	}
	free(ours);
	free(theirs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_tshark),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
