/* SPDX-License-Identifier: MPL-2.0 */
/*
 * Plant messages of real captures, read as a sensor reads them (frames, connections, reassembly,
 * decoders), against the fields that tshark finds in the same frames. IEC 60870-5-104 and BACnet/IP
 * are in none of the captures: for them conversations are written to a capture first. Every
 * difference fails unless it stands in a table with its reason. Skipped without tshark; the real
 * captures are skipped without ../shared/data.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "packet/packet.h"

#define FRAMES_MAX  16384 /* of one capture */
#define CAPTURE_MAX MIB(8)
#define WORDS_MAX   400 /* bytes of what one frame tells */
#define PATH_BYTES  512

/* ---- what tshark's numbers are called here --------------------------------------------------- */

struct name {
	unsigned number;
	const char *function; /* ours begins with it */
};

static const struct name modbus_names[] = {
	{1,   "read coils"                   },
	{2,   "read discrete inputs"         },
	{3,   "read holding registers"       },
	{4,   "read input registers"         },
	{5,   "write single coil"            },
	{6,   "write single register"        },
	{7,   "read exception status"        },
	{8,   "diagnostics"                  },
	{11,  "get comm event counter"       },
	{12,  "get comm event log"           },
	{15,  "write multiple coils"         },
	{16,  "write multiple registers"     },
	{17,  "report server id"             },
	{20,  "read file record"             },
	{21,  "write file record"            },
	{22,  "mask write register"          },
	{23,  "read/write multiple registers"},
	{24,  "read fifo queue"              },
	{9,   "program 484"                  },
	{10,  "poll 484"                     },
	{13,  "program controller"           },
	{14,  "poll controller"              },
	{18,  "program 884"                  },
	{19,  "reset communications link"    },
	{40,  "program concept"              },
	{41,  "reserved function 41"         },
	{42,  "reserved function 42"         },
	{43,  "encapsulated interface"       },
	{91,  "reserved function 91"         },
	{125, "firmware replacement"         },
	{126, "program 584/984"              },
	{127, "report local address"         },
	{90,  "umas"			 },
	{0,   NULL			   },
};

static const struct name dnp3_names[] = {
	{0,   "confirm"                  },
	{1,   "read"		     },
	{2,   "write"		    },
	{3,   "select"                   },
	{4,   "operate"                  },
	{5,   "direct operate"           },
	{6,   "direct operate, no answer"},
	{13,  "cold restart"             },
	{14,  "warm restart"             },
	{18,  "stop application"         },
	{20,  "enable unsolicited"       },
	{21,  "disable unsolicited"      },
	{23,  "delay measurement"        },
	{129, "response"                 },
	{130, "unsolicited response"     },
	{0,   NULL		       },
};

static const struct name iec104_names[] = {
	{1,   "M_SP_NA_1"},
	{13,  "M_ME_NC_1"},
	{30,  "M_SP_TB_1"},
	{36,  "M_ME_TF_1"},
	{45,  "C_SC_NA_1"},
	{46,  "C_DC_NA_1"},
	{50,  "C_SE_NC_1"},
	{70,  "M_EI_NA_1"},
	{100, "C_IC_NA_1"},
	{103, "C_CS_NA_1"},
	{105, "C_RP_NA_1"},
	{112, "P_ME_NC_1"},
	{120, "F_FR_NA_1"},
	{0,   NULL       },
};

static const struct name confirmed_names[] = {
	{7,  "atomic-write-file"           },
	{10, "create-object"               },
	{11, "delete-object"               },
	{12, "read-property"               },
	{14, "read-property-multiple"      },
	{15, "write-property"              },
	{16, "write-property-multiple"     },
	{17, "device-communication-control"},
	{20, "reinitialize-device"         },
	{0,  NULL			  },
};

static const struct name unconfirmed_names[] = {
	{0, "i-am"			},
	{1, "i-have"		      },
	{2, "unconfirmed-cov-notification"},
	{6, "time-synchronization"        },
	{8, "who-is"		      },
	{9, "utc-time-synchronization"    },
	{0, NULL			  },
};

static const struct field_row {
	const char *field;
	const char *unit; /* its n-th occurrence belongs to the field's n-th; NULL: not compared */
	enum plant_protocol protocol;
	const struct name *names;
} field_rows[] = {
	{"modbus.func_code",           "mbtcp.unit_id",      PLANT_MODBUS, modbus_names     },
	{"dnp3.al.func",               NULL,                 PLANT_DNP3,   dnp3_names       },
	{"iec60870_asdu.typeid",       "iec60870_asdu.addr", PLANT_IEC104, iec104_names     },
	{"bacapp.confirmed_service",   NULL,                 PLANT_BACNET, confirmed_names  },
	{"bacapp.unconfirmed_service", NULL,                 PLANT_BACNET, unconfirmed_names},
};

