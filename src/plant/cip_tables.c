/* SPDX-License-Identifier: MPL-2.0 */
/*
 * What the numbers of CIP mean: services, object classes, general status, encapsulation commands,
 * and the PCCC commands that Logix controllers still take for their older relatives.
 *
 * Sources: ODVA's CIP volume 1 (common services, appendix A; classes, section 5) and volume 2
 * (encapsulation, section 2-3); Rockwell 1756-PM020 (tag services, symbol and template objects);
 * Rockwell 1770-6.5.16 (PCCC). Where Rockwell has published nothing, the row says that it was
 * observed in public captures of a download, an upload and a change of mode.
 */
#include "cip.h"

#define ANY CIP_CLASS_ANY

/* The first row that fits counts, so rows for one class stand before those for any. */
static const struct cip_service services[] = {
  /* the connection manager (volume 1, 3-5.5) */
	{0x4e, 0x06,               PLANT_OTHER,     "forward close"                             },
	{0x52, 0x06,               PLANT_OTHER,     "unconnected send"                          },
	{0x54, 0x06,               PLANT_OTHER,     "forward open"                              },
	{0x56, 0x06,               PLANT_READ,      "get connection data"                       },
	{0x57, 0x06,               PLANT_READ,      "search connection data"                    },
	{0x5a, 0x06,               PLANT_READ,      "get connection owner"                      },
	{0x5b, 0x06,               PLANT_OTHER,     "large forward open"                        },
 /* identity: reset of the device itself (volume 1, 5-2) */
	{0x05, 0x01,               PLANT_RESTART,   "reset device"                              },
	{0x4b, 0x01,               PLANT_OPERATE,   "flash LEDs"                                },
 /* the file object (volume 1, 5-42): firmware and parameter files go through it */
	{0x4b, 0x37,               PLANT_UPLOAD,    "initiate upload"                           },
	{0x4c, 0x37,               PLANT_DOWNLOAD,  "initiate download"                         },
	{0x4d, 0x37,               PLANT_UPLOAD,    "initiate partial read"                     },
	{0x4e, 0x37,               PLANT_DOWNLOAD,  "initiate partial write"                    },
	{0x4f, 0x37,               PLANT_UPLOAD,    "upload transfer"                           },
	{0x50, 0x37,               PLANT_DOWNLOAD,  "download transfer"                         },
	{0x51, 0x37,               PLANT_DELETE,    "clear file"                                },
 /* PCCC (1770-6.5.16), told apart by pccc.c */
	{0x4b, 0x67,               PLANT_OTHER,     "execute PCCC"                              },
 /* Logix: the controller's mode (class 0x8e, published by users; observed) */
	{0x06, 0x8e,               PLANT_START,     "start: change to run mode"                 },
	{0x07, 0x8e,               PLANT_STOP,      "stop: change to program mode"              },
	{0x05, 0x8e,               PLANT_RESTART,   "reset controller"                          },
 /* Logix: forces of I/O (0x69) and of sequential charts (0x68) (published by users) */
	{0x4d, 0x69,               PLANT_MODE,      "enable forces"                             },
	{0x4e, 0x69,               PLANT_MODE,      "disable forces"                            },
	{0x4d, 0x68,               PLANT_MODE,      "enable chart forces"                       },
	{0x4e, 0x68,               PLANT_MODE,      "disable chart forces"                      },
 /* Logix: the clock (0x8b; 1756-RM003 WallClockTime) */
	{0x02, 0x8b,               PLANT_TIME,      "set attributes all: clock"                 },
	{0x04, 0x8b,               PLANT_TIME,      "set attribute list: clock"                 },
	{0x10, 0x8b,               PLANT_TIME,      "set attribute single: clock"               },
	{0x10, 0x43,               PLANT_TIME,      "set attribute single: time sync"           },
	{0x04, 0x43,               PLANT_TIME,      "set attribute list: time sync"             },
 /* Logix: programs, routines, tags, tasks, and their parts come and go in a download
  * (observed: 0x08 and 0x50 stand in downloads alone, 0x4f in downloads and uploads) */
	{0x08, 0x64,               PLANT_DOWNLOAD,  "create: controller"                        },
	{0x08, 0x68,               PLANT_DOWNLOAD,  "create: program"                           },
	{0x08, 0x69,               PLANT_DOWNLOAD,  "create: I/O module"                        },
	{0x08, 0x6b,               PLANT_DOWNLOAD,  "create: tag"                               },
	{0x08, 0x6c,               PLANT_DOWNLOAD,  "create: template"                          },
	{0x08, 0x6d,               PLANT_DOWNLOAD,  "create: routine"                           },
	{0x08, 0x70,               PLANT_DOWNLOAD,  "create: task"                              },
	{0x08, 0x7e,               PLANT_DOWNLOAD,  "create: I/O connection"                    },
	{0x09, 0x64,               PLANT_DELETE,    "delete: controller"                        },
	{0x09, 0x68,               PLANT_DELETE,    "delete: program"                           },
	{0x09, 0x69,               PLANT_DELETE,    "delete: I/O module"                        },
	{0x09, 0x6b,               PLANT_DELETE,    "delete: tag"                               },
	{0x09, 0x6c,               PLANT_DELETE,    "delete: template"                          },
	{0x09, 0x6d,               PLANT_DELETE,    "delete: routine"                           },
	{0x09, 0x70,               PLANT_DELETE,    "delete: task"                              },
	{0x09, 0x7e,               PLANT_DELETE,    "delete: I/O connection"                    },
	{0x4f, 0x6a,               PLANT_READ,      "read memory"                               },
	{0x50, 0x6a,               PLANT_DOWNLOAD,  "write memory"                              },
 /* Logix: trend and watch lists (0x72) are made for looking, and die with the looker */
	{0x05, 0x72,               PLANT_OTHER,     "reset: watch list"                         },
	{0x08, 0x72,               PLANT_OTHER,     "create: watch list"                        },
	{0x09, 0x72,               PLANT_OTHER,     "delete: watch list"                        },
	{0x4c, 0x72,               PLANT_READ,      "read watch list"                           },
 /* the symbol and template objects, and tags by name (1756-PM020) */
	{0x4c, 0x6b,               PLANT_READ,      "read tag"                                  },
	{0x4d, 0x6b,               PLANT_WRITE,     "write tag"                                 },
	{0x4e, 0x6b,               PLANT_WRITE,     "read modify write tag"                     },
	{0x52, 0x6b,               PLANT_READ,      "read tag fragmented"                       },
	{0x53, 0x6b,               PLANT_WRITE,     "write tag fragmented"                      },
	{0x55, 0x6b,               PLANT_BROWSE,    "get instance attribute list"               },
	{0x4c, 0x6c,               PLANT_BROWSE,    "read template"                             },
	{0x4c, CIP_CLASS_SYMBOLIC, PLANT_READ,      "read tag"                                  },
	{0x4d, CIP_CLASS_SYMBOLIC, PLANT_WRITE,     "write tag"                                 },
	{0x4e, CIP_CLASS_SYMBOLIC, PLANT_WRITE,     "read modify write tag"                     },
	{0x52, CIP_CLASS_SYMBOLIC, PLANT_READ,      "read tag fragmented"                       },
	{0x53, CIP_CLASS_SYMBOLIC, PLANT_WRITE,     "write tag fragmented"                      },
 /* communication parameters of the device: TCP/IP interface, Ethernet link, port, DLR, QoS
  */
	{0x02, 0xf5,               PLANT_CONFIGURE, "set attributes all: TCP/IP interface"      },
	{0x04, 0xf5,               PLANT_CONFIGURE, "set attribute list: TCP/IP interface"      },
	{0x10, 0xf5,               PLANT_CONFIGURE, "set attribute single: TCP/IP interface"    },
	{0x10, 0xf6,               PLANT_CONFIGURE, "set attribute single: Ethernet link"       },
	{0x10, 0xf4,               PLANT_CONFIGURE, "set attribute single: port"                },
	{0x10, 0x47,               PLANT_CONFIGURE, "set attribute single: ring"                },
	{0x10, 0x48,               PLANT_CONFIGURE, "set attribute single: quality of service"  },
 /* CIP security (volume 8): certificates and what is trusted */
	{0x10, 0x5d,               PLANT_CONFIGURE, "set attribute single: CIP security"        },
	{0x10, 0x5e,               PLANT_CONFIGURE, "set attribute single: EtherNet/IP security"},
	{0x4b, 0x5d,               PLANT_CONFIGURE, "begin configuration"                       },
	{0x4c, 0x5d,               PLANT_CONFIGURE, "kick timer"                                },
	{0x4d, 0x5d,               PLANT_CONFIGURE, "end configuration"                         },
	{0x4e, 0x5d,               PLANT_CONFIGURE, "object cleanup"                            },
 /* the common services, whatever the class (volume 1, A-4) */
	{0x01, ANY,                PLANT_READ,      "get attributes all"                        },
	{0x02, ANY,                PLANT_WRITE,     "set attributes all"                        },
	{0x03, ANY,                PLANT_READ,      "get attribute list"                        },
	{0x04, ANY,                PLANT_WRITE,     "set attribute list"                        },
	{0x05, ANY,                PLANT_RESTART,   "reset"                                     },
	{0x06, ANY,                PLANT_START,     "start"                                     },
	{0x07, ANY,                PLANT_STOP,      "stop"				      },
	{0x08, ANY,                PLANT_CONFIGURE, "create"                                    },
	{0x09, ANY,                PLANT_DELETE,    "delete"                                    },
	{0x0a, ANY,                PLANT_OTHER,     "multiple service packet"                   },
	{0x0d, ANY,                PLANT_CONFIGURE, "apply attributes"                          },
	{0x0e, ANY,                PLANT_READ,      "get attribute single"                      },
	{0x10, ANY,                PLANT_WRITE,     "set attribute single"                      },
	{0x11, ANY,                PLANT_BROWSE,    "find next object instance"                 },
	{0x15, ANY,                PLANT_CONFIGURE, "restore"                                   },
	{0x16, ANY,                PLANT_CONFIGURE, "save"                                      },
	{0x17, ANY,                PLANT_OTHER,     "no operation"                              },
	{0x18, ANY,                PLANT_READ,      "get member"                                },
	{0x19, ANY,                PLANT_WRITE,     "set member"                                },
	{0x1a, ANY,                PLANT_WRITE,     "insert member"                             },
	{0x1b, ANY,                PLANT_WRITE,     "remove member"                             },
	{0x1c, ANY,                PLANT_TIME,      "group sync"                                },
};

