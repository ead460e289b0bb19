/* SPDX-License-Identifier: MPL-2.0 */
/*
 * TLS through GnuTLS: which versions and suites, certificates that can be replaced while running,
 * pins (SHA-256 of a key as certificates carry it), and a first certificate of one's own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <unistd.h>

#include "http_parts.h"

#define PEM_MAX      MIB(1) /* a chain with its key is a few KiB */
#define SERIAL_BYTES 16     /* RFC 5280 section 4.1.2.2: at most 20 */
#define YEARS        10
#define NAMES_MAX    32          /* names and addresses in one certificate */
#define BACKDATE     (24 * 3600) /* seconds: clocks of first clients may be late */

const char http_tls_priorities[] =
	"NONE:+VERS-TLS1.3:+VERS-TLS1.2:+ECDHE-ECDSA:+ECDHE-RSA:+AES-128-GCM:+AES-256-GCM:"
	"+CHACHA20-POLY1305:+AEAD:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
	"+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SHA384:"
	"+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-EDDSA-ED25519:+SIGN-RSA-PSS-RSAE-SHA256:"
	"+SIGN-RSA-PSS-RSAE-SHA384:+SIGN-RSA-PSS-SHA256:+SIGN-RSA-SHA256:+SIGN-RSA-SHA384:"
	"+CTYPE-X509:+COMP-NULL";

enum err_kind http_tls_load(const char *certificate_file, const char *key_file,
	struct http_tls **ret_tls, struct err *e)
{
	struct buf certificate = BUF_MAX(PEM_MAX), key = BUF_MAX(PEM_MAX);
	struct http_tls *tls = calloc(1, sizeof(*tls));
	enum err_kind kind;
	int rc;

	if (tls == NULL)
		return err_set(e, ERR_NOMEM, "certificate \"%s\": out of memory", certificate_file);
	atomic_init(&tls->owners, 1);
	kind = file_read(certificate_file, PEM_MAX, &certificate, e);
	if (kind == OK)
		kind = file_read(key_file, PEM_MAX, &key, e);
	if (kind == OK && gnutls_certificate_allocate_credentials(&tls->credentials) < 0)
		kind = err_set(e, ERR_NOMEM, "certificate \"%s\": out of memory", certificate_file);
	if (kind == OK) {
		gnutls_datum_t cert_pem = {
			(unsigned char *)certificate.data, (unsigned)certificate.len};
		gnutls_datum_t key_pem = {(unsigned char *)key.data, (unsigned)key.len};

		rc = gnutls_certificate_set_x509_key_mem2(
			tls->credentials, &cert_pem, &key_pem, GNUTLS_X509_FMT_PEM, NULL, 0);
		if (rc < 0)
			kind = err_set(e, ERR_PARSE, "certificate \"%s\" with key \"%s\": %s",
				certificate_file, key_file, gnutls_strerror(rc));
	}
	if (key.data != NULL)
		secret_wipe(key.data, key.capacity);
	buf_fini(&key);
	buf_fini(&certificate);
	if (kind != OK) {
		http_tls_drop(tls);
		return kind;
	}
	*ret_tls = tls;
	return OK;
}

struct http_tls *http_tls_keep(struct http_tls *tls)
{
	atomic_fetch_add_explicit(&tls->owners, 1, memory_order_relaxed);
	return tls;
}

void http_tls_drop(struct http_tls *tls)
{
	if (tls == NULL || atomic_fetch_sub_explicit(&tls->owners, 1, memory_order_acq_rel) != 1)
		return;
	if (tls->credentials != NULL)
		gnutls_certificate_free_credentials(tls->credentials);
	free(tls);
}

/* ---- pins ----------------------------------------------------------------------------- */

static bool pin_of(gnutls_x509_crt_t certificate, uint8_t ret_pin[SHA256_LEN])
{
	size_t len = SHA256_LEN;

	return gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, ret_pin, &len) ==
		       0 &&
	       len == SHA256_LEN;
}

