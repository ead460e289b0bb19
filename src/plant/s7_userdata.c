/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The userdata half of S7 communication: diagnosis, blocks, clock, passwords, tests. Groups and
 * functions as tables. Layout of the parameters:
 *
 *   offset  size  field
 *        0     3  0x00 0x01 0x12
 *        3     1  octets that follow: 4, or 8 with the last four fields
 *        4     1  method        0x11, 0x12
 *        5     1  type, group   upper half 4 request, 8 response, else told unasked
 *        6     1  function
 *        7     1  sequence number
 *        8     1  data unit reference
 *        9     1  last data unit
 *       10     2  error
 */
#include "iso.h"

enum s7_group {
	GROUP_MODE = 0,
	GROUP_PROGRAMMER = 1,
	GROUP_CYCLIC = 2,
	GROUP_BLOCK = 3,
	GROUP_CPU = 4,
	GROUP_SECURITY = 5,
	GROUP_PBC = 6,
	GROUP_TIME = 7,
	GROUP_NC = 15,
};

#define CODE(group, function) ((group) << 8 | (function))

/* plant_message's code of userdata: 0x700 to stand apart from the job functions, then both. */
#define USERDATA_CODE 0x70000u

static const struct plant_function userdata[] = {
	{CODE(GROUP_MODE,       0),  "mode: stop",                             PLANT_REPORT  },
	{CODE(GROUP_MODE,       1),  "mode: warm restart",                     PLANT_REPORT  },
	{CODE(GROUP_MODE,       2),  "mode: run",                              PLANT_REPORT  },
	{CODE(GROUP_MODE,       3),  "mode: hot restart",                      PLANT_REPORT  },
	{CODE(GROUP_MODE,       4),  "mode: hold",                             PLANT_REPORT  },
	{CODE(GROUP_MODE,       6),  "mode: cold restart",                     PLANT_REPORT  },
	{CODE(GROUP_MODE,       9),  "mode: run, redundant",                   PLANT_REPORT  },
	{CODE(GROUP_MODE,       11), "mode: link up",                          PLANT_REPORT  },
	{CODE(GROUP_MODE,       12), "mode: update",                           PLANT_REPORT  },
	{CODE(GROUP_PROGRAMMER, 1),  "block status",                           PLANT_READ    },
	{CODE(GROUP_PROGRAMMER, 2),  "variable status",                        PLANT_READ    },
	{CODE(GROUP_PROGRAMMER, 3),  "read interrupt stack",                   PLANT_READ    },
	{CODE(GROUP_PROGRAMMER, 4),  "read block stack",                       PLANT_READ    },
	{CODE(GROUP_PROGRAMMER, 5),  "read local stack",                       PLANT_READ    },
	{CODE(GROUP_PROGRAMMER, 6),  "measure time",                           PLANT_READ    },
	{CODE(GROUP_PROGRAMMER, 7),  "select forces",                          PLANT_READ    },
	{CODE(GROUP_PROGRAMMER, 8),  "modify variable",                        PLANT_WRITE   },
	{CODE(GROUP_PROGRAMMER, 9),  "force variable",                         PLANT_WRITE   },
	{CODE(GROUP_PROGRAMMER, 10), "breakpoint",                             PLANT_MODE    },
	{CODE(GROUP_PROGRAMMER, 11), "leave hold",                             PLANT_START   },
	{CODE(GROUP_PROGRAMMER, 12), "memory reset",                           PLANT_DELETE  },
	{CODE(GROUP_PROGRAMMER, 13), "disable job",                            PLANT_OTHER   },
	{CODE(GROUP_PROGRAMMER, 14), "enable job",                             PLANT_OTHER   },
	{CODE(GROUP_PROGRAMMER, 15), "delete job",                             PLANT_OTHER   },
	{CODE(GROUP_PROGRAMMER, 16), "read job list",                          PLANT_READ    },
	{CODE(GROUP_PROGRAMMER, 17), "read job",                               PLANT_READ    },
	{CODE(GROUP_PROGRAMMER, 18), "replace job",                            PLANT_OTHER   },
	{CODE(GROUP_PROGRAMMER, 19), "block status",                           PLANT_READ    },
	{CODE(GROUP_PROGRAMMER, 22), "flash LED",                              PLANT_OPERATE },
	{CODE(GROUP_CYCLIC,     1),  "cyclic transfer",                        PLANT_READ    },
	{CODE(GROUP_CYCLIC,     4),  "end cyclic transfer",                    PLANT_OTHER   },
	{CODE(GROUP_CYCLIC,     5),  "transfer on change",                     PLANT_READ    },
	{CODE(GROUP_CYCLIC,     7),  "modify transfer on change",              PLANT_READ    },
	{CODE(GROUP_CYCLIC,     8),  "read record",                            PLANT_READ    },
	{CODE(GROUP_BLOCK,      1),  "list blocks",                            PLANT_BROWSE  },
	{CODE(GROUP_BLOCK,      2),  "list blocks of type",                    PLANT_BROWSE  },
	{CODE(GROUP_BLOCK,      3),  "get block info",                         PLANT_BROWSE  },
	{CODE(GROUP_CPU,        1),  "read system status list",                PLANT_BROWSE  },
	{CODE(GROUP_CPU,        2),  "message service",                        PLANT_OTHER   },
	{CODE(GROUP_CPU,        3),  "diagnostic message",                     PLANT_REPORT  },
	{CODE(GROUP_CPU,        5),  "ALARM_8 indication",                     PLANT_REPORT  },
	{CODE(GROUP_CPU,        6),  "NOTIFY indication",                      PLANT_REPORT  },
	{CODE(GROUP_CPU,        7),  "lock ALARM_8",                           PLANT_MODE    },
	{CODE(GROUP_CPU,        8),  "unlock ALARM_8",                         PLANT_MODE    },
	{CODE(GROUP_CPU,        9),  "SCAN indication",                        PLANT_REPORT  },
	{CODE(GROUP_CPU,        11), "acknowledge alarm",                      PLANT_OPERATE },
	{CODE(GROUP_CPU,        12), "alarm acknowledged",                     PLANT_REPORT  },
	{CODE(GROUP_CPU,        13), "alarm locked",                           PLANT_REPORT  },
	{CODE(GROUP_CPU,        14), "alarm unlocked",                         PLANT_REPORT  },
	{CODE(GROUP_CPU,        17), "ALARM_SQ indication",                    PLANT_REPORT  },
	{CODE(GROUP_CPU,        18), "ALARM_S indication",                     PLANT_REPORT  },
	{CODE(GROUP_CPU,        19), "query alarms",                           PLANT_READ    },
	{CODE(GROUP_CPU,        22), "NOTIFY_8 indication",                    PLANT_REPORT  },
	{CODE(GROUP_SECURITY,   1),  "log in with password",                   PLANT_MODE    },
	{CODE(GROUP_SECURITY,   2),  "log out",                                PLANT_MODE    },
	{CODE(GROUP_TIME,       1),  "read clock",                             PLANT_READ    },
	{CODE(GROUP_TIME,       2),  "set clock",                              PLANT_TIME    },
	{CODE(GROUP_TIME,       3),  "read clock",                             PLANT_READ    },
	{CODE(GROUP_TIME,       4),  "set clock",                              PLANT_TIME    },
	{CODE(GROUP_NC,         1),  "request download to numerical control",  PLANT_DOWNLOAD},
	{CODE(GROUP_NC,         2),  "download to numerical control",          PLANT_DOWNLOAD},
	{CODE(GROUP_NC,         3),  "continue download to numerical control", PLANT_DOWNLOAD},
	{CODE(GROUP_NC,         4),  "download to numerical control ended",    PLANT_DOWNLOAD},
	{CODE(GROUP_NC,         6),  "start upload from numerical control",    PLANT_UPLOAD  },
	{CODE(GROUP_NC,         7),  "upload from numerical control",          PLANT_UPLOAD  },
	{CODE(GROUP_NC,         8),  "continue upload from numerical control", PLANT_UPLOAD  },
};