static const struct cip_service no_service = {0, ANY, PLANT_OTHER, "class-specific service"};
static const struct cip_service reserved_service = {0, ANY, PLANT_OTHER, "reserved service"};

/* Volume 1, table 5-1 and A-4: 0x01-0x31 are common, 0x32-0x4a vendor's, 0x4b-0x63 the class's. */
const struct cip_service *cip_service_find(uint8_t code, uint32_t class)
{
	for (size_t i = 0; i < COUNT_OF(services); i++) {
		if (services[i].code == code &&
			(services[i].class == class || services[i].class == ANY))
			return &services[i];
	}
	return code >= 0x32 && code <= 0x63 ? &no_service : &reserved_service;
}

struct number_name {
	uint32_t number;
	const char *name;
};

static const struct number_name classes[] = {
	{0x01, "identity"              },
	{0x02, "message router"        },
	{0x03, "DeviceNet"             },
	{0x04, "assembly"              },
	{0x05, "connection"            },
	{0x06, "connection manager"    },
	{0x07, "register"              },
	{0x08, "discrete input"        },
	{0x09, "discrete output"       },
	{0x0a, "analog input"          },
	{0x0b, "analog output"         },
	{0x0f, "parameter"             },
	{0x10, "parameter group"       },
	{0x25, "position controller"   },
	{0x28, "motor data"            },
	{0x29, "control supervisor"    },
	{0x2a, "drive"                 },
	{0x2c, "overload"              },
	{0x2d, "soft start"            },
	{0x37, "file"                  },
	{0x39, "safety supervisor"     },
	{0x3a, "safety validator"      },
	{0x41, "event log"             },
	{0x42, "motion axis"           },
	{0x43, "time sync"             },
	{0x44, "Modbus"                },
	{0x45, "originator connections"},
	{0x47, "device level ring"     },
	{0x48, "quality of service"    },
	{0x4e, "base energy"           },
	{0x5d, "CIP security"          },
	{0x5e, "EtherNet/IP security"  },
	{0x5f, "certificates"          },
	{0x67, "PCCC"                  },
	{0x68, "program"               },
	{0x69, "I/O module"            },
	{0x6a, "memory"                },
	{0x6b, "symbol"                },
	{0x6c, "template"              },
	{0x6d, "routine"               },
	{0x70, "task"                  },
	{0x72, "watch list"            },
	{0x8b, "clock"                 },
	{0x8e, "controller"            },
	{0xac, "controller changes"    },
	{0xf4, "port"                  },
	{0xf5, "TCP/IP interface"      },
	{0xf6, "Ethernet link"         },
};