bool http_tls_peer_pin(
	struct gnutls_session_int *session, int64_t now_us, uint8_t ret_pin[SHA256_LEN])
{
	unsigned count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
	int64_t now = now_us / US_PER_SECOND;
	gnutls_x509_crt_t certificate;
	bool good;

	if (chain == NULL || count == 0 || gnutls_x509_crt_init(&certificate) < 0)
		return false;
	good = gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) == 0 &&
	       gnutls_x509_crt_get_activation_time(certificate) <= now &&
	       gnutls_x509_crt_get_expiration_time(certificate) >= now &&
	       pin_of(certificate, ret_pin);
	gnutls_x509_crt_deinit(certificate);
	return good;
}

enum err_kind http_certificate_pin(const char *file, uint8_t ret_pin[SHA256_LEN], struct err *e)
{
	struct buf pem = BUF_MAX(PEM_MAX);
	gnutls_x509_crt_t certificate;
	uint8_t pin[SHA256_LEN];
	enum err_kind kind = file_read(file, PEM_MAX, &pem, e);

	if (kind != OK) {
		buf_fini(&pem);
		return kind;
	}
	if (gnutls_x509_crt_init(&certificate) < 0) {
		buf_fini(&pem);
		return err_set(e, ERR_NOMEM, "certificate \"%s\": out of memory", file);
	}
	gnutls_datum_t datum = {(unsigned char *)pem.data, (unsigned)pem.len};
	if (gnutls_x509_crt_import(certificate, &datum, GNUTLS_X509_FMT_PEM) < 0 ||
		!pin_of(certificate, pin))
		kind = err_set(e, ERR_PARSE, "\"%s\" does not begin with a PEM certificate", file);
	else
		memcpy(ret_pin, pin, SHA256_LEN);
	gnutls_x509_crt_deinit(certificate);
	buf_fini(&pem);
	return kind;
}

/* ---- a first certificate -------------------------------------------------------------- */

static int name_add(gnutls_x509_crt_t certificate, struct slice name)
{
	unsigned char address[16];
	char text[256];

	if (name.len == 0 || name.len >= sizeof(text))
		return GNUTLS_E_INVALID_REQUEST;
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	if (inet_pton(AF_INET, text, address) == 1)
		return gnutls_x509_crt_set_subject_alt_name(
			certificate, GNUTLS_SAN_IPADDRESS, address, 4, GNUTLS_FSAN_APPEND);
	if (inet_pton(AF_INET6, text, address) == 1)
		return gnutls_x509_crt_set_subject_alt_name(
			certificate, GNUTLS_SAN_IPADDRESS, address, 16, GNUTLS_FSAN_APPEND);
	for (size_t i = 0; i < name.len; i++)
		if ((unsigned char)text[i] <= 0x20 || (unsigned char)text[i] >= 0x7f)
			return GNUTLS_E_INVALID_REQUEST;
	return gnutls_x509_crt_set_subject_alt_name(
		certificate, GNUTLS_SAN_DNSNAME, text, (unsigned)name.len, GNUTLS_FSAN_APPEND);
}

static enum err_kind names_add(gnutls_x509_crt_t certificate, const char *names, struct err *e)
{
	static const struct slice local[] = {
		{"localhost", 9},
                {"127.0.0.1", 9},
                {"::1",       3}
        };
	struct slice rest = slice_of(names), name;
	bool named = false;
	size_t count = 0;

	while (slice_next(&rest, ',', &name)) {
		bool is_local = false;

		name = slice_trim(name);
		for (size_t i = 0; i < COUNT_OF(local); i++)
			is_local = is_local || slice_equal(name, local[i]);
		if (!named && name.len != 0 && name.len <= 64 && /* ub-common-name of RFC 5280 */
			gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
				name.data, (unsigned)name.len) == 0)
			named = true;
		if (is_local)
			continue;
		if (++count > NAMES_MAX)
			return err_set(
				e, ERR_LIMIT, "certificate with more than %d names", NAMES_MAX);
		if (name_add(certificate, name) < 0)
			return err_set(e, ERR_INVALID,
				"certificate: \"%.*s\" is not a name or address", SLICE_ARG(name));
	}
	for (size_t i = 0; i < COUNT_OF(local); i++)
		if (name_add(certificate, local[i]) < 0)
			return err_set(e, ERR_NOMEM, "certificate: out of memory");
	return OK;
}

