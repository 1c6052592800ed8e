#define _GNU_SOURCE
#include <linux/gpio.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <netinet/in.h>
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/input.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <unistd.h>

void kz_name_this_thread(const char *name) { pthread_setname_np(pthread_self(), name); }

int kz_forbid_core_dumps(void) {
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0) return -1;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int kz_become(uid_t user, gid_t group) {
    struct passwd *known = getpwuid(user);
    if (known ? initgroups(known->pw_name, group) : setgroups(0, NULL)) return -1;
    if (setresgid(group, group, group) != 0) return -1;
    return setresuid(user, user, user);
}

int kz_clock_is_synchronised(void) {
    struct timex timex;
    memset(&timex, 0, sizeof timex);
    if (adjtimex(&timex) < 0) return -1;
    // Some servers never clear STA_UNSYNC, so that the kernel leaves the hardware clock alone, but keep the error small; the
    // kernel lets it grow without them, and at 16 s it says itself that the clock is not synchronised.
    return (timex.status & STA_UNSYNC) == 0 || timex.maxerror < 16000000;
}

int kz_open_unnamed(const char *folder) {
    int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) return file;
    char path[4096];
    if (snprintf(path, sizeof path, "%s/.scratch-XXXXXX", folder) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    file = mkostemp(path, O_CLOEXEC);
    if (file >= 0) unlink(path);
    return file;
}

int kz_open_memory(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

int kz_synchronise_file_system(int descriptor) { return syncfs(descriptor); }

int kz_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC); }

int kz_sound_of_masks(unsigned long types, unsigned long sounds) {
    if (!(types & (1UL << EV_SND)) || (types & (1UL << EV_KEY))) return -1;
    if (sounds & (1UL << SND_TONE)) return SND_TONE;
    return sounds & (1UL << SND_BELL) ? SND_BELL : -1;
}

int kz_sound_of_beeper(int descriptor) {
    unsigned long types = 0, sounds = 0;
    if (ioctl(descriptor, EVIOCGBIT(0, sizeof types), &types) < 0) return -1;
    if (ioctl(descriptor, EVIOCGBIT(EV_SND, sizeof sounds), &sounds) < 0) return -1;
    return kz_sound_of_masks(types, sounds);
}

size_t kz_sound_event_size(void) { return sizeof(struct input_event); }

void kz_sound_event(void *event, int sound, int32_t hertz) {
    struct input_event input;
    memset(&input, 0, sizeof input);
    input.type = EV_SND;
    input.code = sound;
    input.value = hertz;
    memcpy(event, &input, sizeof input);
}

int kz_unsent(int descriptor) {
    int count = 0;
    return ioctl(descriptor, TIOCOUTQ, &count) == 0 ? count : 0;
}

int kz_tell_destination(int descriptor, int family) {
    int yes = 1;
    return family == AF_INET6 ? setsockopt(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, &yes, sizeof yes)
                              : setsockopt(descriptor, IPPROTO_IP, IP_PKTINFO, &yes, sizeof yes);
}

ssize_t kz_receive(int descriptor, void *room, size_t size, struct kz_route *route) {
    // Aligned as control messages want it (cmsg(3)).
    union {
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(struct in6_pktinfo))];
        struct cmsghdr align;
    } control;
    struct iovec part = {room, size};
    struct msghdr message = {0};
    memset(route, 0, sizeof *route);
    message.msg_name = &route->peer;
    message.msg_namelen = sizeof route->peer;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    ssize_t count = recvmsg(descriptor, &message, MSG_DONTWAIT);
    if (count < 0) return count;
    route->peer_size = message.msg_namelen;
    for (struct cmsghdr *one = CMSG_FIRSTHDR(&message); one; one = CMSG_NXTHDR(&message, one)) {
        if (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(one), sizeof info);
            route->family = AF_INET;
            // Ours, also where it was sent to all.
            memcpy(route->own, &info.ipi_spec_dst, sizeof info.ipi_spec_dst);
        } else if (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(one), sizeof info);
            if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr)) continue;
            route->family = AF_INET6;
            memcpy(route->own, &info.ipi6_addr, sizeof info.ipi6_addr);
            // Only an address of one link needs its interface; any other's answer goes where routing sends it.
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) route->interface = info.ipi6_ifindex;
        }
    }
    return count;
}

/// Puts one control message into a message that has room for it (cmsg(3)).
static void attach(struct msghdr *message, void *control, int level, int type, const void *data, size_t size) {
    message->msg_control = control;
    message->msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *one = CMSG_FIRSTHDR(message);
    one->cmsg_level = level;
    one->cmsg_type = type;
    one->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(one), data, size);
}

ssize_t kz_answer(int descriptor, const void *bytes, size_t size, const struct kz_route *route) {
    union {
        char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
        struct cmsghdr align;
    } control;
    struct iovec part = {(void *)bytes, size};
    struct msghdr message = {0};
    memset(&control, 0, sizeof control);
    message.msg_name = (void *)&route->peer;
    message.msg_namelen = route->peer_size;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (route->family == AF_INET) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, route->own, sizeof info.ipi_spec_dst);
        attach(&message, control.bytes, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else if (route->family == AF_INET6) {
        struct in6_pktinfo info = {0};
        memcpy(&info.ipi6_addr, route->own, sizeof info.ipi6_addr);
        info.ipi6_ifindex = route->interface;
        attach(&message, control.bytes, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
    return sendmsg(descriptor, &message, 0);
}

int kz_gpio_request(int chip, const uint32_t *offsets, uint32_t count, const char *consumer) {
    struct gpio_v2_line_request request = {0};
    if (count > GPIO_V2_LINES_MAX) {
        errno = EINVAL;
        return -1;
    }
    memcpy(request.offsets, offsets, count * sizeof *offsets);
    strncpy(request.consumer, consumer, sizeof request.consumer - 1);
    request.num_lines = count;
    request.config.flags = GPIO_V2_LINE_FLAG_OUTPUT;
    return ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &request) < 0 ? -1 : request.fd;
}

int kz_gpio_set(int lines, uint64_t mask, uint64_t bits) {
    struct gpio_v2_line_values values = {.bits = bits, .mask = mask};
    return ioctl(lines, GPIO_V2_LINE_SET_VALUES_IOCTL, &values);
}

int kz_i2c_select(int bus, int address) { return ioctl(bus, I2C_SLAVE, (unsigned long)address); }

int kz_i2c_send(int bus, uint8_t byte) {
    struct i2c_smbus_ioctl_data message = {.read_write = I2C_SMBUS_WRITE, .command = byte, .size = I2C_SMBUS_BYTE};
    return ioctl(bus, I2C_SMBUS, &message);
}
