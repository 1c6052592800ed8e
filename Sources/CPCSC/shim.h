// winscard.h names the protocol headers by macros that take an address; Swift imports no such macro.
#pragma once
#include <winscard.h>

static inline const SCARD_IO_REQUEST *kz_pci_t0(void) { return SCARD_PCI_T0; }
static inline const SCARD_IO_REQUEST *kz_pci_t1(void) { return SCARD_PCI_T1; }
