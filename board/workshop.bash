# Sourced by board/image and what makes updates: the tools of Debian 13, in a tree of their own.

squash() { # folder, file, options: both below $work
    rm -f "$work/$2"
    in_shop mksquashfs "/work/$1" "/work/$2" -noappend -no-progress "${@:3}" || failed "mksquashfs failed"
}

# A PC's kernel is compressed already; an arm64 one is not, and GRUB reads zlib.
boot_packing=(-noI -noD -noF -noX)
[ "$target" = x86_64 ] || boot_packing=(-comp gzip)

# A slot's two images from the tree of a root and the files of a kernel; the loader finds the root's hash beside the kernel.
make_slot() { # the root's tree, folder of vmlinuz and initrd, version, mksquashfs's options; all below $work
    local offset
    squash "$1" root.img "${@:4}"
    offset=$(stat -c %s "$work/root.img")
    in_shop veritysetup format --salt="$(sha256sum <"$work/root.img" | cut -d' ' -f1)" \
        --uuid=4b5a0006-6b61-4a61-8000-7a6173686900 --hash-offset="$offset" --root-hash-file=/work/root.hash \
        /work/root.img /work/root.img || failed "veritysetup failed"
    printf 'set hash=%s\nset offset=%s\nset version=%s\n' "$(cat "$work/root.hash")" "$offset" "$3" >"$work/$2/slot.cfg"
    squash "$2" boot.img -all-root "${boot_packing[@]}"
}

# An update of them (RAUC's verity format), signed.
make_bundle() { # version, certificate, key, file: the last three below $work
    rm -rf "$work/bundle" "${work:?}/$4"
    mkdir "$work/bundle"
    ln "$work/root.img" "$work/boot.img" "$work/bundle/"
    cat >"$work/bundle/manifest.raucm" <<MANIFEST
[update]
compatible=kazashi-$target
version=$1
[bundle]
format=verity
[image.rootfs]
filename=root.img
[image.boot]
filename=boot.img
MANIFEST
    in_shop rauc bundle --cert="/work/$2" --key="/work/$3" /work/bundle "/work/$4" || failed "rauc makes no bundle"
}

# Runs a program of Debian 13's, whatever this machine has; $work is there, too.
emulator=()
in_shop() {
    # shellcheck disable=SC2016 # the inner shell expands these
    "${emulator[@]}" unshare --mount --pid --fork --propagation private bash -euc '
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
mkdir -p "$0/work"
mount --bind "$1" "$0/work"
exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin LANG=C.UTF-8 TZ=UTC SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" "${@:2}"' \
        "$shop" "$work" "$@" >>"$log" 2>&1
}