static int certificate_fill(
	const struct world *w, gnutls_x509_crt_t certificate, gnutls_x509_privkey_t key)
{
	uint8_t serial[SERIAL_BYTES];
	int64_t now = world_now(w) / US_PER_SECOND;
	int rc;

	w->random(w->context, serial, sizeof(serial));
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40); /* positive, and never short */
	if ((rc = gnutls_x509_crt_set_version(certificate, 3)) < 0 ||
		(rc = gnutls_x509_crt_set_serial(certificate, serial, sizeof(serial))) < 0 ||
		(rc = gnutls_x509_crt_set_activation_time(certificate, now - BACKDATE)) < 0 ||
		(rc = gnutls_x509_crt_set_expiration_time(
			 certificate, now + (int64_t)YEARS * 365 * 24 * 3600)) < 0 ||
		(rc = gnutls_x509_crt_set_key(certificate, key)) < 0 ||
		(rc = gnutls_x509_crt_set_basic_constraints(certificate, 0, -1)) < 0 ||
		(rc = gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_DIGITAL_SIGNATURE)) <
			0 ||
		(rc = gnutls_x509_crt_set_key_purpose_oid(
			 certificate, GNUTLS_KP_TLS_WWW_SERVER, 0)) < 0 ||
		(rc = gnutls_x509_crt_set_key_purpose_oid(
			 certificate, GNUTLS_KP_TLS_WWW_CLIENT, 0)) < 0)
		return rc;
	return gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0);
}

enum err_kind http_certificate_make(const struct world *w, const char *name,
	const char *certificate_file, const char *key_file, struct err *e)
{
	gnutls_x509_crt_t certificate = NULL;
	gnutls_x509_privkey_t key = NULL;
	gnutls_datum_t certificate_pem = {0}, key_pem = {0};
	enum err_kind kind = OK;
	int rc;

	/* A key that is lost is lost for all who pinned it. */
	for (int i = 0; i < 2; i++) {
		const char *file = i == 0 ? certificate_file : key_file;

		if (access(file, F_OK) == 0)
			return err_set(e, ERR_CONFLICT, "\"%s\" is already there", file);
	}
	rc = gnutls_x509_crt_init(&certificate);
	if (rc == 0)
		rc = gnutls_x509_privkey_init(&key);
	if (rc == 0)
		rc = gnutls_x509_privkey_generate(
			key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (rc == 0)
		kind = names_add(certificate, name, e);
	if (rc == 0 && kind == OK)
		rc = certificate_fill(w, certificate, key);
	if (rc == 0 && kind == OK)
		rc = gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &certificate_pem);
	if (rc == 0 && kind == OK)
		rc = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, 0, &key_pem);
	if (rc != 0)
		kind = err_set(
			e, ERR_NOMEM, "certificate for \"%s\": %s", name, gnutls_strerror(rc));
	if (kind == OK)
		kind = file_write_atomic(key_file,
			(struct slice){(const char *)key_pem.data, key_pem.size}, 0600, e);
	if (kind == OK)
		kind = file_write_atomic(certificate_file,
			(struct slice){(const char *)certificate_pem.data, certificate_pem.size},
			0600, e);
	if (key_pem.data != NULL)
		secret_wipe(key_pem.data, key_pem.size);
	gnutls_free(key_pem.data);
	gnutls_free(certificate_pem.data);
	if (key != NULL)
		gnutls_x509_privkey_deinit(key);
	if (certificate != NULL)
		gnutls_x509_crt_deinit(certificate);
	return kind;
}
