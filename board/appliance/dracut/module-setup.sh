#!/bin/bash
# The appliance's part of the initramfs: /var in memory, /var/lib on the data partition, and this machine's ID on it.
depends() { echo systemd-initrd systemd-veritysetup fs-lib; }
installkernel() { :; }
install() {
    # shellcheck disable=SC2154 # dracut's
    local units=$initdir/usr/lib/systemd/system unit
    # shellcheck disable=SC2154 # dracut's
    for unit in sysroot-var.mount sysroot-var-lib.mount machine-identity.service; do
        inst_simple "$moddir/$unit" "/usr/lib/systemd/system/$unit"
        mkdir -p "$units/initrd.target.wants"
        ln -sf "../$unit" "$units/initrd.target.wants/$unit"
    done
    inst_multiple fsck.ext4 e2fsck mkdir mv sync tr
}