/* What a group's functions are when they have no name of their own. */
static const struct plant_function groups[] = {
	{GROUP_MODE,       "mode transition",       PLANT_REPORT},
	{GROUP_PROGRAMMER, "programmer command",    PLANT_OTHER },
	{GROUP_CYCLIC,     "cyclic service",        PLANT_READ  },
	{GROUP_BLOCK,      "block function",        PLANT_BROWSE},
	{GROUP_CPU,        "CPU function",          PLANT_OTHER },
	{GROUP_SECURITY,   "security",              PLANT_MODE  },
	{GROUP_PBC,        "block send or receive", PLANT_WRITE },
	{GROUP_TIME,       "time function",         PLANT_OTHER },
	{GROUP_NC,         "numerical control",     PLANT_OTHER },
};

#define TYPE_REQUEST  4
#define TYPE_RESPONSE 8

/* Data begin with a code, a size and a length. */
static struct slice payload(struct slice data)
{
	struct reader r = {.rest = data};

	read_u16(&r);
	return read_bytes(&r, read_u16(&r));
}

/* The clock: reserved, century, then year, month, day, hour, minute, second in packed decimals. */
static void put_clock(char text[PLANT_TEXT_MAX], struct slice bytes)
{
	const uint8_t *b = (const uint8_t *)bytes.data;

	if (bytes.len < 10)
		return;
	plant_put(text, "%02x%02x-%02x-%02x %02x:%02x:%02x", (b[2] < 0x90) ? 0x20 : 0x19, b[2],
		b[3], b[4], b[5], b[6], b[7]);
}