/* What only one of both tells as a message of its own. */
static bool left_out(enum plant_protocol p, struct slice function)
{
	if (p == PLANT_DNP3)
		return slice_starts(function, SLICE("link: "));
	if (p == PLANT_IEC104)
		return slice_starts(function, SLICE("S supervisory")) ||
		       slice_find_text(function, SLICE("DT ")) != function.len ||
		       slice_starts(function, SLICE("TESTFR"));
	return p != PLANT_MODBUS && p != PLANT_BACNET;
}

/* ---- differences that are understood --------------------------------------------------------- */

static const struct understood {
	const char *file; /* part of its name */
	unsigned frame;   /* 0: any */
	const char *ours, *theirs;
	const char *why;
} understood[] = {
	{"conformance_6.6.2.5", 8, "", "dnp3 read",
         "user data under a link test function: an outstation does not act on it, tshark "
		"shows it"},
};

/* ---- one capture ----------------------------------------------------------------------------- */

struct told {
	char text[FRAMES_MAX][WORDS_MAX]; /* "modbus read coils; " in order */
	uint64_t messages;
};

struct comparison {
	struct told ours, theirs;
	bool ports; /* a frame has one of the protocols' ports: tshark may find something */
};

static void append(struct told *t, uint64_t frame, enum plant_protocol p, struct slice unit,
	struct slice function)
{
	size_t at;

	assert_true(frame < FRAMES_MAX);
	at = strlen(t->text[frame]);
	snprintf(t->text[frame] + at, WORDS_MAX - at, "%s%s%s%.*s %.*s", at == 0 ? "" : "; ",
		plant_protocol_name(p), unit.len == 0 ? "" : " ", SLICE_ARG(unit),
		SLICE_ARG(function));
	t->messages++;
}

static const char *name_of(const struct field_row *row, unsigned number)
{
	for (const struct name *n = row->names; n->function != NULL; n++) {
		if (n->number == number)
			return n->function;
	}
	if (row->protocol == PLANT_MODBUS &&
		((number >= 65 && number <= 72) || (number >= 100 && number <= 110)))
		return "user defined function";
	return "unknown function";
}

/* Ours as the longest of the names that it begins with, so that both sides use the same words. */
static struct slice shortened(enum plant_protocol p, struct slice function)
{
	struct slice best = function;
	size_t best_len = 0;

	for (size_t k = 0; k < COUNT_OF(field_rows); k++) {
		if (field_rows[k].protocol != p)
			continue;
		for (const struct name *n = field_rows[k].names; n->function != NULL; n++) {
			struct slice name = slice_of(n->function);

			if (slice_starts(function, name) && name.len > best_len) {
				best = name;
				best_len = name.len;
			}
		}
	}
	return best;
}

/* A message is one record: protocol first, then function and unit. */
struct message {
	enum plant_protocol protocol;
	struct slice function, unit;
};

static void take_message(struct comparison *c, uint64_t frame, const struct message *m)
{
	bool compared = false;

	if (m->protocol == PLANT_NONE || left_out(m->protocol, m->function))
		return;
	for (size_t k = 0; k < COUNT_OF(field_rows); k++)
		compared |= field_rows[k].protocol == m->protocol && field_rows[k].unit != NULL;
	append(&c->ours, frame, m->protocol, compared ? m->unit : (struct slice){0},
		shortened(m->protocol, m->function));
}

/* Starting tshark takes longer than reading most captures. */
static bool plant_port(struct slice text)
{
	uint64_t port;

	return slice_to_u64(text, &port) &&
	       (port == 502 || port == 20000 || port == 2404 || (port >= 47808 && port <= 47823));
}

