/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The Traffic Light Protocol: the four marking definitions of TLP 1 that section 7.2.1.4 prints,
 * and the five of TLP 2.0 that its authors published as an extension of STIX 2.1.
 */
#include "check.h"

#define CREATED_1 INT64_C(1484870400000000) /* 2017-01-20T00:00:00.000Z */
#define CREATED_2 INT64_C(1664582400000000) /* 2022-10-01T00:00:00.000Z */

#define TLP_1(tlp, id, name, colour, ...)                                                          \
	{                                                                                          \
		tlp, {{__VA_ARGS__}}, false, CREATED_1, name, colour,                              \
			"{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":"        \
			"\"marking-definition--" id "\",\"created\":\"2017-01-20T00:00:00.000Z\"," \
			"\"definition_type\":\"tlp\",\"name\":\"" name                             \
			"\",\"definition\":{\"tlp\":\"" colour "\"}}"                              \
	}
#define TLP_2(tlp, id, name, colour, ...)                                                          \
	{                                                                                          \
		tlp, {{__VA_ARGS__}}, true, CREATED_2, name, colour,                               \
			"{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":"        \
			"\"marking-definition--" id "\",\"created\":\"2022-10-01T00:00:00.000Z\"," \
			"\"name\":\"" name "\",\"extensions\":{"                                   \
			"\"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d\":"          \
			"{\"extension_type\":\"property-extension\",\"tlp_2_0\":\"" colour "\"}}}" \
	}

/* The id once as bytes and once as text; the text is part of the object. */
static const struct tlp_marking markings[] = {
	TLP_1(STIX_TLP_CLEAR, "613f2e26-407d-48c7-9eca-b8e91df99dc9", "TLP:WHITE", "white", 0x61,
		0x3f, 0x2e, 0x26, 0x40, 0x7d, 0x48, 0xc7, 0x9e, 0xca, 0xb8, 0xe9, 0x1d, 0xf9, 0x9d,
		0xc9),
	TLP_1(STIX_TLP_GREEN, "34098fce-860f-48ae-8e50-ebd3cc5e41da", "TLP:GREEN", "green", 0x34,
		0x09, 0x8f, 0xce, 0x86, 0x0f, 0x48, 0xae, 0x8e, 0x50, 0xeb, 0xd3, 0xcc, 0x5e, 0x41,
		0xda),
	TLP_1(STIX_TLP_AMBER, "f88d31f6-486f-44da-b317-01333bde0b82", "TLP:AMBER", "amber", 0xf8,
		0x8d, 0x31, 0xf6, 0x48, 0x6f, 0x44, 0xda, 0xb3, 0x17, 0x01, 0x33, 0x3b, 0xde, 0x0b,
		0x82),
	TLP_1(STIX_TLP_RED, "5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "TLP:RED", "red", 0x5e, 0x57,
		0xc7, 0x39, 0x39, 0x1a, 0x4e, 0xb3, 0xb6, 0xbe, 0x7d, 0x15, 0xca, 0x92, 0xd5, 0xed),
	TLP_2(STIX_TLP_CLEAR, "94868c89-83c2-464b-929b-a1a8aa3c8487", "TLP:CLEAR", "clear", 0x94,
		0x86, 0x8c, 0x89, 0x83, 0xc2, 0x46, 0x4b, 0x92, 0x9b, 0xa1, 0xa8, 0xaa, 0x3c, 0x84,
		0x87),
	TLP_2(STIX_TLP_GREEN, "bab4a63c-aed9-4cf5-a766-dfca5abac2bb", "TLP:GREEN", "green", 0xba,
		0xb4, 0xa6, 0x3c, 0xae, 0xd9, 0x4c, 0xf5, 0xa7, 0x66, 0xdf, 0xca, 0x5a, 0xba, 0xc2,
		0xbb),
	TLP_2(STIX_TLP_AMBER, "55d920b0-5e8b-4f79-9ee9-91f868d9b421", "TLP:AMBER", "amber", 0x55,
		0xd9, 0x20, 0xb0, 0x5e, 0x8b, 0x4f, 0x79, 0x9e, 0xe9, 0x91, 0xf8, 0x68, 0xd9, 0xb4,
		0x21),
	TLP_2(STIX_TLP_AMBER_STRICT, "939a9414-2ddd-4d32-a0cd-375ea402b003", "TLP:AMBER+STRICT",
		"amber+strict", 0x93, 0x9a, 0x94, 0x14, 0x2d, 0xdd, 0x4d, 0x32, 0xa0, 0xcd, 0x37,
		0x5e, 0xa4, 0x02, 0xb0, 0x03),
	TLP_2(STIX_TLP_RED, "e828b379-4e03-4974-9ac4-e53a884c97c1", "TLP:RED", "red", 0xe8, 0x28,
		0xb3, 0x79, 0x4e, 0x03, 0x49, 0x74, 0x9a, 0xc4, 0xe5, 0x3a, 0x88, 0x4c, 0x97, 0xc1),
};

static const char *const names[] = {
	[STIX_TLP_NONE] = "none",
	[STIX_TLP_CLEAR] = "clear",
	[STIX_TLP_GREEN] = "green",
	[STIX_TLP_AMBER] = "amber",
	[STIX_TLP_AMBER_STRICT] = "amber+strict",
	[STIX_TLP_RED] = "red",
};

const struct tlp_marking *tlp_marking_find(const struct uuid *id)
{
	for (size_t i = 0; i < COUNT_OF(markings); i++)
		if (uuid_equal(&markings[i].id, id))
			return &markings[i];
	return NULL;
}

enum stix_tlp stix_tlp_of(const struct uuid *marking_definition)
{
	const struct tlp_marking *marking = tlp_marking_find(marking_definition);

	return marking == NULL ? STIX_TLP_NONE : marking->tlp;
}

const char *stix_tlp_name(enum stix_tlp tlp)
{
	return (size_t)tlp < COUNT_OF(names) ? names[tlp] : "none";
}

bool stix_tlp_parse(struct slice name, enum stix_tlp *ret_tlp)
{
	if (slice_equal_nocase(slice_cut(name, 0, 4), SLICE("tlp:")))
		name = slice_cut(name, 4, name.len);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (slice_equal_nocase(name, slice_of(names[i]))) {
			*ret_tlp = (enum stix_tlp)i;
			return true;
		}
	}
	if (slice_equal_nocase(name, SLICE("white"))) {
		*ret_tlp = STIX_TLP_CLEAR;
		return true;
	}
	return false;
}

size_t stix_tlp_ids(enum stix_tlp tlp, struct uuid ret_ids[2])
{
	size_t count = 0;

	for (size_t i = 0; i < COUNT_OF(markings) && count < 2; i++)
		if (markings[i].tlp == tlp)
			ret_ids[count++] = markings[i].id;
	return count;
}

struct slice stix_tlp_object(const struct uuid *marking_definition)
{
	const struct tlp_marking *marking = tlp_marking_find(marking_definition);

	return marking == NULL ? (struct slice){0} : slice_of(marking->object);
}
