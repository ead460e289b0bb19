/* SPDX-License-Identifier: MPL-2.0 */
/* The services of MMS by their tags (ISO 9506-2, clause 7.3: ConfirmedServiceRequest). */
#include "mms.h"

static const struct mms_service services[] = {
	{0,  PLANT_BROWSE,    MMS_SHAPE_NONE,       "status",                             false},
	{1,  PLANT_BROWSE,    MMS_SHAPE_NAME_LIST,  "get name list",                      false},
	{2,  PLANT_BROWSE,    MMS_SHAPE_NONE,       "identify",                           false},
	{3,  PLANT_CONFIGURE, MMS_SHAPE_NONE,       "rename",                             false},
	{4,  PLANT_READ,      MMS_SHAPE_READ,       "read",                               false},
	{5,  PLANT_WRITE,     MMS_SHAPE_WRITE,      "write",                              false},
	{6,  PLANT_BROWSE,    MMS_SHAPE_VARIABLE,   "get variable access attributes",     false},
	{7,  PLANT_CONFIGURE, MMS_SHAPE_OBJECT,     "define named variable",              false},
	{8,  PLANT_CONFIGURE, MMS_SHAPE_OBJECT,     "define scattered access",            false},
	{9,  PLANT_BROWSE,    MMS_SHAPE_OBJECT,     "get scattered access attributes",    false},
	{10, PLANT_DELETE,    MMS_SHAPE_OBJECTS,    "delete variable access",             false},
	{11, PLANT_CONFIGURE, MMS_SHAPE_OBJECT,     "define named variable list",         false},
	{12, PLANT_BROWSE,    MMS_SHAPE_OBJECT,     "get named variable list attributes", false},
	{13, PLANT_DELETE,    MMS_SHAPE_OBJECTS,    "delete named variable list",         false},
	{14, PLANT_CONFIGURE, MMS_SHAPE_OBJECT,     "define named type",                  false},
	{15, PLANT_BROWSE,    MMS_SHAPE_OBJECT,     "get named type attributes",          false},
	{16, PLANT_DELETE,    MMS_SHAPE_OBJECTS,    "delete named type",                  false},
	{17, PLANT_READ,      MMS_SHAPE_NONE,       "input",                              false},
	{18, PLANT_OPERATE,   MMS_SHAPE_NONE,       "output",                             false},
	{19, PLANT_OPERATE,   MMS_SHAPE_OBJECT,     "take control",                       false},
	{20, PLANT_OPERATE,   MMS_SHAPE_OBJECT,     "relinquish control",                 false},
	{21, PLANT_CONFIGURE, MMS_SHAPE_OBJECT,     "define semaphore",                   false},
	{22, PLANT_DELETE,    MMS_SHAPE_OBJECT,     "delete semaphore",                   false},
	{23, PLANT_READ,      MMS_SHAPE_OBJECT,     "report semaphore status",            false},
	{24, PLANT_READ,      MMS_SHAPE_OBJECT,     "report pool semaphore status",       false},
	{25, PLANT_READ,      MMS_SHAPE_NONE,       "report semaphore entry status",      false},
	{26, PLANT_DOWNLOAD,  MMS_SHAPE_FIRST,      "initiate download sequence",         false},
	{27, PLANT_DOWNLOAD,  MMS_SHAPE_IDENTIFIER, "download segment",                   false},
	{28, PLANT_DOWNLOAD,  MMS_SHAPE_FIRST,      "terminate download sequence",        false},
	{29, PLANT_UPLOAD,    MMS_SHAPE_IDENTIFIER, "initiate upload sequence",           false},
	{30, PLANT_UPLOAD,    MMS_SHAPE_NONE,       "upload segment",                     false},
	{31, PLANT_UPLOAD,    MMS_SHAPE_NONE,       "terminate upload sequence",          false},
	{32, PLANT_DOWNLOAD,  MMS_SHAPE_FIRST,      "request domain download",            false},
	{33, PLANT_UPLOAD,    MMS_SHAPE_FIRST,      "request domain upload",              false},
	{34, PLANT_DOWNLOAD,  MMS_SHAPE_FIRST,      "load domain content",                false},
	{35, PLANT_UPLOAD,    MMS_SHAPE_FIRST,      "store domain content",               false},
	{36, PLANT_DELETE,    MMS_SHAPE_IDENTIFIER, "delete domain",                      false},
	{37, PLANT_BROWSE,    MMS_SHAPE_IDENTIFIER, "get domain attributes",              false},
	{38, PLANT_CONFIGURE, MMS_SHAPE_FIRST,      "create program invocation",          false},
	{39, PLANT_DELETE,    MMS_SHAPE_IDENTIFIER, "delete program invocation",          false},
	{40, PLANT_START,     MMS_SHAPE_FIRST,      "start",                              false},
	{41, PLANT_STOP,      MMS_SHAPE_FIRST,      "stop",                               false},
	{42, PLANT_START,     MMS_SHAPE_FIRST,      "resume",                             false},
	{43, PLANT_RESTART,   MMS_SHAPE_FIRST,      "reset",                              false},
	{44, PLANT_STOP,      MMS_SHAPE_FIRST,      "kill",                               false},
	{45, PLANT_BROWSE,    MMS_SHAPE_IDENTIFIER, "get program invocation attributes",  false},
	{46, PLANT_DOWNLOAD,  MMS_SHAPE_OBTAIN,     "obtain file",                        false},
	{47, PLANT_CONFIGURE, MMS_SHAPE_OBJECT,     "define event condition",             false},
	{48, PLANT_DELETE,    MMS_SHAPE_NONE,       "delete event condition",             false},
	{49, PLANT_BROWSE,    MMS_SHAPE_OBJECT,     "get event condition attributes",     false},
	{50, PLANT_READ,      MMS_SHAPE_OBJECT,     "report event condition status",      false},
	{51, PLANT_MODE,      MMS_SHAPE_NONE,       "alter event condition monitoring",   false},
	{52, PLANT_OPERATE,   MMS_SHAPE_NONE,       "trigger event",                      false},
	{53, PLANT_CONFIGURE, MMS_SHAPE_OBJECT,     "define event action",                false},
	{54, PLANT_DELETE,    MMS_SHAPE_NONE,       "delete event action",                false},
	{55, PLANT_BROWSE,    MMS_SHAPE_OBJECT,     "get event action attributes",        false},
	{56, PLANT_READ,      MMS_SHAPE_OBJECT,     "report event action status",         false},
	{57, PLANT_CONFIGURE, MMS_SHAPE_OBJECT,     "define event enrollment",            false},
	{58, PLANT_DELETE,    MMS_SHAPE_NONE,       "delete event enrollment",            false},
	{59, PLANT_MODE,      MMS_SHAPE_NONE,       "alter event enrollment",             false},
	{60, PLANT_READ,      MMS_SHAPE_OBJECT,     "report event enrollment status",     false},
	{61, PLANT_BROWSE,    MMS_SHAPE_NONE,       "get event enrollment attributes",    false},
	{62, PLANT_OPERATE,   MMS_SHAPE_NONE,       "acknowledge event notification",     false},
	{63, PLANT_READ,      MMS_SHAPE_NONE,       "get alarm summary",                  false},
	{64, PLANT_READ,      MMS_SHAPE_NONE,       "get alarm enrollment summary",       false},
	{65, PLANT_READ,      MMS_SHAPE_VARIABLE,   "read journal",                       false},
	{66, PLANT_WRITE,     MMS_SHAPE_VARIABLE,   "write journal",                      false},
	{67, PLANT_DELETE,    MMS_SHAPE_VARIABLE,   "initialize journal",                 false},
	{68, PLANT_READ,      MMS_SHAPE_OBJECT,     "report journal status",              false},
	{69, PLANT_CONFIGURE, MMS_SHAPE_VARIABLE,   "create journal",                     false},
	{70, PLANT_DELETE,    MMS_SHAPE_VARIABLE,   "delete journal",                     false},
	{71, PLANT_BROWSE,    MMS_SHAPE_NONE,       "get capability list",                false},
	{72, PLANT_UPLOAD,    MMS_SHAPE_FILE_FIRST, "file open",                          false},
	{73, PLANT_UPLOAD,    MMS_SHAPE_NONE,       "file read",                          false},
	{74, PLANT_OTHER,     MMS_SHAPE_NONE,       "file close",                         false},
	{75, PLANT_CONFIGURE, MMS_SHAPE_FILE_FIRST, "file rename",                        true },
	{76, PLANT_DELETE,    MMS_SHAPE_FILE,       "file delete",                        false},
	{77, PLANT_BROWSE,    MMS_SHAPE_FILE_FIRST, "file directory",                     false},
};

static const struct plant_function unconfirmed[] = {
	{MMS_INFORMATION_REPORT, "information report", PLANT_REPORT},
	{1,		      "unsolicited status", PLANT_REPORT},
	{2,		      "event notification", PLANT_REPORT},
};

/* The table is dense: the tag is the row. */
const struct mms_service *mms_service_find(uint32_t tag)
{
	return tag < COUNT_OF(services) ? &services[tag] : NULL;
}

const struct plant_function *mms_unconfirmed_find(uint32_t tag)
{
	return PLANT_FUNCTION(unconfirmed, tag);
}
