# Sourced by the scripts that use the appliance's own partitions: another disk may have some of the same names.

# The device of a partition on the disk that the root lies on, by the partition's name.
partition() {
    root=$(basename "$(readlink -f /dev/mapper/root)")
    for slave in "/sys/block/$root/slaves"/*; do
        for device in "$(readlink -f "$slave")"/../*/uevent; do
            if grep -qx "PARTNAME=$1" "$device"; then
                echo "/dev/$(sed -n 's/^DEVNAME=//p' "$device")"
                return
            fi
        done
    done
    return 1
}