/* Volume 1, B-1. */
static const struct number_name statuses[] = {
	{0x01, "connection failure"              },
	{0x02, "resource unavailable"            },
	{0x03, "invalid parameter value"         },
	{0x04, "path segment error"              },
	{0x05, "path destination unknown"        },
	{0x06, "partial transfer"                },
	{0x07, "connection lost"                 },
	{0x08, "service not supported"           },
	{0x09, "invalid attribute value"         },
	{0x0a, "attribute list error"            },
	{0x0b, "already in requested mode"       },
	{0x0c, "object state conflict"           },
	{0x0d, "object already exists"           },
	{0x0e, "attribute not settable"          },
	{0x0f, "privilege violation"             },
	{0x10, "device state conflict"           },
	{0x11, "reply data too large"            },
	{0x13, "not enough data"                 },
	{0x14, "attribute not supported"         },
	{0x15, "too much data"                   },
	{0x16, "object does not exist"           },
	{0x19, "store operation failure"         },
	{0x1a, "request too large for the route" },
	{0x1b, "response too large for the route"},
	{0x1c, "missing attribute data"          },
	{0x1e, "embedded service error"          },
	{0x1f, "vendor specific error"           },
	{0x20, "invalid parameter"               },
	{0x25, "key failure in path"             },
	{0x26, "path size invalid"               },
	{0x27, "unexpected attribute in list"    },
	{0x28, "invalid member"                  },
	{0x29, "member not settable"             },
	{0x2c, "attribute not gettable"          },
	{0xff, "still processing"                },
};

