# Sourced, after partition.sh, by the scripts that are about the two slots. The loader's environment is RAUC's (ORDER, and of
# each slot OK and TRY); NAME_GOOD is ours: the root's hash of the system that was marked good there.
environment=/run/kazashi-env/grubenv
word() { sed -n "s/.* $1=\([^ ]*\).*/\1/p" /proc/cmdline; }
# shellcheck disable=SC2034 # for those who source it
slot=$(word rauc.slot)
# shellcheck disable=SC2034
hash=$(word roothash)
listed() { grub-editenv "$environment" list 2>/dev/null | sed -n "s/^$1=//p"; }
other() { [ "$1" = A ] && echo B || echo A; }
# The version of the system that should have run and does not; nothing where the first in the loader's order runs, or was good
# before: then it was the power.
fallen() {
    first=$(word kazashi.first)
    [ "$first" != "$slot" ] || return 0
    mkdir -p /run/kazashi-fallen
    device=$(partition "kazashi-boot-$(echo "$first" | tr AB ab)") || return 0
    mount -t squashfs -o ro,nodev,nosuid,noexec "$device" /run/kazashi-fallen || return 0
    [ "$(listed "${first}_GOOD")" = "$(sed -n 's/^set hash=//p' /run/kazashi-fallen/slot.cfg)" ] ||
        sed -n 's/^set version=//p' /run/kazashi-fallen/slot.cfg
    umount /run/kazashi-fallen
}
