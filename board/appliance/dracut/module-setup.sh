#!/bin/bash
# The appliance's part of the initramfs: /var in memory, /var/lib on the data partition, this machine's ID on it, and what
# happens when the root can't be had.
depends() { echo systemd-initrd systemd-veritysetup fs-lib; }
installkernel() { :; }
install() {
    # shellcheck disable=SC2154 # dracut's
    local units=$initdir/usr/lib/systemd/system unit
    # shellcheck disable=SC2154 # dracut's
    for unit in kazashi-disk.service sysroot-var.mount sysroot-var-lib.mount machine-identity.service; do
        inst_simple "$moddir/$unit" "/usr/lib/systemd/system/$unit"
        mkdir -p "$units/initrd.target.wants"
        ln -sf "../$unit" "$units/initrd.target.wants/$unit"
    done
    inst_script "$moddir/disk" /usr/lib/kazashi/disk
    # The root's own, so that there is one of each. dracut's asks for a password at a console.
    inst_simple "$moddir/emergency.service" /usr/lib/systemd/system/emergency.service
    inst_script "$moddir/emergency" /usr/lib/kazashi/emergency
    inst_simple /usr/lib/systemd/system/emergency.target
    inst_multiple fsck.ext4 e2fsck mkdir mv sync tr readlink basename sed ln udevadm sleep stty systemctl
}