static const char *name_find(const struct number_name *rows, size_t count, uint32_t number)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].number == number)
			return rows[i].name;
	}
	return NULL;
}

const char *cip_class_name(uint32_t class)
{
	return name_find(classes, COUNT_OF(classes), class);
}

const char *cip_status_name(uint8_t status)
{
	return name_find(statuses, COUNT_OF(statuses), status);
}

#define ANY_FUNCTION PCCC_FUNCTION_NONE

/* 1770-6.5.16 chapter 7. A command without function codes has ANY_FUNCTION. */
static const struct pccc_command commands[] = {
	{0x00, ANY_FUNCTION, PLANT_WRITE,     "PCCC protected write"                                 },
	{0x01, ANY_FUNCTION, PLANT_READ,      "PCCC unprotected read"                                },
	{0x02, ANY_FUNCTION, PLANT_WRITE,     "PCCC protected bit write"                             },
	{0x05, ANY_FUNCTION, PLANT_WRITE,     "PCCC unprotected bit write"                           },
	{0x06, 0x00,         PLANT_OTHER,     "PCCC echo"                                            },
	{0x06, 0x01,         PLANT_READ,      "PCCC read diagnostic counters"                        },
	{0x06, 0x02,         PLANT_CONFIGURE, "PCCC set variables"                                   },
	{0x06, 0x03,         PLANT_BROWSE,    "PCCC diagnostic status"                               },
	{0x06, 0x04,         PLANT_CONFIGURE, "PCCC set timeout"                                     },
	{0x06, 0x05,         PLANT_CONFIGURE, "PCCC set NAKs"                                        },
	{0x06, 0x06,         PLANT_CONFIGURE, "PCCC set ENQs"                                        },
	{0x06, 0x07,         PLANT_CONFIGURE, "PCCC reset diagnostic counters"                       },
	{0x06, 0x08,         PLANT_CONFIGURE, "PCCC set data table size"                             },
	{0x06, 0x09,         PLANT_READ,      "PCCC read link parameters"                            },
	{0x06, 0x0a,         PLANT_CONFIGURE, "PCCC set link parameters"                             },
	{0x07, 0x00,         PLANT_STOP,      "PCCC disable outputs"                                 },
	{0x07, 0x01,         PLANT_START,     "PCCC enable outputs"                                  },
	{0x07, 0x03,         PLANT_START,     "PCCC enable scanning"                                 },
	{0x07, 0x04,         PLANT_DOWNLOAD,  "PCCC enter download mode"                             },
	{0x07, 0x05,         PLANT_MODE,      "PCCC exit download or upload mode"                    },
	{0x07, 0x06,         PLANT_UPLOAD,    "PCCC enter upload mode"                               },
	{0x08, ANY_FUNCTION, PLANT_WRITE,     "PCCC unprotected write"                               },
	{0x0f, 0x00,         PLANT_WRITE,     "PCCC word range write"                                },
	{0x0f, 0x01,         PLANT_READ,      "PCCC word range read"                                 },
	{0x0f, 0x02,         PLANT_WRITE,     "PCCC bit write"                                       },
	{0x0f, 0x03,         PLANT_WRITE,     "PCCC file write"                                      },
	{0x0f, 0x04,         PLANT_READ,      "PCCC file read"                                       },
	{0x0f, 0x05,         PLANT_DOWNLOAD,  "PCCC download request"                                },
	{0x0f, 0x06,         PLANT_UPLOAD,    "PCCC upload"                                          },
	{0x0f, 0x07,         PLANT_STOP,      "PCCC shutdown"                                        },
	{0x0f, 0x08,         PLANT_DOWNLOAD,  "PCCC physical write"                                  },
	{0x0f, 0x09,         PLANT_UPLOAD,    "PCCC physical read"                                   },
	{0x0f, 0x0a,         PLANT_RESTART,   "PCCC restart request"                                 },
	{0x0f, 0x11,         PLANT_MODE,      "PCCC get edit resource"                               },
	{0x0f, 0x12,         PLANT_MODE,      "PCCC return edit resource"                            },
	{0x0f, 0x17,         PLANT_UPLOAD,    "PCCC read bytes physical"                             },
	{0x0f, 0x18,         PLANT_DOWNLOAD,  "PCCC write bytes physical"                            },
	{0x0f, 0x26,         PLANT_WRITE,     "PCCC read-modify-write"                               },
	{0x0f, 0x29,         PLANT_READ,      "PCCC read section size"                               },
	{0x0f, 0x3a,         PLANT_MODE,      "PCCC set CPU mode"                                    },
	{0x0f, 0x41,         PLANT_MODE,      "PCCC disable forces"                                  },
	{0x0f, 0x50,         PLANT_DOWNLOAD,  "PCCC download all request"                            },
	{0x0f, 0x52,         PLANT_DOWNLOAD,  "PCCC download completed"                              },
	{0x0f, 0x53,         PLANT_UPLOAD,    "PCCC upload all request"                              },
	{0x0f, 0x55,         PLANT_UPLOAD,    "PCCC upload completed"                                },
	{0x0f, 0x57,         PLANT_DELETE,    "PCCC initialize memory"                               },
	{0x0f, 0x5e,         PLANT_CONFIGURE, "PCCC modify PLC-2 compatibility file"                 },
	{0x0f, 0x67,         PLANT_WRITE,     "PCCC typed write"                                     },
	{0x0f, 0x68,         PLANT_READ,      "PCCC typed read"                                      },
	{0x0f, 0x79,         PLANT_WRITE,     "PCCC read-modify-write N"                             },
	{0x0f, 0x80,         PLANT_MODE,      "PCCC change mode"                                     },
	{0x0f, 0x81,         PLANT_OTHER,     "PCCC open file"                                       },
	{0x0f, 0x82,         PLANT_OTHER,     "PCCC close file"                                      },
	{0x0f, 0x88,         PLANT_OTHER,     "PCCC execute multiple commands"                       },
	{0x0f, 0x8f,         PLANT_CONFIGURE, "PCCC apply port configuration"                        },
	{0x0f, 0xa1,         PLANT_READ,      "PCCC protected typed logical read (2 address fields)" },
	{0x0f, 0xa2,         PLANT_READ,      "PCCC protected typed logical read (3 address fields)" },
	{0x0f, 0xa7,         PLANT_UPLOAD,    "PCCC protected typed file read"                       },
	{0x0f, 0xa9,         PLANT_WRITE,     "PCCC protected typed logical write (2 address fields)"},
	{0x0f, 0xaa,         PLANT_WRITE,     "PCCC protected typed logical write (3 address fields)"},
	{0x0f, 0xab,         PLANT_WRITE,     "PCCC protected typed logical masked write"            },
	{0x0f, 0xaf,         PLANT_DOWNLOAD,  "PCCC protected typed file write"                      },
};

