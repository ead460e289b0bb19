/* SPDX-License-Identifier: MPL-2.0 */
/*
 * UMAS, by which Schneider's engineering tools load, start and stop controllers: Modbus function
 * 90. There is no public specification; codes and names are those that researchers published
 * (yanissec's and later Wireshark plug-ins; Kaspersky ICS CERT, "The secrets of Schneider
 * Electric's UMAS protocol"; Black Hat Europe 2024 on the M340).
 *
 *   offset  size  field
 *        0     1  key       of the reservation; 0 without
 *        1     1  function  answers: 0xfe good, 0xfd error
 *        2     n  data
 *
 * Function 0x38 wraps another: 1 byte, a signature of 32, then 0x5a and a message as above.
 */
#include "modbus.h"

#define UMAS_GOOD         0xfe
#define UMAS_ERROR        0xfd
#define UMAS_SIGNED       0x38
#define UMAS_SIGNED_BYTES (1 + 32 + 1) /* before the inner key */

/* In the published names an upload goes into the controller, a download out of it: the operation
 * says which way the program really goes. */
static const struct plant_function functions[] = {
	{0x01, "umas init comm",                 PLANT_OTHER   },
	{0x02, "umas read id",                   PLANT_BROWSE  },
	{0x03, "umas read project info",         PLANT_BROWSE  },
	{0x04, "umas read plc info",             PLANT_BROWSE  },
	{0x05, "umas read loader info",          PLANT_BROWSE  },
	{0x06, "umas read card info",            PLANT_BROWSE  },
	{0x07, "umas read block info",           PLANT_BROWSE  },
	{0x0a, "umas repeat",                    PLANT_OTHER   },
	{0x10, "umas take plc reservation",      PLANT_MODE    },
	{0x11, "umas release plc reservation",   PLANT_MODE    },
	{0x12, "umas keep alive",                PLANT_OTHER   },
	{0x20, "umas read memory block",         PLANT_READ    },
	{0x21, "umas write memory block",        PLANT_WRITE   },
	{0x22, "umas read variables",            PLANT_READ    },
	{0x23, "umas write variables",           PLANT_WRITE   },
	{0x24, "umas read coils registers",      PLANT_READ    },
	{0x25, "umas write coils registers",     PLANT_WRITE   },
	{0x26, "umas data dictionary",           PLANT_BROWSE  },
	{0x27, "umas data dictionary preload",   PLANT_BROWSE  },
	{0x28, "umas read physical address",     PLANT_READ    },
	{0x29, "umas write physical address",    PLANT_WRITE   },
	{0x2a, "umas browse events",             PLANT_BROWSE  },
	{0x30, "umas initialize upload",         PLANT_DOWNLOAD},
	{0x31, "umas upload block",              PLANT_DOWNLOAD},
	{0x32, "umas end strategy upload",       PLANT_DOWNLOAD},
	{0x33, "umas initialize download",       PLANT_UPLOAD  },
	{0x34, "umas download block",            PLANT_UPLOAD  },
	{0x35, "umas end strategy download",     PLANT_UPLOAD  },
	{0x36, "umas backup",                    PLANT_UPLOAD  },
	{0x37, "umas preload blocks",            PLANT_DOWNLOAD},
	{0x39, "umas read ethernet master data", PLANT_READ    },
	{0x40, "umas start plc",                 PLANT_START   },
	{0x41, "umas stop plc",                  PLANT_STOP    },
	{0x42, "umas init plc",                  PLANT_RESTART },
	{0x43, "umas swap blocks",               PLANT_DOWNLOAD},
	{0x50, "umas monitor plc",               PLANT_READ    },
	{0x51, "umas get auto modifications",    PLANT_READ    },
	{0x52, "umas get forced bits",           PLANT_READ    },
	{0x53, "umas get selected blocks",       PLANT_READ    },
	{0x58, "umas check plc",                 PLANT_OTHER   },
	{0x60, "umas set breakpoint",            PLANT_MODE    },
	{0x61, "umas delete breakpoint",         PLANT_MODE    },
	{0x62, "umas step over",                 PLANT_MODE    },
	{0x63, "umas step in",                   PLANT_MODE    },
	{0x64, "umas step out",                  PLANT_MODE    },
	{0x65, "umas get call stack",            PLANT_READ    },
	{0x66, "umas check debug allowed",       PLANT_OTHER   },
	{0x6c, "umas process message",           PLANT_OTHER   },
	{0x6d, "umas private message",           PLANT_OTHER   },
	{0x6e, "umas reservation nonces",        PLANT_OTHER   },
	{0x70, "umas read io object",            PLANT_READ    },
	{0x71, "umas write io object",           PLANT_WRITE   },
	{0x72, "umas read rack",                 PLANT_BROWSE  },
	{0x73, "umas get status module",         PLANT_READ    },
	{0x74, "umas read device data",          PLANT_READ    },
};

/* Requests never have these codes. */
bool modbus_umas_answers(uint8_t code)
{
	return code == UMAS_GOOD || code == UMAS_ERROR;
}

static void name(uint8_t code, struct plant_message *m)
{
	const struct plant_function *f = PLANT_FUNCTION(functions, code);

	m->function = f != NULL ? f->name : "umas unknown function";
	m->operation = f != NULL ? f->operation : PLANT_OTHER;
	plant_put(m->object, "umas 0x%02x", code);
}

bool modbus_umas(
	struct slice data, bool request, struct modbus_asked *asked, struct plant_message *m)
{
	struct reader r = {.rest = data};
	uint8_t code;

	read_u8(&r); /* key */
	code = read_u8(&r);
	if (request && code == UMAS_SIGNED && r.rest.len >= UMAS_SIGNED_BYTES + 2) {
		read_bytes(&r, UMAS_SIGNED_BYTES + 1);
		code = read_u8(&r);
	}
	if (r.bad)
		return false;
	if (request) {
		asked->umas = code;
		name(code, m);
	} else {
		m->refused = code == UMAS_ERROR;
		if (asked != NULL)
			name(asked->umas, m);
		else
			m->function = code == UMAS_ERROR ? "umas error" : "umas answer";
		if (code != UMAS_GOOD && code != UMAS_ERROR)
			return false;
	}
	plant_put_hex(m->value, r.rest);
	return true;
}
