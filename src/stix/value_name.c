/* SPDX-License-Identifier: MPL-2.0 */
/* Domain names as they are compared. The only file that knows libidn2. */
#include <idn2.h>

#include "value.h"

#define LABEL_MAX   63   /* bytes; RFC 1035 section 2.3.4 */
#define NAME_BYTES  253  /* bytes without the final dot; RFC 1035 section 2.3.4 */
#define UNICODE_MAX 1024 /* bytes of a name before IDNA: four times what can come out */

/*
 * Already A-labels: letters, digits, '-' and '_' (RFC 2181 section 11 allows any byte, but these
 * are what names in use have), and a first label "*". The last label is not a number: "1.2.3.4" is
 * none.
 */
static bool name_ascii(struct slice text, char ret_text[VALUE_NAME_MAX])
{
	size_t label = 0; /* bytes since the last dot */
	bool number = true;

	if (text.len == 0 || text.len > NAME_BYTES)
		return false;
	for (size_t k = 0; k < text.len; k++) {
		char c = text.data[k];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			number = true;
		} else if ((c >= 'a' && c <= 'z') || c == '-' || c == '_' ||
			   (c == '*' && k == 0 && text.len > 2 && text.data[1] == '.')) {
			label++;
			number = false;
		} else if (c >= '0' && c <= '9') {
			label++;
		} else {
			return false;
		}
		if (label > LABEL_MAX)
			return false;
		ret_text[k] = c;
	}
	return label > 0 && !number;
}

/* IDNA 2008 with the mapping of UTS 46, so that case and width do not matter. */
static bool name_unicode(struct slice text, char ret_text[VALUE_NAME_MAX], size_t *ret_len)
{
	char unicode[UNICODE_MAX + 1];
	char *ascii = NULL;
	struct slice name;
	bool good;
	int result;

	if (text.len > UNICODE_MAX || memchr(text.data, '\0', text.len) != NULL ||
		!utf8_valid(text))
		return false;
	memcpy(unicode, text.data, text.len);
	unicode[text.len] = '\0';
	result = idn2_to_ascii_8z(unicode, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	/* emoji names are registered and used although IDNA 2008 forbids them: as browsers take
	 * them */
	if (result == IDN2_DISALLOWED)
		result = idn2_to_ascii_8z(unicode, &ascii, IDN2_NFC_INPUT | IDN2_TRANSITIONAL);
	if (result != IDN2_OK)
		return false;
	name = slice_of(ascii);
	if (slice_ends(name, SLICE(".")))
		name.len--;
	good = name_ascii(name, ret_text);
	if (good)
		*ret_len = name.len;
	idn2_free(ascii);
	return good;
}

bool value_name(struct slice text, char ret_text[VALUE_NAME_MAX], size_t *ret_len)
{
	if (text.len > 1 && text.data[text.len - 1] == '.')
		text.len--;
	for (size_t k = 0; k < text.len; k++) {
		if ((unsigned char)text.data[k] >= 0x80)
			return name_unicode(text, ret_text, ret_len);
	}
	if (!name_ascii(text, ret_text))
		return false;
	*ret_len = text.len;
	return true;
}

void value_name_reverse(struct slice name, char ret_key[VALUE_NAME_MAX])
{
	size_t end = name.len;
	size_t at = 0;

	for (;;) {
		size_t from = end;

		while (from > 0 && name.data[from - 1] != '.')
			from--;
		memcpy(ret_key + at, name.data + from, end - from);
		at += end - from;
		ret_key[at++] = '.';
		if (from == 0)
			return;
		end = from - 1;
	}
}

/* Endings that are no top-level domains, so that "invoice.exe" is not taken for a name. */
static const char *const file_endings[] = {"7z", "apk", "asp", "aspx", "bak", "bat", "bin", "bmp",
	"cfg", "chm", "class", "cmd", "conf", "cpl", "csv", "dat", "deb", "dll", "dmg", "doc",
	"docm", "docx", "elf", "eml", "exe", "gif", "gz", "hta", "htm", "html", "ico", "ini", "iso",
	"jar", "jpeg", "jpg", "js", "jse", "json", "jsp", "lnk", "log", "msi", "ocx", "one", "pdb",
	"pdf", "php", "png", "ppt", "pptm", "pptx", "ps1", "pyc", "rar", "rtf", "scr", "svg", "swf",
	"sys", "tar", "tgz", "tmp", "txt", "vbe", "vbs", "vhd", "wsf", "xls", "xlsm", "xlsx", "xml",
	"yaml", "yml"};

bool value_name_likely(struct slice text)
{
	char name[VALUE_NAME_MAX];
	size_t len, dot;
	struct slice last;

	if (!value_name(text, name, &len))
		return false;
	for (dot = len; dot > 0 && name[dot - 1] != '.';)
		dot--;
	last = (struct slice){name + dot, len - dot};
	if (dot == 0 || last.len < 2)
		return false;
	for (size_t k = 0; k < last.len; k++) {
		/* a top-level domain has letters only, or is an A-label (RFC 1123, RFC 5890) */
		if ((last.data[k] < 'a' || last.data[k] > 'z') &&
			!slice_starts(last, SLICE("xn--")))
			return false;
	}
	for (size_t k = 0; k < COUNT_OF(file_endings); k++) {
		if (slice_is(last, file_endings[k]))
			return false;
	}
	return true;
}
