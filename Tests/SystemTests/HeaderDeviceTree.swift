/// The device tree of QEMU's machine `virt` with a Raspberry Pi's header of simulated lines, and our overlay on it as it is:
/// the lines have the numbers of the Pi's GPIO, so that `board/WIRING.md` holds.
enum HeaderDeviceTree {
    /// The tree is made for this machine: QEMU is started with the same words.
    static let machine = ["-machine", "virt", "-cpu", "cortex-a72"]

    /// Writes `header.dtb` into a folder.
    static func make(in folder: String) async throws {
        // The machine's own GPIO chip, for its power button, is left out: the header's is the first one.
        try await DebianTree.shell(
            """
            overlay=$2/board/overlays/kazashi-panel-gpio.dts; cd "$1"; shift 2
            "$@" -smp 2 -m 2560 -display none -machine dumpdtb=virt.dtb
            { dtc -q -I dtb -O dts virt.dtb && cat <<'TREE'
            /delete-node/ &{/gpio-keys};
            /delete-node/ &{/pl061@9030000};
            / {
                gpio-sim {
                    compatible = "gpio-simulator";
                    gpio: header {
                        gpio-controller;
                        #gpio-cells = <2>;
                        ngpios = <28>;
                        gpio-sim,label = "header";
                    };
                };
            };
            TREE
            } > header.dts
            dtc -q -@ -I dts -O dtb -o base.dtb header.dts
            dtc -q -@ -I dts -O dtb -o panel.dtbo "$overlay"
            fdtoverlay -i base.dtb -o header.dtb panel.dtbo
            """, folder, DebianTree.repository, "/usr/bin/qemu-system-aarch64", Self.machine[0], Self.machine[1],
            Self.machine[2], Self.machine[3])
    }
}
