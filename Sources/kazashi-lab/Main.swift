import Laboratory

/// The laboratory's command: everything that exists to try, test and pilot. It is never in the appliance's image.
@main
struct Main {
    static func main() async { await LaboratoryCommand.run() }
}
