# Sourced by the scripts that are about the two slots. The loader's environment is RAUC's (ORDER, and of each slot OK and TRY);
# NAME_GOOD is ours: the root's hash of the system that was marked good there.
environment=/run/kazashi-env/grubenv
word() { sed -n "s/.* $1=\([^ ]*\).*/\1/p" /proc/cmdline; }
# shellcheck disable=SC2034 # for those who source it
slot=$(word rauc.slot)
# shellcheck disable=SC2034
hash=$(word roothash)
listed() { grub-editenv "$environment" list 2>/dev/null | sed -n "s/^$1=//p"; }
# The newer of versions.
newest() { printf '%s\n' "$@" | sort -V | tail -n 1; }
other() { [ "$1" = A ] && echo B || echo A; }
# What a slot's kernel partition says of its root (hash, version); nothing where no system lies there.
lies() { # slot, word
    mkdir -p /run/kazashi-look
    mount -t squashfs -o ro,nodev,nosuid,noexec "/run/kazashi-disk/boot-$(echo "$1" | tr AB ab)" /run/kazashi-look || return 0
    sed -n "s/^set $2=\([0-9A-Za-z.+~-]*\)\$/\1/p" /run/kazashi-look/slot.cfg
    umount /run/kazashi-look
}
was_good() {
    if [ "$1" = "$slot" ]; then set -- "$1" "$hash"; else set -- "$1" "$(lies "$1" hash)"; fi
    [ -n "$2" ] && [ "$(listed "$1_GOOD")" = "$2" ]
}
# The version of the system that should have run and does not; nothing where the first in the loader's order runs, was good
# before (then it was the power), or is half written.
fallen() {
    first=$(word kazashi.first)
    [ "$first" = "$slot" ] || [ "$(listed "${first}_OK")" != 1 ] || was_good "$first" || lies "$first" version
}
# What the display says of the technician's settings, such as "Setup U3 L2"; nothing where they serve.
setup_code() {
    code=$(sed -n 's/.*"code":"\([A-Z0-9]*\)".*/\1/p' /run/kazashi-setup/outcome.json)
    [ -z "$code" ] || echo "Setup $code$(sed -n 's/.*"line":\([0-9]*\).*/ L\1/p' /run/kazashi-setup/outcome.json)"
}
