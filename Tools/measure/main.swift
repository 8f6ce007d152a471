import Foundation

// Programs that measure one part each; `Tools/bench` runs them next to their peers.
let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "encoder":
    exit(EncoderMeasure.run(Array(arguments.dropFirst())))
default:
    print("Usage: martlet-measure encoder [options]   (martlet-measure encoder --help)")
    exit(arguments.first == "--help" ? 0 : 2)
}
