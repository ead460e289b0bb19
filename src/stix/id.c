/* SPDX-License-Identifier: MPL-2.0 */
/* Identifiers, section 2.9: "type--uuid". */
#include "stix.h"

#define UUID_AND_HYPHENS (UUID_TEXT_LEN + 2)

const struct uuid stix_namespace = {
	{0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7}};

/* Type names: a-z, 0-9 and single hyphens, a letter first, 3 to 250 bytes (3.1, 7.3.2.2, 11.2.1). */
static bool type_name_fits(struct slice type)
{
	if (type.len < 3 || type.len > STIX_TYPE_MAX || type.data[0] < 'a' || type.data[0] > 'z')
		return false;
	for (size_t i = 1; i < type.len; i++) {
		char c = type.data[i];

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
			(c != '-' || type.data[i - 1] == '-'))
			return false;
	}
	return type.data[type.len - 1] != '-';
}

bool stix_id_parse(struct slice text, struct stix_id *ret_id)
{
	struct stix_id id;

	if (text.len <= UUID_AND_HYPHENS || text.len > STIX_ID_MAX)
		return false;
	id.type = (struct slice){text.data, text.len - UUID_AND_HYPHENS};
	if (memcmp(text.data + id.type.len, "--", 2) != 0 || !type_name_fits(id.type) ||
		!uuid_parse(slice_cut(text, text.len - UUID_TEXT_LEN, text.len), &id.uuid))
		return false;
	*ret_id = id;
	return true;
}

void stix_id_format(struct slice type, const struct uuid *uuid, char ret_text[STIX_ID_MAX + 1])
{
	size_t len = type.len > STIX_TYPE_MAX ? STIX_TYPE_MAX : type.len;

	memcpy(ret_text, type.data, len);
	memcpy(ret_text + len, "--", 2);
	uuid_format(uuid, ret_text + len + 2);
}