static bool take_batch(void *context, struct batch *b)
{
	struct comparison *c = context;
	struct message m = {0};
	uint16_t record = 0;

	for (size_t k = 0; k < b->fields_count; k++) {
		const struct field *f = &b->fields[k];
		struct slice value = {f->data, f->len};

		if (f->record != record) {
			take_message(c, b->records[record].number, &m);
			m = (struct message){0};
			record = f->record;
		}
		switch (b->columns[f->column].role) {
		case ROLE_PLANT_PROTOCOL:
			for (int q = 1; q < PLANT_PROTOCOLS; q++) {
				if (slice_is(value, plant_protocol_name((enum plant_protocol)q)))
					m.protocol = (enum plant_protocol)q;
			}
			assert_int_not_equal(m.protocol, PLANT_NONE);
			break;
		case ROLE_PLANT_FUNCTION:
			m.function = value;
			break;
		case ROLE_PLANT_UNIT:
			m.unit = value;
			break;
		case ROLE_SOURCE_PORT:
		case ROLE_DESTINATION_PORT:
			c->ports |= plant_port(value);
			break;
		default:
			break;
		}
	}
	if (b->fields_count > 0)
		take_message(c, b->records[record].number, &m);
	return true;
}

static void read_ours(const char *path, struct comparison *c)
{
	struct packet_options options = {
		.roles = event_role_bit(ROLE_PLANT_PROTOCOL) | event_role_bit(ROLE_PLANT_FUNCTION) |
			 event_role_bit(ROLE_PLANT_UNIT) | event_role_bit(ROLE_SOURCE_PORT) |
			 event_role_bit(ROLE_DESTINATION_PORT),
		.plant = true,
		.world = world_real()};
	struct batch_sink sink = {.flush = take_batch, .context = c};
	char *room = calloc(1, CAPTURE_MAX + 2 * EVENT_PADDING);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct packet_reader *r;
	size_t taken;
	struct err e;
	ssize_t len;

	assert_non_null(room);
	assert_true(fd >= 0);
	len = read(fd, room + EVENT_PADDING, CAPTURE_MAX);
	close(fd);
	assert_true(len > 0 && (size_t)len < CAPTURE_MAX);
	assert_int_equal(packet_reader_new(&options, sink, &r, &e), OK);
	/* a capture cut in its last frame is read up to it */
	if (packet_feed(r, (struct slice){room + EVENT_PADDING, (size_t)len}, true, &taken, &e) !=
		OK)
		print_message("%s: %s\n", path, e.text);
	assert_true(packet_flush(r));
	packet_reader_free(r);
	free(room);
}

/* A line: frame number, then per row the field's and the unit's occurrences, those separated by
 * commas, all else by tabs. */
static void take_line(struct slice line, struct comparison *c)
{
	struct slice cell, units, function, unit;
	uint64_t frame, number;

	assert_true(slice_next(&line, '\t', &cell) && slice_to_u64(cell, &frame));
	for (size_t k = 0; k < COUNT_OF(field_rows) && slice_next(&line, '\t', &cell); k++) {
		units = (struct slice){0};
		if (field_rows[k].unit != NULL)
			(void)slice_next(&line, '\t', &units);
		while (cell.len > 0 && slice_next(&cell, ',', &function)) {
			unit = (struct slice){0};
			if (units.len > 0)
				(void)slice_next(&units, ',', &unit);
			assert_true(slice_to_u64(function, &number));
			append(&c->theirs, frame, field_rows[k].protocol, unit,
				slice_of(name_of(&field_rows[k], (unsigned)number)));
		}
	}
}

static void read_theirs(const char *path, struct comparison *c)
{
	char command[2 * PATH_BYTES], *line = NULL;
	size_t room = 0;
	ssize_t len;
	FILE *f;

	snprintf(command, sizeof(command), "tshark -n -r '%s' -T fields -e frame.number", path);
	for (size_t k = 0; k < COUNT_OF(field_rows); k++) {
		size_t at = strlen(command);

		snprintf(command + at, sizeof(command) - at, " -e %s%s%s", field_rows[k].field,
			field_rows[k].unit != NULL ? " -e " : "",
			field_rows[k].unit != NULL ? field_rows[k].unit : "");
	}
	strncat(command, " 2>/dev/null", sizeof(command) - strlen(command) - 1);
	f = popen(command, "r");
	assert_non_null(f);
	while ((len = getline(&line, &room, f)) > 0)
		take_line((struct slice){line, (size_t)len - (line[len - 1] == '\n')}, c);
	free(line);
	(void)pclose(f); /* it complains of captures that were cut */
}

static const char *explained(const char *file, unsigned frame, const char *ours, const char *theirs)
{
	for (size_t k = 0; k < COUNT_OF(understood); k++) {
		const struct understood *u = &understood[k];

		if (strstr(file, u->file) != NULL && (u->frame == 0 || u->frame == frame) &&
			strcmp(u->ours, ours) == 0 && strcmp(u->theirs, theirs) == 0)
			return u->why;
	}
	return NULL;
}

