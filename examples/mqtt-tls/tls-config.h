/*
 * What of Mbed TLS 3.6 is compiled for a board: the small client of https-get, without text formats, from a heap of its
 * own in an array, with a generator between it and the board's entropy.
 */
#ifndef BOARD_TLS_CONFIG_H
#define BOARD_TLS_CONFIG_H

#define TLS_SMALL
#include "../https-get/tls-config.h"

/* Certificates are in flash as DER; this program has its own words for what is wrong with them. */
#undef MBEDTLS_PEM_PARSE_C
#undef MBEDTLS_BASE64_C
#undef MBEDTLS_ERROR_C
#define MBEDTLS_X509_REMOVE_INFO
/* Of the broker's certificate the session keeps a digest. */
#undef MBEDTLS_SSL_KEEP_PEER_CERTIFICATE

#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_MEMORY_BUFFER_ALLOC_C
#define MBEDTLS_PLATFORM_GMTIME_R_ALT
#define MBEDTLS_CTR_DRBG_C
/* 128 bits of strength, as the suite's. */
#define MBEDTLS_CTR_DRBG_USE_128_BIT_KEY

/* A point is multiplied in steps, between which the stack has its turn. */
#define MBEDTLS_ECP_RESTARTABLE
#define MBEDTLS_HAVE_ASM

/* Tables of multiples: 1.3 KB of heap and 2.4 KB of flash, for 75 million instructions a handshake and not 130. */
#undef MBEDTLS_ECP_WINDOW_SIZE
#define MBEDTLS_ECP_WINDOW_SIZE 4
#undef MBEDTLS_ECP_FIXED_POINT_OPTIM
#define MBEDTLS_ECP_FIXED_POINT_OPTIM 1

#ifdef MEASURE
#define MBEDTLS_MEMORY_DEBUG
#endif

#endif