bool s7_userdata(struct plant_message *m, struct slice parameters, struct slice data)
{
	struct reader p = {.rest = parameters};
	uint32_t head = read_u16(&p);
	uint8_t more, type, group, function;
	uint16_t error = 0;
	struct slice bytes = payload(data);
	struct reader b = {.rest = bytes};
	const struct plant_function *row;

	head = head << 8 | read_u8(&p);
	more = read_u8(&p);
	if (p.bad || head != 0x000112 || more > p.rest.len)
		return false;
	p.rest = slice_cut(p.rest, 0, more);
	read_u8(&p); /* method */
	type = read_u8(&p);
	group = type & 0xf;
	type >>= 4;
	function = read_u8(&p);
	read_u8(&p);
	if (p.bad)
		return false;
	if (p.rest.len >= 4) {
		read_u8(&p);
		read_u8(&p);
		error = read_u16(&p);
	}

	m->code = USERDATA_CODE | (uint32_t)CODE(group, function);
	row = PLANT_FUNCTION(userdata, (uint32_t)CODE(group, function));
	if (row == NULL)
		row = PLANT_FUNCTION(groups, group);
	m->function = row == NULL ? PLANT_FUNCTION_UNKNOWN : row->name;
	m->operation = row == NULL ? PLANT_OTHER : row->operation;
	m->direction = type == TYPE_REQUEST    ? PLANT_REQUEST
		       : type == TYPE_RESPONSE ? PLANT_RESPONSE
					       : PLANT_UNSOLICITED;
	/* What a device sends on its own, of a service that was asked for once, are values. */
	if (m->direction == PLANT_UNSOLICITED && m->operation == PLANT_READ)
		m->operation = PLANT_REPORT;
	if (error != 0) {
		m->refused = true;
		plant_put(m->value, "error 0x%04x", error);
		return true;
	}
	if (group == GROUP_CPU && function == 1 && bytes.len >= 4) {
		uint16_t id = read_u16(&b), index = read_u16(&b);

		plant_put(m->object, "list 0x%04x index 0x%04x", id, index);
	} else if (group == GROUP_BLOCK && function == 2 && type == TYPE_REQUEST &&
		   bytes.len == 2) {
		const char *kind = s7_block_type(bytes.data[1]);

		if (kind != NULL)
			plant_put(m->object, "%s", kind);
	} else if (group == GROUP_BLOCK && function == 3 && type == TYPE_REQUEST &&
		   bytes.len >= 8) {
		s7_put_block(m->object, slice_cut(bytes, 0, 8));
	} else if (group == GROUP_TIME && m->operation == PLANT_TIME && type == TYPE_REQUEST) {
		put_clock(m->value, bytes);
	}
	return true;
}
