// What Glibc's module does not show to Swift: variadic calls and Linux's own.
#pragma once
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/// Names the calling thread, for `ps -L` and a debugger; 15 characters at most.
void kz_name_this_thread(const char *name);

/// No core file, and no other process of this user may read our memory.
int kz_forbid_core_dumps(void);

/// The whole process is another user from here on, with that user's groups, and can't go back; −1 with errno set.
int kz_become(uid_t user, gid_t group);

/// 1 where the kernel says that the clock is synchronised (adjtimex(2): STA_UNSYNC is clear, or the error that it reckons
/// with is below 16 s), 0 where it says that it is not, −1 with errno set where it was not to be asked.
int kz_clock_is_synchronised(void);

/// A file without a name in `folder`, for reading and writing; −1 with errno set. Where the file system has no such
/// files, one is made and its name is removed at once.
int kz_open_unnamed(const char *folder);

/// A file in memory; −1 with errno set.
int kz_open_memory(const char *name);

/// syncfs: everything of the descriptor's file system goes to the disk.
int kz_synchronise_file_system(int descriptor);

/// A pipe that no other child inherits.
int kz_pipe(int ends[2]);

/// How an input device without keys sounds: SND_TONE where it can make a tone of a given height (pwm-beeper), SND_BELL where
/// it only sounds or does not (gpio-beeper); −1 when the descriptor is anything else.
int kz_sound_of_beeper(int descriptor);

/// The same of the masks of its event types and sounds.
int kz_sound_of_masks(unsigned long types, unsigned long sounds);

/// The bytes of one event that sounds with so many Hz; 0 Hz ends it.
size_t kz_sound_event_size(void);
void kz_sound_event(void *event, int sound, int32_t hertz);

/// Bytes that a serial line has not sent yet; 0 for what is no line.
int kz_unsent(int descriptor);

/// Asks that each datagram be told the address that it was sent to (ip(7) IP_PKTINFO, ipv6(7) IPV6_RECVPKTINFO); −1 with
/// errno set.
int kz_tell_destination(int descriptor, int family);

/// Where a datagram came from, and to which of our addresses.
struct kz_route {
    struct sockaddr_storage peer;
    socklen_t peer_size;
    /// AF_INET, AF_INET6, or 0: it was not told.
    int family;
    unsigned char own[16];
    unsigned int interface;
};

/// Receives a datagram, if one waits; as recv(2). What is longer than the room is cut.
ssize_t kz_receive(int descriptor, void *room, size_t size, struct kz_route *route);

/// Sends a datagram back the way that one came: from the address that it was sent to.
ssize_t kz_answer(int descriptor, const void *bytes, size_t size, const struct kz_route *route);

/// Requests lines of a GPIO chip as outputs that are low (linux/gpio.h, uAPI v2): a descriptor that holds them, or −1 with
/// errno set.
int kz_gpio_request(int chip, const uint32_t *offsets, uint32_t count, const char *consumer);

/// Sets those of the requested lines whose bits are in the mask; −1 with errno set.
int kz_gpio_set(int lines, uint64_t mask, uint64_t bits);

/// What is sent to an I²C bus from here on is for this address; −1 with errno set.
int kz_i2c_select(int bus, int address);

/// Sends one byte (SMBus "Send Byte", which is a write of one byte on any I²C bus); −1 with errno set.
int kz_i2c_send(int bus, uint8_t byte);
