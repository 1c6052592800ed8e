// Everything that is private, renamed or re-typed between Mbed TLS 2.28 and 3.6 goes through this one file.
#pragma once
#define MBEDTLS_ALLOW_PRIVATE_ACCESS
#include <mbedtls/version.h>
#include <mbedtls/aes.h>
#include <mbedtls/asn1.h>
#include <mbedtls/base64.h>
#include <mbedtls/bignum.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecdh.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/gcm.h>
#include <mbedtls/hkdf.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/rsa.h>
#include <mbedtls/x509.h>
#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#ifndef MBEDTLS_PRIVATE
#define MBEDTLS_PRIVATE(member) member
#endif

/// 3.x wants its PSA core started before a key is used; 2.28 wants nothing.
static inline int kz_start(void) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return psa_crypto_init();
#else
    return 0;
#endif
}

static inline int kz_pk_parse_key(mbedtls_pk_context *pk, const unsigned char *key, size_t length,
                                  int (*rng)(void *, unsigned char *, size_t), void *rng_state) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_pk_parse_key(pk, key, length, 0, 0, rng, rng_state);
#else
    (void)rng;
    (void)rng_state;
    return mbedtls_pk_parse_key(pk, key, length, 0, 0);
#endif
}

static inline int kz_is_rsa(const mbedtls_pk_context *pk) { return mbedtls_pk_get_type(pk) == MBEDTLS_PK_RSA; }
static inline int kz_is_ec(const mbedtls_pk_context *pk) { return mbedtls_pk_get_type(pk) == MBEDTLS_PK_ECKEY; }

static inline int kz_rsa_pkcs1_sign_raw(mbedtls_rsa_context *rsa, int (*rng)(void *, unsigned char *, size_t),
                                        void *state, unsigned int length, const unsigned char *data,
                                        unsigned char *signature) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_rsa_pkcs1_sign(rsa, rng, state, MBEDTLS_MD_NONE, length, data, signature);
#else
    return mbedtls_rsa_pkcs1_sign(rsa, rng, state, MBEDTLS_RSA_PRIVATE, MBEDTLS_MD_NONE, length, data, signature);
#endif
}

static inline int kz_rsa_pkcs1_verify_sha256(mbedtls_rsa_context *rsa, const unsigned char *digest,
                                             const unsigned char *signature) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_rsa_pkcs1_verify(rsa, MBEDTLS_MD_SHA256, 32, digest, signature);
#else
    return mbedtls_rsa_pkcs1_verify(rsa, 0, 0, MBEDTLS_RSA_PUBLIC, MBEDTLS_MD_SHA256, 32, digest, signature);
#endif
}

/// PSS with SHA-256 and a random salt, for the laboratory's card (80 2A, P1 04 and 05).
static inline int kz_rsa_pss_sign_sha256(mbedtls_rsa_context *rsa, int (*rng)(void *, unsigned char *, size_t),
                                         void *state, const unsigned char *digest, unsigned char *signature) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    mbedtls_rsa_set_padding(rsa, MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA256);
    int result = mbedtls_rsa_rsassa_pss_sign(rsa, rng, state, MBEDTLS_MD_SHA256, 32, digest, signature);
    mbedtls_rsa_set_padding(rsa, MBEDTLS_RSA_PKCS_V15, MBEDTLS_MD_NONE);
#else
    mbedtls_rsa_set_padding(rsa, MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA256);
    int result = mbedtls_rsa_rsassa_pss_sign(rsa, rng, state, MBEDTLS_RSA_PRIVATE, MBEDTLS_MD_SHA256, 32, digest,
                                             signature);
    mbedtls_rsa_set_padding(rsa, MBEDTLS_RSA_PKCS_V15, MBEDTLS_MD_NONE);
#endif
    return result;
}

static inline int kz_pk_sign_sha256(mbedtls_pk_context *pk, const unsigned char *digest, unsigned char *signature,
                                    size_t capacity, size_t *length, int (*rng)(void *, unsigned char *, size_t),
                                    void *state) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    return mbedtls_pk_sign(pk, MBEDTLS_MD_SHA256, digest, 32, signature, capacity, length, rng, state);
#else
    (void)capacity;
    return mbedtls_pk_sign(pk, MBEDTLS_MD_SHA256, digest, 32, signature, length, rng, state);
#endif
}

// Fields that 3.6 makes private.
static inline unsigned int kz_crt_key_usage(const mbedtls_x509_crt *crt) { return crt->MBEDTLS_PRIVATE(key_usage); }
static inline int kz_crt_has_key_usage(const mbedtls_x509_crt *crt) {
    return (crt->MBEDTLS_PRIVATE(ext_types) & MBEDTLS_X509_EXT_KEY_USAGE) != 0;
}
static inline int kz_crt_is_ca(const mbedtls_x509_crt *crt) { return crt->MBEDTLS_PRIVATE(ca_istrue); }

/// The scalar of a parsed P-256 key; −1 when the key is of another kind.
static inline int kz_pk_export_p256(const mbedtls_pk_context *pk, unsigned char scalar[32]) {
    if (!kz_is_ec(pk)) return -1;
    const mbedtls_ecp_keypair *pair = mbedtls_pk_ec(*pk);
    if (pair->MBEDTLS_PRIVATE(grp).id != MBEDTLS_ECP_DP_SECP256R1) return -1;
    return mbedtls_mpi_write_binary(&pair->MBEDTLS_PRIVATE(d), scalar, 32);
}

static inline const mbedtls_x509_crt *kz_crt_next(const mbedtls_x509_crt *crt) { return crt->next; }

static inline void kz_rsa_init(mbedtls_rsa_context *rsa) {
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
    mbedtls_rsa_init(rsa);
#else
    mbedtls_rsa_init(rsa, MBEDTLS_RSA_PKCS_V15, 0);
#endif
}

/// The generator of a group: its address, which an imported struct member does not give.
static inline const mbedtls_ecp_point *kz_generator(const mbedtls_ecp_group *group) { return &group->G; }

/// Verifies a list's signature as mbedtls_x509_crt_verify does: what the bench measures our import against.
static inline int kz_crl_verify(const mbedtls_x509_crl *crl, mbedtls_pk_context *pk) {
    const mbedtls_md_info_t *info = mbedtls_md_info_from_type(crl->MBEDTLS_PRIVATE(sig_md));
    unsigned char digest[64];
    if (mbedtls_md(info, crl->tbs.p, crl->tbs.len, digest) != 0) return -1;
    return mbedtls_pk_verify(pk, crl->MBEDTLS_PRIVATE(sig_md), digest, mbedtls_md_get_size(info),
                             crl->MBEDTLS_PRIVATE(sig).p, crl->MBEDTLS_PRIVATE(sig).len);
}
