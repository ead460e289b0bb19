/* SPDX-License-Identifier: MPL-2.0 */
/*
 * The table of formats: a row each, in the file that reads it. Where two rows are equally sure of
 * what they see, the earlier one wins.
 */
#include "parts.h"

const struct logs_format_row *const logs_format_rows[LOGS_FORMATS] = {
	[LOGS_UNKNOWN] = NULL,
	[LOGS_ZEEK_TSV] = &logs_zeek_tsv,
	[LOGS_ZEEK_JSON] = &logs_zeek_json,
	[LOGS_EVE] = &logs_eve,
	[LOGS_NDJSON] = &logs_ndjson,
	[LOGS_BIND] = &logs_bind,
	[LOGS_UNBOUND] = &logs_unbound,
	[LOGS_DNSMASQ] = &logs_dnsmasq,
	[LOGS_POWERDNS] = &logs_powerdns,
	[LOGS_SQUID] = &logs_squid,
	[LOGS_COMBINED] = &logs_combined,
	[LOGS_W3C] = &logs_w3c,
	[LOGS_SYSLOG] = &logs_syslog,
	[LOGS_CSV] = &logs_csv,
	[LOGS_NFDUMP] = &logs_nfdump,
	[LOGS_STIX] = &logs_stix,
	[LOGS_TEXT] = &logs_text,
};
