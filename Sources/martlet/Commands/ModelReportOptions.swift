import ArgumentParser

/// What the commands that show models take.
struct ModelReportOptions: ParsableArguments {
    @Argument(help: "Only this model.")
    var name: String?

    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Print JSON.")
    var json = false
}
