/* SPDX-License-Identifier: MPL-2.0 */
/* What the tests of the MISP importer share: markings, a small event, objects found by their text.
 */
#ifndef IMPORT_MISP_TESTING_H
#define IMPORT_MISP_TESTING_H

#include "import_misp.h"
#include "import_testing.h"

#define CLEAR        "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"
#define GREEN        "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
#define AMBER        "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
#define AMBER_STRICT "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"
#define RED          "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"

#define EVENT_UUID "5a7c9e10-0000-4b21-8c3d-a1b2c3d4e5f6"
#define U(number)  "5a7c9e10-" number "-4b21-8c3d-a1b2c3d4e5f6"

#define ATTRIBUTE(value)                                                                           \
	"{\"uuid\":\"" U("0001") "\",\"type\":\"ip-dst\",\"category\":\"Network activity\","       \
				 "\"to_ids\":true,\"timestamp\":\"1767600000\",\"value\":\"" value \
				 "\"}"
#define EVENT(rest)                                                                                \
	"{\"uuid\":\"" EVENT_UUID "\",\"info\":\"x\",\"date\":\"2026-01-05\",\"timestamp\":"       \
	"\"1767610000\",\"Orgc\":{\"name\":\"H\",\"uuid\":\"3f0c6a52-1a34-4a0e-9a0e-"              \
	"7a61f1b0c001\"}" rest "}"
#define ONE ",\"Attribute\":[" ATTRIBUTE("198.51.100.7") "]"

/* The line of the object that holds this. */
struct slice object_with(const struct collect *c, const char *part);
/* The object that holds `which` holds `part`, too. */
void assert_object(const struct collect *c, const char *which, const char *part);

#endif
