// As CLinux, for what exists to try and test: no appliance links it.
#pragma once
#include <stdint.h>
#include <sys/types.h>

/// Asks that the kernel acknowledge at once; the option resets itself, so it is set before every read.
void kz_quick_acknowledge(int socket);

/// A TCP connection to a numeric IPv4 loopback address; −1 with errno set when refused.
int kz_connect_loopback(uint16_t port);

/// Starts a program with fresh signal dispositions and an empty signal mask: a thread of a pool may block every signal,
/// and a child would inherit that. The descriptors become its standard ones. Its number, or −1 with errno set.
pid_t kz_spawn(const char *path, char *const arguments[], char *const environment[], int input, int output, int error);

/// A pseudo terminal: the master's descriptor, not blocking, and the path that a client opens; −1 with errno set.
int kz_open_pseudo_terminal(char *path, size_t size);