struct sums {
	uint64_t captures, frames, ours, theirs, understood, unexplained;
};

static void compare(const char *path, struct sums *sums)
{
	struct comparison *c = calloc(1, sizeof(*c));
	const char *file = strrchr(path, '/') + 1;
	unsigned frames = 0, differences = 0;

	assert_non_null(c);
	read_ours(path, c);
	if (c->ports)
		read_theirs(path, c);
	for (unsigned k = 0; k < FRAMES_MAX; k++) {
		const char *ours = c->ours.text[k], *theirs = c->theirs.text[k], *why;

		frames += ours[0] != 0 || theirs[0] != 0;
		if (strcmp(ours, theirs) == 0)
			continue;
		why = explained(file, k, ours, theirs);
		if (why == NULL && differences++ < 10)
			print_error(
				"%s frame %u: ours \"%s\", tshark \"%s\"\n", file, k, ours, theirs);
		sums->understood += why != NULL;
	}
	if (frames > 0)
		print_message("%-48.48s frames %5u  ours %5llu  tshark %5llu  %s\n", file, frames,
			(unsigned long long)c->ours.messages,
			(unsigned long long)c->theirs.messages,
			differences == 0 ? "same" : "DIFFERENT");
	sums->captures += frames > 0;
	sums->frames += frames;
	sums->ours += c->ours.messages;
	sums->theirs += c->theirs.messages;
	sums->unexplained += differences;
	free(c);
}

static bool have_tshark(void)
{
	return system("tshark -v >/dev/null 2>&1") == 0;
}