static const struct pccc_command no_command = {0, ANY_FUNCTION, PLANT_OTHER, "PCCC command"};

const struct pccc_command *pccc_command_find(uint8_t command, uint16_t function)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++) {
		if (commands[i].command == command &&
			(commands[i].function == ANY_FUNCTION || commands[i].function == function))
			return &commands[i];
	}
	return &no_command;
}

/* Volume 2, table 2-3.2. */
static const struct enip_command encapsulations[] = {
	{0x0000, PLANT_OTHER,  "NOP"               },
	{0x0004, PLANT_BROWSE, "list services"     },
	{0x0063, PLANT_BROWSE, "list identity"     },
	{0x0064, PLANT_BROWSE, "list interfaces"   },
	{0x0065, PLANT_OTHER,  "register session"  },
	{0x0066, PLANT_OTHER,  "unregister session"},
	{0x006f, PLANT_OTHER,  "send RR data"      },
	{0x0070, PLANT_OTHER,  "send unit data"    },
	{0x0072, PLANT_OTHER,  "indicate status"   },
	{0x0073, PLANT_OTHER,  "cancel"            },
	{0x00c8, PLANT_OTHER,  "start DTLS"        },
};

const struct enip_command *enip_command_find(uint16_t code)
{
	for (size_t i = 0; i < COUNT_OF(encapsulations); i++) {
		if (encapsulations[i].code == code)
			return &encapsulations[i];
	}
	return NULL;
}