static void test_captures(void **state)
{
	const char *data = getenv("SERAI_DATA");
	char folder[PATH_BYTES], path[2 * PATH_BYTES];
	struct sums sums = {0};
	struct dirent *entry;
	DIR *d;

	(void)state;
	snprintf(folder, sizeof(folder), "%s/sensor/ot",
		data != NULL ? data : SERAI_SOURCE "/../shared/data");
	d = opendir(folder);
	if (d == NULL || !have_tshark()) {
		if (d != NULL)
			closedir(d);
		print_message("skipped: no captures or no tshark\n");
		skip();
	}
	while ((entry = readdir(d)) != NULL) {
		if (strstr(entry->d_name, ".pcap") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		compare(path, &sums);
	}
	closedir(d);
	print_message(
		"%llu captures, %llu frames: ours %llu, tshark %llu messages, %llu differences "
		"understood, %llu not\n",
		(unsigned long long)sums.captures, (unsigned long long)sums.frames,
		(unsigned long long)sums.ours, (unsigned long long)sums.theirs,
		(unsigned long long)sums.understood, (unsigned long long)sums.unexplained);
	assert_int_equal(sums.unexplained, 0);
	assert_true(sums.ours > 1000);
}

/* ---- captures made here ---------------------------------------------------------------------- */

struct payload {
	bool back; /* from the other side */
	const char *hex;
};

/* One connection to port 2404; the last segment holds two messages. */
static const struct payload iec104_payloads[] = {
	{false, "680407000000"					  },
	{true,  "68040b000000"					  },
	{false, "680e0000000064010600010000000014"                      },
	{true,  "680e0000020064010700010000000014"                      },
	{true,  "6810020002000183140001000a0000010080"                  },
	{true,  "680e0400020064010a00010000000014"                      },
	{false, "680e020006002d01060001001a270081"                      },
	{false, "680e040006002d01060001001a270001"                      },
	{true,  "680e060006002d01470001001a270001"                      },
	{false, "680e060008002e010600010001000002"                      },
	{false, "6812080008003201060001000100000000c84200"              },
	{false, "68140a000800670106000100000000e8032d0a370b1a"          },
	{false, "680e0c00080069010600010000000001"                      },
	{false, "68120e0008007001060001000500000000c84201"              },
	{true,  "681508000e001e010300010001000001e8032d0a370b1a"        },
	{true,  "68190a000e002401030001000100000000803f00e8032d0a370b1a"},
	{true,  "680e0c000e0046010400010000000000"                      },
	{false, "68131000100078010d00010000000001000a000000"            },
	{false, "680401001000680443000000"                              },
};

/* Datagrams to and from port 47808. */
static const struct payload bacnet_payloads[] = {
	{false, "810b000c0120ffff00ff1008"							},
	{true,  "810b001401001000c4020000072201e09100210f"                                        },
	{true,  "810b001701001001c402000007c4000000017503004149"                                  },
	{false, "810a001101040005010c0c000000051955"                                              },
	{true,  "810a0017010030010c0c0000000519553e4442c800003f"                                  },
	{false, "810a001c01040005020f0c00400003195729083e443f8000003f4908"                        },
	{false, "810a00290104000502100c008000011e09552e4442c80000"
		"2f1f0c010000021e09552e91012f39081f"                               },
	{false, "810a001301040005020e0c000000011e09551f"                                          },
	{true,  "810a0009010020020f"							      },
	{true,  "810a000d010050020f91029128"						      },
	{false, "810a000d01040005031409041d"						      },
	{false, "810a000e010400050311093c1901"						    },
	{false, "810a0017010400050407c4028000010e310063aabbcc0f"                                  },
	{false, "810b001201001006a47e0b1701b40a203000"                                            },
	{false, "810b001201001009a4ffffffffb4ffffffff"                                            },
	{true,  "810b00280100100209001c020000072c0000000139004e09552e44424800002f096f2e8204002f4f"},
	{false, "810a000f01040005050bc400800005"						  },
	{false, "810a000e01040005050a0e09020f"						    },
	{false, "810a001601240005010cff0005010c0c000000051955"                                    },
	{false, "81040013c0a80001bac00100100809011a0500"                                          },
};

static void put_le32(FILE *f, uint32_t value)
{
	for (unsigned k = 0; k < 4; k++)
		assert_true(fputc((int)(value >> 8 * k & 255), f) != EOF);
}

/* Ethernet, IPv4 and UDP or TCP in front of the payload; checksums are left out. */
static void put_frame(
	FILE *f, const struct payload *p, bool tcp, uint16_t port, uint32_t sequences[2])
{
	uint8_t b[14 + 20 + 20 + 1500] = {[12] = 8, [14] = 0x45, [22] = 64};
	size_t digits = strlen(p->hex), len = digits / 2, transport = tcp ? 20 : 8;
	uint8_t *ip = b + 14, *to = b + 34;
	size_t all = 14 + 20 + transport + len;

	assert_true(hex_decode((struct slice){p->hex, digits}, to + transport, len));
	put_u16(ip + 2, (uint16_t)(20 + transport + len));
	ip[9] = tcp ? 6 : 17;
	put_u32(ip + 12, p->back ? 0x0a000002 : 0x0a000001);
	put_u32(ip + 16, p->back ? 0x0a000001 : 0x0a000002);
	put_u16(to, p->back ? port : 40000);
	put_u16(to + 2, p->back ? 40000 : port);
	if (tcp) {
		put_u32(to + 4, sequences[p->back]);
		put_u32(to + 8, sequences[!p->back]);
		to[12] = 0x50;
		to[13] = 0x18; /* PSH, ACK */
		put_u16(to + 14, 8192);
		sequences[p->back] += (uint32_t)len;
	} else {
		put_u16(to + 4, (uint16_t)(8 + len));
	}
	put_le32(f, 1700000000);
	put_le32(f, 0);
	put_le32(f, (uint32_t)all);
	put_le32(f, (uint32_t)all);
	assert_int_equal(fwrite(b, 1, all, f), all);
}

static void made(const char *name, const struct payload *payloads, size_t count, bool tcp,
	uint16_t port, struct sums *sums)
{
	char folder[] = "/tmp/serai-plant-XXXXXX", path[PATH_BYTES];
	uint32_t sequences[2] = {1000, 5000};
	FILE *f;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/%s.pcap", folder, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	put_le32(f, 0xa1b2c3d4);
	put_le32(f, 4u << 16 | 2); /* version 2.4, the major number first */
	put_le32(f, 0);
	put_le32(f, 0);
	put_le32(f, 65535);
	put_le32(f, 1);
	for (size_t k = 0; k < count; k++)
		put_frame(f, &payloads[k], tcp, port, sequences);
	assert_int_equal(fclose(f), 0);
	compare(path, sums);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void test_made(void **state)
{
	struct sums sums = {0};

	(void)state;
	if (!have_tshark()) {
		print_message("skipped: no tshark\n");
		skip();
	}
	made("iec104", iec104_payloads, COUNT_OF(iec104_payloads), true, 2404, &sums);
	made("bacnet", bacnet_payloads, COUNT_OF(bacnet_payloads), false, 47808, &sums);
	assert_int_equal(sums.unexplained, 0);
	assert_true(sums.ours >= 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_captures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
